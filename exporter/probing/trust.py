"""What a lane asks of its endpoint's certificate: an authority's word, one fingerprint, or nothing.

Nothing is the default, since orchestrators sign their certificates themselves. What is asked
holds for every connection to the lane's own host and port, and for no other.
"""

import hashlib
import ssl
import time
from collections.abc import Iterable
from pathlib import Path

from exporter.model import Outcome
from exporter.probing.failure import TransportFailure
from exporter.settings import Lane
from exporter.settings.lanes import LaneTls
from exporter.settings_file.files import UnreadableFileError, read_bounded

AUTHORITIES_LIMIT = 4 * 2**20
"""Bytes of a `ca` file."""

_EXPIRED = 10
_NOT_YET_VALID = 9
_OTHER_HOST = (62, 64)
"""OpenSSL's numbers of what can be wrong with a certificate (`X509_V_ERR_...`)."""


class TrustError(Exception):
    """What the settings ask for cannot be checked; the message says why."""


class Trust:
    """What one lane asks of a certificate.

    `context` verifies by authorities, those of the file `ca` or the machine's own; without it any
    certificate is taken. `fingerprint` is the SHA-256 of the one certificate (DER) that is
    accepted, 64 hexadecimal digits.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        ca: Path | None = None,
        fingerprint: str | None = None,
    ) -> None:
        self.context = context
        self._ca = ca
        self._fingerprint = fingerprint

    @property
    def asks(self) -> bool:
        """Whether anything is asked at all."""
        return self.context is not None or self._fingerprint is not None

    def check(self, found: str | None) -> None:
        """Compare the peer's fingerprint; `None` if it showed no certificate.

        To be called after the handshake and before the first byte of a request. Raises
        `TransportFailure`, which blames nobody: the expectation may be as wrong as the peer.
        """
        expected = self._fingerprint
        if expected is None or found == expected:
            return
        seen = "missing" if found is None else found
        raise TransportFailure(
            Outcome.TLS_FAILED,
            f"the certificate's fingerprint is {seen}, expected {expected}",
            doubtful=True,
        )

    def refusal(self, error: ssl.SSLCertVerificationError) -> TransportFailure:
        """The failure that a certificate is which no authority vouches for.

        Only where a certificate was good and has run out it is clearly the peer's: authorities
        and host names are looked at first. All else may be a wrong expectation of ours.
        """
        code, said = error.verify_code, error.verify_message.rstrip(".")
        if code == _EXPIRED:
            ours = self._outdated()
            why = "an authority of ours has expired" if ours else "the certificate has expired"
            return TransportFailure(Outcome.TLS_FAILED, why, doubtful=ours)
        if code == _NOT_YET_VALID:
            why = "the certificate is not valid yet, by this machine's clock"
        elif code in _OTHER_HOST:
            why = f"the certificate is for another host: {said}"
        else:
            by = f"an authority in {self._ca}" if self._ca else "an authority that we trust"
            why = f"the certificate is not signed by {by}: {said}"
        return TransportFailure(Outcome.TLS_FAILED, why, doubtful=True)

    def _outdated(self) -> bool:
        """Whether an authority in the `ca` file has expired; of a machine's many, some may."""
        if self.context is None or self._ca is None:
            return False
        now = time.time()
        ends = (str(each["notAfter"]) for each in self.context.get_ca_certs())
        return any(ssl.cert_time_to_seconds(end) < now for end in ends)


ANY_CERTIFICATE = Trust()


class Trusts:
    """Makes what lanes ask for; lanes that name the same authorities share them in memory."""

    def __init__(self) -> None:
        self._contexts: dict[Path | None, ssl.SSLContext] = {}

    def of(self, tls: LaneTls) -> Trust:
        """What these settings ask for. Raises `TrustError` for a `ca` file that is of no use."""
        if not tls.verify:
            return Trust(fingerprint=tls.fingerprint) if tls.fingerprint else ANY_CERTIFICATE
        if tls.ca not in self._contexts:
            self._contexts[tls.ca] = _verifying(tls.ca)
        return Trust(self._contexts[tls.ca], ca=tls.ca, fingerprint=tls.fingerprint)


def untrustworthy(lanes: Iterable[Lane]) -> list[str]:
    """What cannot be checked as the lanes ask for it, one text a mistake, by key path."""
    trusts = Trusts()
    mistakes = []
    for index, lane in enumerate(lanes):
        try:
            trusts.of(lane.tls)
        except TrustError as error:
            key = "verify" if lane.tls.ca is None else "ca"
            mistakes.append(f"lanes[{index}].tls.{key}: {error}")
    return mistakes


def unverified_tls() -> ssl.SSLContext:
    """TLS that takes any certificate: orchestrators sign their own, by the network's custom."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return _steady(context)


def fingerprint_of(tls: ssl.SSLObject) -> str | None:
    """SHA-256 of the certificate (DER) that the peer showed, 64 hexadecimal digits."""
    certificate = tls.getpeercert(binary_form=True)
    return None if certificate is None else hashlib.sha256(certificate).hexdigest()


def _verifying(ca: Path | None) -> ssl.SSLContext:
    context = _steady(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    if ca is not None:
        # Whoever is named is trusted, whether somebody else has signed it or not.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=_authorities(ca))
        return context
    context.load_default_certs()
    folder = ssl.get_default_verify_paths().capath
    if not context.cert_store_stats()["x509"] and not (folder and any(Path(folder).iterdir())):
        raise TrustError(
            "this machine knows no authorities: install its package of them (ca-certificates), "
            "or name a file of them with `ca`"
        )
    return context


def _steady(context: ssl.SSLContext) -> ssl.SSLContext:
    """Speak HTTP/1.1 with whoever showed his certificate at the start, and with nobody later."""
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def _authorities(ca: Path) -> str:
    try:
        # Bundles have comments in any language.
        text = read_bounded(ca, AUTHORITIES_LIMIT).decode("ascii", "ignore")
    except UnreadableFileError as error:
        raise TrustError(f"expected a PEM file of authorities, but {error} ({ca})") from None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise TrustError(
            f"expected a PEM file of authorities, but {ca} holds no certificate "
            "(`-----BEGIN CERTIFICATE-----`) or a damaged one"
        ) from None
    return text

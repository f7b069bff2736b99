"""Handshakes apart from any job: the round-trip time of the path, and whether it is there."""

import asyncio
import os
import ssl
import statistics
import time
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from exporter.model import Outcome
from exporter.probing.backend import no_route
from exporter.probing.connecting import Place, connect, place
from exporter.probing.failure import ForbiddenAddressError, TransportFailure
from exporter.probing.guard import Guard
from exporter.probing.resolve import Resolver, literal
from exporter.probing.trust import unverified_tls

HANDSHAKES = 3

Stage = Literal["guard", "dns", "tcp", "tls"]

_ALERTS = ("SSLV3_", "TLSV1_", "TLSV13_")
"""How OpenSSL's names for alerts begin: what the peer said, not what we found wrong. Python has
no names for the newer ones, but their texts say "alert"."""
_NOT_TLS = ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")
"""OpenSSL's names for what does not even begin like TLS."""


class Reach(msgspec.Struct, frozen=True):
    """What a few handshakes to one host and port showed."""

    rtt: int | None
    """Median of the handshakes in nanoseconds; `None` if none came about."""
    error: str | None = None
    says_nothing: bool = False
    """The guard forbade to ask, our own machine could not, or the answer may mean anything."""
    not_tls: bool = False
    """It took the connection, and spoke something else than TLS."""
    silent: bool = False
    """It took the connection, and then let the TLS handshake time out or cut it off."""
    address: str | None = None
    """The address, without port, that was connected to, or tried last."""
    stage: Stage | None = None
    """Where it failed; `None` if it did not."""
    tls_version: str | None = None
    """After a TLS handshake: its version, and the certificate that was shown (DER)."""
    certificate: bytes | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the host answered; `None` if that could not be found out."""
        return None if self.says_nothing else self.rtt is not None and not self.silent


async def reach(
    host: str,
    port: int,
    *,
    resolver: Resolver,
    guard: Guard | None,
    timeout: float,
    handshakes: int = HANDSHAKES,
    tls: ssl.SSLContext | None = None,
) -> Reach:
    """Do a few TCP handshakes, one after the other, to the host's first address that answers.

    With `tls` (see `greeting_tls`) a TLS handshake follows: whoever takes connections and says
    nothing is not there; whoever refuses with an alert is. `guard` is `None` for what stands in the
    operator's own settings. The host was reached if any handshake came about; the median is over
    those that did. What our own resolver or machine could not do says nothing about the host, nor
    does what is no TLS at all.
    """
    try:
        async with asyncio.timeout(timeout):
            address = literal(host)
            addresses = [address] if address else (await resolver.resolve(host, port))[0]
    except TransportFailure as error:
        ours = error.doubtful or error.outcome is Outcome.TESTER_ERROR
        return Reach(None, error.message, says_nothing=ours, stage="dns")
    except TimeoutError:
        late = f"{host} was not resolved within {timeout:g} s"
        return Reach(None, late, says_nothing=True, stage="dns")
    found, started = Reach(None, "the name has no address", stage="dns"), time.monotonic()
    for address in addresses:
        if time.monotonic() - started > timeout:
            break
        try:
            where = place(address, port, guard)
        except ForbiddenAddressError as error:
            if found.stage != "tcp":
                found = Reach(
                    None, error.message, says_nothing=True, address=address, stage="guard"
                )
            continue
        took, failure = await _several(where, timeout, handshakes)
        if took:
            found = Reach(round(statistics.median(took)), address=address)
            return found if tls is None else await _greet(found, where, host, tls, timeout)
        found = Reach(None, failure, says_nothing=no_route(where), address=address, stage="tcp")
    return found


def greeting_tls() -> ssl.SSLContext:
    """TLS that takes any certificate and speaks whatever a gateway may speak to an orchestrator.

    Without the old Diffie-Hellman, whose cost the other side sets.
    """
    context = unverified_tls()
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:kRSA+AES")
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def _several(where: Place, timeout: float, handshakes: int) -> tuple[list[int], str]:
    """What the handshakes took, and why the last one failed; two failures in a row are enough."""
    took: list[int] = []
    error, failures = "", 0
    for _ in range(handshakes):
        try:
            took.append(await _handshake(where, timeout))
            failures = 0
        except (OSError, TimeoutError) as failure:
            slow = isinstance(failure, TimeoutError)
            why = f"no connection within {timeout:g} s" if slow else _reason(failure)
            error, failures = f"{where.address} port {where.port}: {why}", failures + 1
            if failures > 1 or handshakes == 1:
                break
    return took, error


def _reason(failure: OSError) -> str:
    """The kernel's words: asyncio puts its own into the error."""
    return os.strerror(failure.errno) if failure.errno else str(failure)


async def _greet(
    found: Reach, where: Place, host: str, tls: ssl.SSLContext, timeout: float
) -> Reach:
    """One TLS handshake with whoever took our connections."""
    name = f"{where.address} port {where.port}"
    try:
        async with asyncio.timeout(timeout):
            writer = await _greeted(where, host, tls)
    except TimeoutError:
        error = f"{name}: no TLS handshake within {timeout:g} s"
        return msgspec.structs.replace(found, error=error, silent=True, stage="tls")
    except (OSError, ValueError) as failure:
        why = str(failure) or "the connection was closed"
        error = f"{name}: the TLS handshake failed: {why}"[:300]
        cut_off = _cuts_off(failure)
        unclear = not cut_off and not _is_alert(failure)
        return msgspec.structs.replace(
            found,
            error=error,
            silent=cut_off,
            says_nothing=unclear,
            not_tls=isinstance(failure, ssl.SSLError) and failure.reason in _NOT_TLS,
            stage="tls",
        )
    secured: ssl.SSLObject = writer.get_extra_info("ssl_object")
    shown, version = secured.getpeercert(binary_form=True), secured.version()
    writer.transport.abort()
    return msgspec.structs.replace(found, tls_version=version, certificate=shown)


async def _greeted(where: Place, host: str, tls: ssl.SSLContext) -> asyncio.StreamWriter:
    sock, _ = await connect(where)
    try:
        name = host.rstrip(".")
        _, writer = await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=name)
    except BaseException:
        sock.close()
        raise
    return writer


def _cuts_off(failure: Exception) -> bool:
    if isinstance(failure, ssl.SSLError):
        return isinstance(failure, ssl.SSLEOFError)
    return isinstance(failure, ConnectionError)


def _is_alert(failure: Exception) -> bool:
    """Whether the peer itself refused, in TLS: then its port and its TLS are alive."""
    if not isinstance(failure, ssl.SSLError):
        return False
    return (failure.reason or "").startswith(_ALERTS) or " alert " in str(failure)


def host_and_port(url: str) -> tuple[str, int]:
    """Host and port of a base URL, with the scheme's own port as default."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


async def _handshake(where: Place, timeout: float) -> int:
    started = time.monotonic_ns()
    async with asyncio.timeout(timeout):
        sock, at = await connect(where)
    sock.close()
    return at - started

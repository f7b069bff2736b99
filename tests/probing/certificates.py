"""Certificates as no sane authority issues them."""

import datetime as dt
import hashlib
import ssl
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def server_tls(
    certificate: trustme.LeafCert, version: ssl.TLSVersion | None = None
) -> ssl.SSLContext:
    """TLS of a server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def sha256_of(certificate: trustme.LeafCert) -> str:
    """Fingerprint of a leaf, 64 hexadecimal digits."""
    pem = certificate.cert_chain_pems[0].bytes().decode()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


class Authority:
    """An authority of any age, for what `trustme` does not make."""

    def __init__(self, *, ends: dt.datetime = NOW + 30 * DAY) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("an authority of the tests")
        self.certificate = (
            _builder(self._name, self._name, self._key.public_key(), ends)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def write(self, path: Path) -> Path:
        """Write the authority's own certificate; gives the path."""
        path.write_bytes(_pem(self.certificate))
        return path

    def server_tls(self, folder: Path, host: str, *, names: int = 0) -> ssl.SSLContext:
        """TLS of a server with a certificate for `host` and that many names more."""
        key = ec.generate_private_key(ec.SECP256R1())
        more = [x509.DNSName(f"name-{number:06}.example.org") for number in range(names)]
        leaf = (
            _builder(_named(host), self._name, key.public_key(), NOW + 20 * DAY)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host), *more]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = folder / "leaf.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(secret + _pem(leaf))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, ends: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 60 * DAY)
        .not_valid_after(ends)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)

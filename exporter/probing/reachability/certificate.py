"""Facts about a certificate that was presented (X.509, RFC 5280); nothing of it is verified.

The standard library reads only certificates that it trusts. What is needed here is little.
"""

import hashlib
import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from exporter.model import Certificate
from exporter.probing.reachability.der import (
    OCTETS,
    OID,
    SEQUENCE,
    SET,
    Element,
    MalformedError,
    elements,
    first,
)

DER_LIMIT: Final = 128 * 1024
"""Bytes of a certificate that is read; OpenSSL takes no larger ones."""
NAMES_SHOWN: Final = 20
NAMES_READ: Final = 1000
"""Names in which the host's is looked for."""
TEXT_LIMIT: Final = 200
_PARTS: Final = 64
"""Parts of a name, and extensions, that are read."""
_SECONDS: Final = 10**9
_FAR: Final = 2**63 - 1
"""Nanoseconds: a moment that is further away is shown as this one, which is in the year 2262."""

_COMMON_NAME: Final = b"\x55\x04\x03"
_LABELS: Final = {
    _COMMON_NAME: "CN",
    b"\x55\x04\x06": "C",
    b"\x55\x04\x07": "L",
    b"\x55\x04\x08": "ST",
    b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
}
_ALTERNATIVE_NAMES: Final = b"\x55\x1d\x11"
_DNS_NAME: Final = 0x82
_IP_ADDRESS: Final = 0x87
_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_UTC_TIME: Final = 0x17
_CENTURY: Final = 50
"""Two-digit years below it are of this century (RFC 5280, 4.1.2.5.1)."""
_DIGITS: Final = len("YYYYMMDDHHMMSS")
_WIDE: Final = {0x1E: "utf-16-be", 0x1C: "utf-32-be", 0x14: "latin-1"}
"""String types that are not UTF-8 or a part of it."""


def facts(der: bytes, host: str) -> Certificate:
    """What the certificate says of itself, and whether it names `host`. Never raises for it.

    What cannot be read is left out; of odd text the unprintable letters are replaced.
    """
    digest = hashlib.sha256(der).hexdigest()
    try:
        return _read(der, digest, host) if len(der) <= DER_LIMIT else Certificate(sha256=digest)
    except MalformedError:
        return Certificate(sha256=digest)


def _read(der: bytes, digest: str, host: str) -> Certificate:
    signed = first(first(der).expect(SEQUENCE)).expect(SEQUENCE)
    fields = list(elements(signed, _PARTS))
    if fields and fields[0].tag == _VERSION:
        del fields[0]
    if len(fields) < 6:  # noqa: PLR2004 - serial, algorithm, issuer, validity, subject, key
        raise MalformedError("a certificate that ends early")
    _, _, issuer, validity, subject, _, *more = fields
    begins, ends = _moments(validity.expect(SEQUENCE))
    names = list(_alternative_names(more)) or _common_names(subject.expect(SEQUENCE))
    return Certificate(
        sha256=digest,
        not_before=begins,
        not_after=ends,
        names=tuple(_plain(name) for name in names[:NAMES_SHOWN]),
        issuer=_in_words(issuer.expect(SEQUENCE)) or None,
        self_signed=issuer.body == subject.body,
        matches_host=_names_host(names, host),
    )


def _moments(validity: bytes) -> tuple[int | None, int | None]:
    moments = [_moment(element) for element in elements(validity, 2)]
    return (moments[0], moments[1]) if len(moments) == 2 else (None, None)  # noqa: PLR2004


def _moment(element: Element) -> int | None:
    """Unix nanoseconds of a `UTCTime` or `GeneralizedTime`; `None` for what is no time."""
    text = element.body.decode("ascii", "replace")
    digits = text.removesuffix("Z")
    if not text.endswith("Z") or not (digits.isascii() and digits.isdigit()):
        return None
    if element.tag == _UTC_TIME:
        digits = ("20" if digits[:2] < str(_CENTURY) else "19") + digits
    if len(digits) != _DIGITS:
        return None
    try:
        moment = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return max(-_FAR, min(_FAR, (since.days * 86400 + since.seconds) * _SECONDS))


def _alternative_names(fields: list[Element]) -> Iterator[str]:
    """DNS names and IP addresses of the extension `subjectAltName`."""
    for field in fields:
        if field.tag != _EXTENSIONS:
            continue
        for extension in elements(first(field.body).expect(SEQUENCE), _PARTS):
            parts = list(elements(extension.expect(SEQUENCE), 3))
            if parts and parts[0].tag == OID and parts[0].body == _ALTERNATIVE_NAMES:
                inner = first(parts[-1].expect(OCTETS)).expect(SEQUENCE)
                yield from _general_names(inner)
                return


def _general_names(data: bytes) -> Iterator[str]:
    for name in elements(data, NAMES_READ):
        if name.tag == _DNS_NAME:
            yield name.body.decode("ascii", "replace")
        elif name.tag == _IP_ADDRESS and len(name.body) in (4, 16):
            yield str(ipaddress.ip_address(name.body))


def _common_names(subject: bytes) -> list[str]:
    return [text for kind, text in _attributes(subject) if kind == _COMMON_NAME]


def _in_words(name: bytes) -> str:
    """A distinguished name as `CN=…, O=…`."""
    shown = (f"{_LABELS[kind]}={text}" for kind, text in _attributes(name) if kind in _LABELS)
    return _plain(", ".join(shown))


def _attributes(name: bytes) -> Iterator[tuple[bytes, str]]:
    for group in elements(name, _PARTS):
        for attribute in elements(group.expect(SET), _PARTS):
            parts = list(elements(attribute.expect(SEQUENCE), 2))
            if len(parts) == 2 and parts[0].tag == OID:  # noqa: PLR2004 - kind and value
                yield parts[0].body, _text(parts[1])


def _text(value: Element) -> str:
    return value.body[: 4 * TEXT_LIMIT].decode(_WIDE.get(value.tag, "utf-8"), "replace")


def _plain(text: str) -> str:
    """Printable and bounded; what an empty text says is nothing."""
    return "".join(char if char.isprintable() else "�" for char in text[:TEXT_LIMIT])


def _names_host(names: list[str], host: str) -> bool | None:
    """Whether one of the names is the host's; `None` if there were too many to look at."""
    if any(_is_name_of(name, host) for name in names):
        return True
    return False if len(names) < NAMES_READ else None


def _is_name_of(name: str, host: str) -> bool:
    """As RFC 6125 has it: a `*` stands for the whole first label, and for nothing else."""
    name, host = name.lower().rstrip("."), host.lower().rstrip(".")
    address = _address(host)
    if address is not None:
        return _address(name) == address
    if name.startswith("*."):
        _, _, rest = host.partition(".")
        return "." in rest and name[2:] == rest
    return name == host


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None

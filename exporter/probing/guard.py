"""Where the tester may connect on somebody else's word: one guard for every connection."""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from exporter.probing.failure import ForbiddenAddressError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

URL_LIMIT = 2048

# Networks that no flag of the ipaddress module covers in every Python version: carrier-grade NAT,
# the metadata service of several clouds, NAT64 and 6to4 that lead to any IPv4 address.
_ALSO_FORBIDDEN: tuple[Network, ...] = (
    ipaddress.ip_network("0.0.0.0/8"),
    ipaddress.ip_network("100.64.0.0/10"),
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("192.88.99.0/24"),
    ipaddress.ip_network("198.18.0.0/15"),
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("fec0::/10"),
)


class Guard:
    """Decides on the address really connected to, in whatever spelling it was given.

    `allow` holds the networks that the operator's settings exempt.
    """

    def __init__(self, allow: Iterable[str] = ()) -> None:
        self._allow = tuple(ipaddress.ip_network(network) for network in allow)

    def check_url(self, url: str) -> None:
        """Refuse a URL of a stranger by its form: scheme, length, user info, host.

        Raises `ForbiddenAddressError`.
        """
        if len(url) > URL_LIMIT:
            raise ForbiddenAddressError(f"URL of {len(url)} characters refused (limit {URL_LIMIT})")
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise ForbiddenAddressError(f"URL refused: {error}") from error
        if parts.scheme not in ("http", "https"):
            raise ForbiddenAddressError(
                f"URL refused: scheme {parts.scheme[:20]!r} is neither http nor https"
            )
        if parts.username is not None or parts.password is not None:
            raise ForbiddenAddressError("URL refused: it carries a user name or password")
        if not host:
            raise ForbiddenAddressError("URL refused: it names no host")

    def check_address(self, address: str) -> None:
        """Refuse an IP address that a stranger must not make us connect to.

        Raises `ForbiddenAddressError`.
        """
        parsed = _inner(ipaddress.ip_address(address.partition("%")[0]))
        if any(parsed.version == net.version and parsed in net for net in self._allow):
            return
        kind = _forbidden_kind(parsed)
        if kind:
            raise ForbiddenAddressError(
                f"connection to {address} refused: it is {kind} "
                "(only what the settings exempt under `guard.allow` may be)"
            )


def _inner(address: Address) -> Address:
    """The IPv4 address inside an IPv6 form that leads to one."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address.teredo is not None:
            return address.teredo[1]
        if address in ipaddress.ip_network("64:ff9b::/96"):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _forbidden_kind(address: Address) -> str | None:
    named = (
        ("unspecified", address.is_unspecified),
        ("a loopback address", address.is_loopback),
        ("a link-local address (metadata services live there)", address.is_link_local),
        ("a multicast address", address.is_multicast),
        ("a private address", address.is_private),
        ("a reserved address", address.is_reserved),
    )
    for kind, holds in named:
        if holds:
            return kind
    if any(address.version == net.version and address in net for net in _ALSO_FORBIDDEN):
        return "an address for special use"
    return None if address.is_global else "not a public address"

"""What kind of place an IP address leads to, also one that is wrapped into another."""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: leads to the IPv4 address in its last 32 bits."""
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)
"""RFC 5214: the upper half of an interface id whose lower half is an IPv4 address."""

# Networks that no flag of the ipaddress module covers in every Python version: carrier-grade NAT,
# relays, benchmarks, documentation, NAT64 for local use (RFC 8215), old site-local addresses.
_SPECIAL: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "64:ff9b:1::/48",
        "2001::/32",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)


def layers(address: Address) -> Iterator[Address]:
    """All addresses that a connection to this one may end at, as a router or kernel may see it.

    An IPv4 address in an IPv6 form that is only another spelling of it stands alone; where the
    outer one is an address in its own right, both are given.
    """
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    spelt = address.ipv4_mapped or (_last_32_bits(address) if address in _NAT64 else None)
    if spelt is not None:
        yield spelt
        return
    yield address
    if address.sixtofour is not None:
        yield address.sixtofour
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        yield _last_32_bits(address)


def forbidden_kind(address: Address) -> str | None:
    """What kind of place it is, if it is not on the public internet; `None` if it is."""
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
    if any(address.version == net.version and address in net for net in _SPECIAL):
        return "an address for special use"
    return None if address.is_global else "not a public address"


def is_our_own(address: str) -> bool:
    """Whether it is an address of this machine, whatever else it is; sends nothing.

    Nobody's firewall stands between a program and its own machine, so a public address of ours
    is as near as loopback. The kernel says so: it would send from the very address.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 9))
            return bool(sock.getsockname()[0] == address)
    except OSError:
        return False


def _last_32_bits(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)

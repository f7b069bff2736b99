"""How far from the tester an address is: who can be reached says something about nearer ones."""

import ipaddress
from enum import IntEnum

from exporter.probing.addresses import is_our_own
from exporter.probing.failure import ForbiddenAddressError
from exporter.probing.guard import Guard

_STRICT = Guard()


class Vantage(IntEnum):
    """Where an address is, nearest first."""

    MACHINE = 0
    """Our own: needs no network."""
    NEIGHBOURHOOD = 1
    """Any other that is not public."""
    INTERNET = 2


def vantage(address: str) -> Vantage:
    """Where an IP address is. Raises `ValueError` for what is none."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    try:
        _STRICT.check_address(address)
    except ForbiddenAddressError:
        mapped = getattr(parsed, "ipv4_mapped", None)
        loopback = parsed.is_loopback or (mapped is not None and mapped.is_loopback)
        return Vantage.MACHINE if loopback or is_our_own(str(parsed)) else Vantage.NEIGHBOURHOOD
    return Vantage.INTERNET

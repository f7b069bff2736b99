"""Hosts as URLs spell them: which spellings every program reads alike."""

import ipaddress
import re
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def why_no_host(host: str, *, bracketed: bool) -> str | None:
    """Why a URL of a stranger may not have this host; `None` for a name or a plain address.

    Numbers are refused that are no dotted quad, such as `127.1`, `0177.0.0.1`, `0x7f.1` or
    `2130706433`: some programs take them for an address, each for one of its own, and others for
    a name. So are scope ids, percent signs and everything that is not ASCII.
    """
    if bracketed:
        try:
            scope = ipaddress.IPv6Address(host).scope_id
        except ValueError:
            return "its host is neither a name nor an IP address"
        return None if scope is None else "its host has a scope id"
    if not host:
        return "it has no host"
    if not _NAME.fullmatch(host) or ".." in host:
        return "its host is neither a name nor an IP address"
    if _ends_in_a_number(host) and not _is_dotted_quad(host):
        return "its host is a number, and no plain IPv4 address"
    return None


def _ends_in_a_number(host: str) -> bool:
    """No public name does; whatever does is meant to be an address."""
    return _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None


def _is_dotted_quad(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True

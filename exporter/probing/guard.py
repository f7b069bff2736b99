"""Where the tester may connect on somebody else's word: one guard for every connection."""

import ipaddress
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import SplitResult, urlsplit

from exporter.hosts import why_no_host
from exporter.probing.addresses import forbidden_kind, is_our_own, layers
from exporter.probing.failure import ForbiddenAddressError

URL_LIMIT: Final = 2048
_SHOWN: Final = 60
"""Characters of a stranger's text that a refusal repeats."""


class Guard:
    """Decides on the address really connected to, in whatever spelling it was given.

    `allow` holds the networks that the operator's settings exempt; they are exempt for everybody
    who names them. `own` tells whether an address is one of this machine's.
    """

    def __init__(
        self, allow: Iterable[str] = (), *, own: Callable[[str], bool] = is_our_own
    ) -> None:
        self._allow = tuple(ipaddress.ip_network(network) for network in allow)
        self._own = own

    def check_url(self, url: str) -> None:
        """Refuse a URL of a stranger by its form: scheme, length, user info, host, port.

        Raises `ForbiddenAddressError`.
        """
        why = _why_no_url(url)
        if why is not None:
            raise ForbiddenAddressError(f"URL refused: {why}")

    def check_address(self, address: str) -> None:
        """Refuse an IP address that a stranger must not make us connect to.

        Raises `ForbiddenAddressError`, also for what is no IP address.
        """
        bare, percent, _ = address.partition("%")
        try:
            parsed = ipaddress.ip_address(bare)
        except ValueError:
            raise _refused(address, "no IP address") from None
        for layer in layers(parsed):
            if any(layer.version == net.version and layer in net for net in self._allow):
                continue
            kind = forbidden_kind(layer)
            if kind is None and percent:
                kind = "an address with a scope id"
            if kind is None and self._own(str(layer)):
                kind = "an address of this machine"
            if kind is not None:
                raise _refused(address, kind)


def _refused(address: str, kind: str) -> ForbiddenAddressError:
    return ForbiddenAddressError(
        f"connection to {address[:_SHOWN]} refused: it is {kind} "
        "(only what the settings exempt under `guard.allow` may be)"
    )


def _why_no_url(url: str) -> str | None:
    if len(url) > URL_LIMIT:
        return f"it has {len(url)} characters (limit {URL_LIMIT})"
    if any(letter < " " or letter == "\x7f" for letter in url):
        return "it holds control characters"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return str(error)[:_SHOWN]
    return _why_not_at(parts, port)


def _why_not_at(parts: SplitResult, port: int | None) -> str | None:
    if parts.scheme not in ("http", "https"):
        return f"scheme {parts.scheme[:20]!r} is neither http nor https"
    if "@" in parts.netloc:
        return "it carries a user name or password"
    if port == 0:
        return "its port is 0"
    return why_no_host(parts.hostname or "", bracketed="[" in parts.netloc)

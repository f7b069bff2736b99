"""The one way to open a connection on somebody else's word: to an address that was looked at.

What is looked at is what is connected to: an IP address, not a name, so that nobody resolves it
a second time in between. The peer of the open socket is looked at again.
"""

import asyncio
import ipaddress
import re
import socket
import time
from collections.abc import Callable
from typing import Final

import msgspec

from exporter.probing.failure import ForbiddenAddressError
from exporter.probing.guard import Guard

_HIGHEST_PORT: Final = 65535
_SCOPE: Final = re.compile(r"[A-Za-z0-9._-]{1,15}")
"""Name or number of an interface."""


class Place(msgspec.Struct, frozen=True):
    """An IP address and a port; made by `place`, which asks the guard."""

    address: str
    port: int
    guard: Guard | None

    @property
    def family(self) -> socket.AddressFamily:
        """IPv6 or IPv4."""
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


def place(address: str, port: int, guard: Guard | None) -> Place:
    """The place, if the guard lets us connect to it.

    `guard` is `None` for what stands in the operator's own settings or was typed by a person.
    Raises `ForbiddenAddressError`.
    """
    if not 0 < port <= _HIGHEST_PORT:
        raise ForbiddenAddressError(f"connection to port {port} refused: there is none")
    if guard is not None:
        guard.check_address(address)
    return Place(_plain(address), port, guard)


def _plain(address: str) -> str:
    """The address in its one spelling."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise ForbiddenAddressError("connection refused: this is no IP address") from None
    scope = getattr(parsed, "scope_id", None)
    if scope is not None and not _SCOPE.fullmatch(scope):
        raise ForbiddenAddressError("connection refused: there is no such interface")
    return str(parsed)


async def connect(
    where: Place, clock: Callable[[], int] = time.monotonic_ns
) -> tuple[socket.socket, int]:
    """A non-blocking socket that is connected to the place, and the stamp when it was.

    The look at the peer comes after the stamp. How long to wait is the caller's to say. Raises
    `OSError`, and `ForbiddenAddressError` if the peer turns out to be another than meant.
    """
    sock = socket.socket(where.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (where.address, where.port))
        at = clock()
        if where.guard is not None:
            where.guard.check_address(sock.getpeername()[0])
    except BaseException:
        sock.close()
        raise
    return sock, at

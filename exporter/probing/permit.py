"""Asking the guard before a program that connects by itself is given a stranger's URI."""

import asyncio
from typing import Final

from exporter.probing.connecting import place
from exporter.probing.failure import TransportFailure
from exporter.probing.guard import Guard
from exporter.probing.handshake import host_and_port
from exporter.probing.resolve import Resolver, literal

PATIENCE: Final = 3.0
"""Seconds that a name is waited for."""


async def permit(uri: str, *, guard: Guard, resolver: Resolver, patience: float = PATIENCE) -> None:
    """Whether a gateway may be given this service URI, as far as we can see beforehand.

    It may not if any of its addresses is forbidden: which one a gateway takes is not ours to say.
    A name that leads nowhere for us is let through: nobody could be blamed for it otherwise, and
    a name that changes between our look and the gateway's gets through as well.

    Raises `ForbiddenAddressError`.
    """
    guard.check_url(uri)
    host, port = host_and_port(uri)
    known = literal(host)
    addresses = [known] if known else await _looked_up(host, port, resolver, patience)
    for address in addresses:
        place(address, port, guard)


async def _looked_up(host: str, port: int, resolver: Resolver, patience: float) -> list[str]:
    try:
        async with asyncio.timeout(patience):
            return (await resolver.resolve(host, port))[0]
    except (TransportFailure, TimeoutError):
        return []

"""TCP handshakes apart from any job: the round-trip time of the path, and whether it is there."""

import asyncio
import socket
import statistics
import time
from urllib.parse import urlsplit

import msgspec

from exporter.probing.failure import TransportFailure
from exporter.probing.guard import Guard
from exporter.probing.resolve import Resolver, literal

HANDSHAKES = 3


class Reach(msgspec.Struct, frozen=True):
    """What a few handshakes to one host and port showed."""

    rtt: int | None
    """Median of the handshakes in nanoseconds; `None` if none came about."""
    error: str | None = None
    refused_by_guard: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the host answered; `None` if the guard forbade to ask."""
        return None if self.refused_by_guard else self.rtt is not None


async def reach(
    host: str,
    port: int,
    *,
    resolver: Resolver,
    guard: Guard | None,
    timeout: float,
    handshakes: int = HANDSHAKES,
) -> Reach:
    """Do a few TCP handshakes, one after the other, to the host's first address that answers.

    `guard` is `None` for what stands in the operator's own settings. Stops at the first failure.
    """
    took: list[int] = []
    try:
        async with asyncio.timeout(timeout):
            address = literal(host)
            addresses = [address] if address else (await resolver.resolve(host, port))[0]
            if guard is not None:
                guard.check_address(addresses[0])
    except TransportFailure as error:
        return Reach(None, error.message, refused_by_guard=error.outcome == "tester_error")
    except TimeoutError:
        return Reach(None, f"{host} was not resolved within {timeout:g} s")
    for _ in range(handshakes):
        try:
            took.append(await _handshake(addresses[0], port, timeout))
        except (OSError, TimeoutError) as error:
            why = f"no connection within {timeout:g} s" if isinstance(error, TimeoutError) else ""
            return Reach(None, f"{addresses[0]} port {port}: {why or error.strerror or error}")
    return Reach(round(statistics.median(took)))


def host_and_port(url: str) -> tuple[str, int]:
    """Host and port of a base URL, with the scheme's own port as default."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


async def _handshake(address: str, port: int, timeout: float) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        started = time.monotonic_ns()
        async with asyncio.timeout(timeout):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
        return time.monotonic_ns() - started

"""The transport alone against servers of the tests: no job, no proof, no schedule."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from exporter.probing.guard import Guard
from exporter.probing.resolve import Resolver
from exporter.probing.timeline import Timeline
from exporter.probing.transport import TimedTransport
from exporter.probing.trust import Trust, unverified_tls
from exporter.probing.wire import Wire
from exporter.settings import Limits
from tests.waiting import until

LIMITS = Limits(connect=2, upload=3, inference=2, download=2)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def new_wire(limits: Limits = LIMITS) -> Wire:
    return Wire(Timeline(), limits, Guard())


@asynccontextmanager
async def speaking(
    resolver: Resolver, wire: Wire, base: str, trust: Trust | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client for a lane with this base URL, which stands in the operator's settings."""
    url = httpx.URL(base)
    transport = TimedTransport(
        wire,
        resolver=resolver,
        tls=unverified_tls(),
        trusted=frozenset({(url.raw_host.decode(), url.port or 0)}),
        base=base,
        trust=trust,
    )
    async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=None) as made:
        yield made


class Answering:
    """Answers every request of every connection with two bytes, and keeps what it was sent."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self.close_after_answer = False
        self._open = 0

    async def idle(self) -> None:
        """Wait until every connection has ended."""
        await until(lambda: not self._open)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open += 1
        try:
            while True:
                self.heads.append(await read_request(reader))
                writer.write(OK)
                await writer.drain()
                if self.close_after_answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self._open -= 1
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Head and body of one request."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head + await reader.readexactly(length)

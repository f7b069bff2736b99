"""A raw HTTP/1.1 server on loopback whose every answer is written by one behaviour."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, NamedTuple, Self

from exporter.simulation.serving import HOST

_HEAD_LIMIT: Final = 64 * 2**10
_BODY_LIMIT: Final = 4 * 2**20
_LENGTH: Final = re.compile(rb"(?im)^content-length:[ \t]*(\d+)[ \t]*\r?$")

Behaviour = Callable[["Exchange"], Awaitable[None]]


class Seen(NamedTuple):
    """One request that a hostile server saw."""

    method: str
    path: str


class Exchange:
    """One request, and the raw connection to answer it on."""

    def __init__(
        self,
        seen: Seen,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        url: str,
        body_bytes: int,
    ) -> None:
        self.method = seen.method
        self.path = seen.path
        self.url = url
        """Base URL of the server."""
        self._reader = reader
        self._writer = writer
        self._body_bytes = body_bytes

    async def read_body(self) -> bytes:
        """Read the request's body, up to a bound."""
        return await self._reader.readexactly(min(self._body_bytes, _BODY_LIMIT))

    async def write(self, data: bytes) -> None:
        """Send raw bytes. Raises `ConnectionError` once the client has gone."""
        self._writer.write(data)
        await self._writer.drain()

    async def forever(self) -> None:
        """Wait until the client goes."""
        while await self._reader.read(2**16):
            pass


class HostileServer:
    """One endpoint with one behaviour, at `url` while it runs."""

    def __init__(self, name: str, behaviour: Behaviour, *, reads_body: bool = True) -> None:
        self.name = name
        self.requests: list[Seen] = []
        """What was asked, in order; tells whether a redirect was followed."""
        self._behaviour = behaviour
        self._reads_body = reads_body
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """Its port. Raises `RuntimeError` before `start`."""
        if self._server is None:
            raise RuntimeError("the hostile server has not been started")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """Its base URL. Raises `RuntimeError` before `start`."""
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._connected, HOST, 0, limit=_HEAD_LIMIT)

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection runs in a task"  # noqa: S101 - asyncio made it
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, *_ = [*head.split(b"\r\n", 1)[0].decode("latin-1").split(" "), "", ""]
        seen = Seen(method, path)
        self.requests.append(seen)
        length = _LENGTH.search(head)
        body_bytes = int(length.group(1)) if length else 0
        exchange = Exchange(seen, reader, writer, self.url, body_bytes)
        if self._reads_body:
            await exchange.read_body()
        await self._behaviour(exchange)
        with suppress(ConnectionError):
            await writer.drain()

"""A TLS port as an orchestrator's node has it: it closes, opens again, or falls silent."""

import asyncio
import functools
import socket
import ssl
from collections import deque
from pathlib import Path
from typing import Final

from aiohttp import web

from exporter.simulation.serving import Handler, application

_STOP_SECONDS: Final = 0.05
_TLS_SECONDS: Final = 10.0
_BACKLOG: Final = 512
_UNANSWERED_LIMIT: Final = 500


@functools.cache
def node_tls() -> ssl.SSLContext:
    """The server side of every simulated node; see the certificate's own text."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("certificate.pem"))
    return context


class Door:
    """An https server on one port, which it keeps when it is opened again.

    While `silent`, connections are accepted and nothing is ever said on them, TLS included;
    requests on older connections get no answer either.
    """

    def __init__(self, handler: Handler, host: str, port: int, body_limit: int) -> None:
        self.host = host
        self.silent = False
        self._handler = handler
        self._wanted_port = port
        self._body_limit = body_limit
        self._port: int | None = None
        self._runner: web.AppRunner | None = None
        self._listener: socket.socket | None = None
        self._welcomes: set[asyncio.Task[None]] = set()
        self._unanswered: deque[socket.socket] = deque()

    @property
    def port(self) -> int:
        """The port. Raises `RuntimeError` before the first `open`."""
        if self._port is None:
            raise RuntimeError("the simulated node has not been started")
        return self._port

    async def open(self) -> None:
        """Listen. Raises `OSError` if the port is taken, `RuntimeError` if it is open."""
        if self._listener is not None:
            raise RuntimeError("the simulated node is running")
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self._port or self._wanted_port))
            listener.listen(_BACKLOG)
            listener.settimeout(0)
        except OSError:
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        self._listener = listener
        self._runner = web.AppRunner(
            application(self._answer, self._body_limit),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=_STOP_SECONDS,
        )
        await self._runner.setup()
        asyncio.get_running_loop().add_reader(listener, self._accept, listener, self._runner)

    async def close(self) -> None:
        """Stop listening and end every connection at once; safe to call twice."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
        for welcome in self._welcomes:
            welcome.cancel()
        await asyncio.gather(*self._welcomes, return_exceptions=True)
        for connection in self._unanswered:
            connection.close()
        self._unanswered.clear()
        if self._runner is not None:
            await self._runner.cleanup()
        self._listener = self._runner = None

    def _accept(self, listener: socket.socket, runner: web.AppRunner) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # It has gone again, or there are too many.
            return
        connection.settimeout(0)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.silent:
            self._unanswered.append(connection)
            if len(self._unanswered) > _UNANSWERED_LIMIT:
                self._unanswered.popleft().close()
            return
        welcome = asyncio.create_task(self._welcome(connection, runner))
        self._welcomes.add(welcome)
        welcome.add_done_callback(self._welcomes.discard)

    async def _welcome(self, connection: socket.socket, runner: web.AppRunner) -> None:
        loop = asyncio.get_running_loop()
        assert runner.server is not None, "the runner was set up"  # noqa: S101 - by open()
        try:
            await loop.connect_accepted_socket(
                runner.server, connection, ssl=node_tls(), ssl_handshake_timeout=_TLS_SECONDS
            )
        except OSError:  # Whoever came does not speak TLS, or has gone.
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self.silent:
            await asyncio.Event().wait()
        return await self._handler(request)

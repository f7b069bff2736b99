"""Ports of a gateway: given ones or free ones, closed at once, and able to fall silent."""

import asyncio
from typing import Final

from aiohttp import web

from exporter.simulation.serving import Handler

_BODY_BYTES: Final = 64 * 2**20
_STOP_SECONDS: Final = 0.05


class PortTaken(OSError):
    """Something else listens there; `text` is Go's."""

    def __init__(self, address: str) -> None:
        self.text = f"listen tcp {address}: bind: address already in use"
        super().__init__(self.text)


class Listener:
    """One HTTP port. A handler whose client goes away is cancelled."""

    def __init__(self, handler: Handler, address: str) -> None:
        self._host, self._port = _split(address)
        app = web.Application(client_max_size=_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._guarded(handler))
        app.on_response_prepare.append(_as_go_does)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_STOP_SECONDS
        )
        self.hung = False
        """Whether requests are accepted and never answered."""

    @property
    def address(self) -> str:
        """`host:port`, with the port that was taken once it listens."""
        return f"{self._host}:{self._port}"

    @property
    def url(self) -> str:
        """Base URL. Raises `RuntimeError` before `open`."""
        if not self._port:
            raise RuntimeError("the simulated gateway has not been started")
        return f"http://{self.address}"

    async def open(self) -> None:
        """Listen. Raises `PortTaken`."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port, backlog=512).start()
        except OSError as error:
            await self._runner.cleanup()
            raise PortTaken(self.address) from error
        self._port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening and end every connection; safe to call twice."""
        await self._runner.cleanup()

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if self.hung:
                await asyncio.Event().wait()
            try:
                return await handler(request)
            except ConnectionError:
                return web.Response()

        return guarded


class RtmpPort:
    """The port for live video, which nobody uses here: it takes connections and closes them."""

    def __init__(self, address: str) -> None:
        self._host, self._port = _split(address)
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """`host:port`, with the port that was taken once it listens."""
        return f"{self._host}:{self._port}"

    async def open(self) -> None:
        """Listen. Raises `PortTaken`."""
        try:
            self._server = await asyncio.start_server(_refuse, self._host, self._port)
        except OSError as error:
            raise PortTaken(self.address) from error
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening; safe to call twice."""
        if self._server is not None:
            self._server.close()
            self._server = None


async def _refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _as_go_does(_request: web.Request, response: web.StreamResponse) -> None:
    """Go names no server, and names no content type where there is no content."""
    response.headers.pop("Server", None)
    if isinstance(response, web.Response) and not response.body:
        response.headers.pop("Content-Type", None)


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        raise ValueError(f"not an address to listen on: {address!r}")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - what the flag says

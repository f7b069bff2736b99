"""HTTP servers on loopback that start on a free port and stop at once."""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

from exporter.simulation.shelf import Shelf

HOST: Final = "127.0.0.1"
LOOPBACK: Final = "127.0.0.0/8"
_HOSTS_A_BLOCK: Final = 250
_STOP_SECONDS: Final = 0.05
_BODY_LIMIT: Final = 4 * 2**20
_MEDIA_TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def own_host(number: int) -> str:
    """A loopback address of its own for the `number`-th machine (from 0) of a network.

    One host runs one test at a time, so machines that shared an address would be tested one
    after the other. Only Linux answers on all of 127.0.0.0/8 by itself.
    """
    if sys.platform != "linux":
        return HOST
    block, place = divmod(number, _HOSTS_A_BLOCK)
    return f"127.0.{block + 1}.{place + 1}"


class LoopbackServer:
    """One aiohttp server on loopback; a handler whose client goes away is cancelled."""

    def __init__(self, handler: Handler, host: str = HOST) -> None:
        self.host = host
        self._runner = web.AppRunner(
            application(handler, _BODY_LIMIT),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=_STOP_SECONDS,
        )
        self._port: int | None = None

    @property
    def port(self) -> int:
        """The port that it listens on. Raises `RuntimeError` before `start`."""
        if self._port is None:
            raise RuntimeError("the simulated server has not been started")
        return self._port

    @property
    def url(self) -> str:
        """Its base URL. Raises `RuntimeError` before `start`."""
        return f"http://{self.host}:{self.port}"

    async def start(self) -> None:
        """Listen on a free port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, 0, backlog=512).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and end every connection, within a fraction of a second."""
        await self._runner.cleanup()


class ClosedPort:
    """A loopback port that is kept from others and refuses every connection."""

    def __init__(self, host: str = HOST) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.bind((host, 0))
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


class Pace:
    """Waits until moments of a script, on the event loop's clock."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._start = asyncio.get_running_loop().time()

    async def until(self, seconds: float) -> None:
        """Wait until so many scripted seconds after the start."""
        due = self._start + seconds / self._speed
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))


async def send(request: web.Request, response: web.Response) -> web.Response:
    """Write a whole answer now, so that what comes after in the handler comes after it."""
    await response.prepare(request)
    await response.write_eof()
    return response


async def send_cut(
    request: web.Request, body: bytes, content_type: str, sent: int
) -> web.StreamResponse:
    """Announce the whole body, write `sent` bytes of it and close the connection."""
    response = web.StreamResponse(headers={"Content-Type": content_type})
    response.content_length = len(body)
    response.force_close()
    await response.prepare(request)
    await response.write(body[:sent])
    hang_up(request)
    return response


def hang_up(request: web.Request) -> None:
    """Close the connection once what was written is sent."""
    if request.transport is not None:
        request.transport.close()


def json_answer(value: object, status: int = 200) -> web.Response:
    """A JSON answer with the newline that Go's encoder puts at the end."""
    body = msgspec.json.encode(value) + b"\n"
    return web.Response(body=body, status=status, content_type="application/json")


def text_answer(text: str, status: int) -> web.Response:
    """A plain error text, as Go's `http.Error` sends it."""
    return web.Response(
        text=text + "\n", status=status, headers={"X-Content-Type-Options": "nosniff"}
    )


async def send_media(request: web.Request, shelf: Shelf, owner: str) -> web.StreamResponse:
    """Serve `/stream/…` from the shelf, cut short where the item says so."""
    item = shelf.get(owner, request.path)
    if item is None:
        return text_answer("ErrNotFound", 404)
    content_type = _MEDIA_TYPES.get(request.path.rpartition(".")[2], "application/octet-stream")
    if item.sent < len(item.data):
        return await send_cut(request, item.data, content_type, item.sent)
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Content-Length",
        "Cache-Control": "max-age=5",
    }
    return web.Response(body=item.data, content_type=content_type, headers=headers)


def application(handler: Handler, body_limit: int) -> web.Application:
    """An application of one handler, which takes bodies of at most `body_limit` bytes."""
    app = web.Application(client_max_size=body_limit)
    app.router.add_route("*", "/{path:.*}", _until_the_client_goes(handler))
    app.on_response_prepare.append(_anonymous)
    return app


def _until_the_client_goes(handler: Handler) -> Handler:
    """Writing to a client that has gone ends the handler quietly."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ConnectionError:
            return web.Response()

    return guarded


async def _anonymous(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop("Server", None)

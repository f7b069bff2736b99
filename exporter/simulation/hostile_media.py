"""Hostile artefacts: the job's answer looks good, what it points at is not.

The answer has the form of whatever pipeline is asked: pictures, films or speech.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial
from typing import Any, Final

import msgspec

from exporter.simulation.hostile_films import FILMS, SOUNDS
from exporter.simulation.hostile_pictures import PICTURES, picture_bomb
from exporter.simulation.hostile_server import Behaviour, Exchange
from exporter.simulation.hostile_wire import http_answer
from exporter.simulation.pictures import picture

_PATH: Final = "/stream/0badcafe/0badcafe.png"
_BLOCK: Final = 64 * 2**10
_HUGE: Final = 200_000_000
_IMAGES: Final = 10_000
_DATA_BYTES: Final = 700_000
_DRIP_SECONDS: Final = 0.05

Media = Callable[[Exchange], Awaitable[None]]


def document(pipeline: str, *urls: str) -> dict[str, Any]:
    """A good answer of a pipeline that gives media, at these URLs."""
    if pipeline == "text-to-speech":
        return {"audio": {"url": urls[0]}}
    return {"images": [{"url": url, "seed": 1, "nsfw": False} for url in urls]}


def _pointing_at(*urls: str) -> Behaviour:
    """Answer each job with these artefact URLs; whatever is fetched here is not found."""

    async def behaviour(exchange: Exchange) -> None:
        if exchange.method == "POST":
            await exchange.write(http_answer(_answer(exchange, *urls)))
        else:
            await _not_found(exchange)

    return behaviour


def _serving(media: Media) -> Behaviour:
    """Answer each job with a path here, and a fetch of it as `media` does."""

    async def behaviour(exchange: Exchange) -> None:
        if exchange.method == "POST":
            await exchange.write(http_answer(_answer(exchange, _PATH)))
        else:
            await media(exchange)

    return behaviour


def _bytes(make: Callable[[], bytes], content_type: str = "image/png") -> Behaviour:
    async def media(exchange: Exchange) -> None:
        await exchange.write(http_answer(make(), content_type=content_type))

    return _serving(media)


def _answer(exchange: Exchange, *urls: str) -> bytes:
    return msgspec.json.encode(document(exchange.path.strip("/"), *urls))


async def _not_found(exchange: Exchange) -> None:
    await exchange.write(
        http_answer(b"ErrNotFound\n", status="404 Not Found", content_type="text/plain")
    )


async def _redirect(exchange: Exchange) -> None:
    location = f"Location: {exchange.url}/elsewhere.png\r\n"
    await exchange.write(http_answer(b"", status="302 Found", headers=location))


async def _cut(exchange: Exchange) -> None:
    data = picture("cut", 1, 64, 64)
    await exchange.write(http_answer(data[: len(data) // 2], length=len(data)))


async def _silent(exchange: Exchange) -> None:
    await exchange.forever()


async def _slow(exchange: Exchange) -> None:
    """Give a whole picture, a byte at a time."""
    data = picture("slow", 1, 512, 512)
    await exchange.write(http_answer(b"", length=len(data), content_type="image/png"))
    for byte in data:
        await exchange.write(bytes([byte]))
        await asyncio.sleep(_DRIP_SECONDS)


async def _packed(exchange: Exchange) -> None:
    """Say that a good picture is packed, which nobody asked for."""
    headers = "Content-Encoding: gzip\r\n"
    await exchange.write(http_answer(picture("packed", 1, 64, 64), headers=headers))


async def _huge(exchange: Exchange) -> None:
    await exchange.write(http_answer(b"\x89PNG\r\n\x1a\n", length=_HUGE, content_type="image/png"))
    for _ in range(_HUGE // _BLOCK):
        await exchange.write(b"\0" * _BLOCK)


def _data_url(content: bytes, content_type: str = "image/png") -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"


_SVG: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512">'
    b"<script>alert(1)</script></svg>"
)
_PAGE: Final = b"<!doctype html><title>No picture</title><script>alert(1)</script>"

BEHAVIOURS: Final[Mapping[str, Behaviour]] = {
    "artefact-metadata-url": _pointing_at("http://169.254.169.254/latest/meta-data"),
    "artefact-file-url": _pointing_at("file:///etc/passwd"),
    "artefact-user-info-url": _pointing_at("http://user:secret@127.0.0.1:1/picture.png"),
    "artefact-mapped-url": _pointing_at("http://[::ffff:169.254.169.254]/latest/meta-data"),
    "artefact-decimal-url": _pointing_at("http://2852039166/latest/meta-data"),
    "artefact-private-url": _pointing_at("http://192.168.1.1/picture.png"),
    "artefact-port-url": _pointing_at("http://127.0.0.1:9/picture.png"),
    "artefact-host-url": _pointing_at("//169.254.169.254/picture.png"),
    "artefact-slashes-url": _pointing_at("http:\\\\169.254.169.254\\picture.png"),
    "artefact-full-width-url": _pointing_at("http://１６９.２５４.１６９.２５４/picture.png"),  # noqa: RUF001 - that is what it is about
    "artefact-script-url": _pointing_at("javascript:alert(1)"),
    "artefact-bidi-url": _pointing_at("/stream/\u202egnp.\u2066\u200b\u0000.png"),
    "artefact-climbing-url": _pointing_at("/stream/../../../../etc/passwd"),
    "artefact-long-url": _pointing_at("/stream/" + "a" * 1_000_000 + ".png"),
    "artefact-split-url": _pointing_at("/stream/a.png HTTP/1.1\r\nX-Injected: yes"),
    "artefact-empty-url": _pointing_at(""),
    "artefact-many-urls": _pointing_at(*[_PATH] * _IMAGES),
    "artefact-data-other": _pointing_at(_data_url(_PAGE, "text/html")),
    "artefact-data-svg": _pointing_at(_data_url(_SVG, "image/svg+xml")),
    "artefact-data-huge": _pointing_at(_data_url(b"\0" * _DATA_BYTES)),
    "artefact-data-nested": _pointing_at(_data_url(_data_url(_SVG).encode())),
    "artefact-data-broken": _pointing_at("data:image/png;base64,iVBORw0KGgo=="),
    "artefact-data-plain": _pointing_at("data:image/png,%89PNG"),
    "artefact-404": _pointing_at(_PATH),
    "artefact-redirect": _serving(_redirect),
    "artefact-cut": _serving(_cut),
    "artefact-silent": _serving(_silent),
    "artefact-slow": _serving(_slow),
    "artefact-packed": _serving(_packed),
    "artefact-huge": _serving(_huge),
    "artefact-empty": _bytes(lambda: b""),
    "artefact-bomb": _bytes(picture_bomb),
    "artefact-svg": _bytes(lambda: _SVG),
    "artefact-html": _bytes(lambda: _PAGE),
    "artefact-half-png": _bytes(lambda: picture("half", 1, 512, 512)[:5000]),
    "artefact-wrong-size": _bytes(lambda: picture("small", 1, 32, 32)),
}
"""Behaviours that answer a POST well and err in the artefact."""


@cache
def _made(name: str) -> bytes:
    return {**PICTURES, **FILMS, **SOUNDS}[name]()


_TYPES: Final = {**dict.fromkeys(PICTURES, "image/png"), **dict.fromkeys(FILMS, "video/mp4")} | (
    dict.fromkeys(SOUNDS, "audio/wav")
)

FILES: Final[Mapping[str, Behaviour]] = {
    name: _bytes(partial(_made, name), content_type) for name, content_type in _TYPES.items()
}
"""Behaviours that answer a POST well and serve one of the hostile files, each made once."""

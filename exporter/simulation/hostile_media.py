"""Hostile artefacts: the job's answer looks good, what it points at is not."""

import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from exporter.simulation.hostile_server import Behaviour, Exchange
from exporter.simulation.hostile_wire import http_answer
from exporter.simulation.pictures import picture

_PATH: Final = "/stream/0badcafe/0badcafe.png"
_BOMB_SIDE: Final = 20_000
_BOMB_ROWS: Final = 100
_BLOCK: Final = 64 * 2**10
_HUGE: Final = 200_000_000

Media = Callable[[Exchange], Awaitable[None]]


def picture_bomb(side: int = _BOMB_SIDE) -> bytes:
    """A valid black RGB picture, `side` pixels square, in a few hundred kilobytes of PNG."""
    rows = b"\0" * ((3 * side + 1) * _BOMB_ROWS)
    packer = zlib.compressobj(9)
    first = packer.compress(rows) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing refers back, so one packed block serves for all that follow.
    again = packer.compress(rows) + packer.flush(zlib.Z_FULL_FLUSH)
    # Ends the stream with an empty last block; then Adler-32 of zeros: 1 and their count.
    checksum = (len(rows) * (side // _BOMB_ROWS) % 65521) << 16 | 1
    data = first + again * (side // _BOMB_ROWS - 1) + b"\x03\x00" + struct.pack(">I", checksum)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", data) + _png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _pointing_at(url: str) -> Behaviour:
    """Answer each job with that artefact URL; whatever is fetched here is not found."""

    async def behaviour(exchange: Exchange) -> None:
        if exchange.method == "POST":
            await exchange.write(http_answer(_answer(url)))
        else:
            await _not_found(exchange)

    return behaviour


def _serving(media: Media) -> Behaviour:
    """Answer each job with a path here, and a fetch of it as `media` does."""

    async def behaviour(exchange: Exchange) -> None:
        if exchange.method == "POST":
            await exchange.write(http_answer(_answer(_PATH)))
        else:
            await media(exchange)

    return behaviour


def _bytes(make: Callable[[], bytes], content_type: str = "image/png") -> Behaviour:
    async def media(exchange: Exchange) -> None:
        await exchange.write(http_answer(make(), content_type=content_type))

    return _serving(media)


def _answer(url: str) -> bytes:
    return msgspec.json.encode({"images": [{"url": url, "seed": 1, "nsfw": False}]})


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


async def _huge(exchange: Exchange) -> None:
    await exchange.write(http_answer(b"\x89PNG\r\n\x1a\n", length=_HUGE, content_type="image/png"))
    for _ in range(_HUGE // _BLOCK):
        await exchange.write(b"\0" * _BLOCK)


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
    "artefact-long-url": _pointing_at("/stream/" + "a" * 1_000_000 + ".png"),
    "artefact-split-url": _pointing_at("/stream/a.png HTTP/1.1\r\nX-Injected: yes"),
    "artefact-empty-url": _pointing_at(""),
    "artefact-404": _pointing_at(_PATH),
    "artefact-redirect": _serving(_redirect),
    "artefact-cut": _serving(_cut),
    "artefact-silent": _serving(_silent),
    "artefact-huge": _serving(_huge),
    "artefact-empty": _bytes(lambda: b""),
    "artefact-bomb": _bytes(picture_bomb),
    "artefact-svg": _bytes(lambda: _SVG),
    "artefact-html": _bytes(lambda: _PAGE),
    "artefact-half-png": _bytes(lambda: picture("half", 1, 512, 512)[:5000]),
    "artefact-wrong-size": _bytes(lambda: picture("small", 1, 32, 32)),
}
"""Behaviours that answer a POST well and err in the artefact."""

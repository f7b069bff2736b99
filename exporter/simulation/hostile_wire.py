"""Hostile answers to the job itself: bad HTTP, bad JSON, too much, too little, too late."""

import asyncio
import zlib
from collections.abc import Mapping
from typing import Final

from exporter.simulation.hostile_server import Behaviour, Exchange
from exporter.simulation.language import chunks, reply

_BLOCK: Final = 64 * 2**10
_HUGE: Final = 200_000_000
_HEADERS: Final = 10_000
_NESTING: Final = 100_000
_BOMB_BLOCKS: Final = 256
_BOMB_BLOCK: Final = 2**20
_DRIP_SECONDS: Final = 0.05

_PICTURE_JSON: Final = b'{"images":[{"url":"/stream/0badcafe/0badcafe.png","seed":1,"nsfw":false}]}'


def http_answer(
    body: bytes,
    *,
    status: str = "200 OK",
    content_type: str = "application/json",
    length: int | None = None,
    headers: str = "",
) -> bytes:
    """A whole HTTP answer; `length` is announced where it is given, else the true one."""
    announced = len(body) if length is None else length
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {announced}\r\nConnection: close\r\n{headers}\r\n"
    )
    return head.encode() + body


def fixed(answer: bytes) -> Behaviour:
    """A behaviour that always sends the same bytes and closes."""

    async def behaviour(exchange: Exchange) -> None:
        await exchange.write(answer)

    return behaviour


async def close(_exchange: Exchange) -> None:
    """Close without an answer."""


async def silent(exchange: Exchange) -> None:
    """Never answer."""
    await exchange.forever()


async def huge_body(exchange: Exchange) -> None:
    """Announce 200 MB and send them."""
    await exchange.write(http_answer(b'{"images":[{"url":"', length=_HUGE))
    for _ in range(_HUGE // _BLOCK):
        await exchange.write(b"a" * _BLOCK)


async def endless_body(exchange: Exchange) -> None:
    """Send chunks for as long as the client takes them."""
    await exchange.write(_head("application/json", "Transfer-Encoding: chunked"))
    while True:
        await exchange.write(_chunk(b" " * _BLOCK))


async def many_headers(exchange: Exchange) -> None:
    """Send 10,000 headers before a good body."""
    headers = "".join(f"X-Header-{number}: {number}\r\n" for number in range(_HEADERS))
    await exchange.write(http_answer(_PICTURE_JSON, headers=headers))


async def header_drip(exchange: Exchange) -> None:
    """Send a header byte by byte, without end."""
    await exchange.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        await exchange.write(b"a")
        await asyncio.sleep(_DRIP_SECONDS)


async def endless_stream(exchange: Exchange) -> None:
    """Send tokens without end, in the form of a language model's stream."""
    await exchange.write(_head("text/event-stream", "Transfer-Encoding: chunked"))
    event = chunks(reply([], 1), model="endless", created=0)[0]
    while True:
        await exchange.write(_chunk(event))
        await asyncio.sleep(0.001)


async def answer_drip(exchange: Exchange) -> None:
    """Send a good answer, a byte at a time."""
    await exchange.write(http_answer(b"", length=_HUGE))
    while True:
        await exchange.write(b" ")
        await asyncio.sleep(_DRIP_SECONDS)


async def endless_comments(exchange: Exchange) -> None:
    """Send a stream of nothing but comments, which keep it open."""
    await exchange.write(_head("text/event-stream", "Transfer-Encoding: chunked"))
    while True:
        await exchange.write(_chunk(b": still there\n\n" * 64))
        await asyncio.sleep(0.001)


async def broken_stream(exchange: Exchange) -> None:
    """Send events that are no JSON, then end properly."""
    await exchange.write(_head("text/event-stream", "Transfer-Encoding: chunked"))
    await exchange.write(_chunk(b"data: {not json\n\n") + _chunk(b"data: null\n\n") + _chunk(b""))


async def redirect(exchange: Exchange) -> None:
    """Point elsewhere on the same server, where a good answer would be."""
    if exchange.path == "/elsewhere":
        await exchange.write(http_answer(_PICTURE_JSON))
        return
    location = f"Location: {exchange.url}/elsewhere\r\n"
    await exchange.write(http_answer(b"", status="302 Found", headers=location))


async def gzip_bomb(exchange: Exchange) -> None:
    """Send 256 MiB of white space and a good answer, in a few hundred kilobytes of gzip."""
    coding = "Content-Encoding: gzip\r\nTransfer-Encoding: chunked"
    await exchange.write(_head("application/json", coding))
    block = b" " * _BOMB_BLOCK
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    checksum = 0
    # After a full flush nothing refers back, so one packed block serves for all.
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    await exchange.write(_chunk(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"))
    for _ in range(_BOMB_BLOCKS):
        checksum = zlib.crc32(block, checksum)
        await exchange.write(_chunk(packed))
        await asyncio.sleep(0)
    checksum = zlib.crc32(_PICTURE_JSON, checksum)
    size = (_BOMB_BLOCKS * _BOMB_BLOCK + len(_PICTURE_JSON)) % 2**32
    tail = packer.compress(_PICTURE_JSON) + packer.flush()
    trailer = checksum.to_bytes(4, "little") + size.to_bytes(4, "little")
    await exchange.write(_chunk(tail + trailer) + _chunk(b""))


async def early_refusal(exchange: Exchange) -> None:
    """Answer 413 without reading the body and close."""
    await exchange.write(
        http_answer(b"too large\n", status="413 Content Too Large", content_type="text/plain")
    )


def _head(content_type: str, more: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{more}\r\n\r\n".encode()


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _events(*events: bytes, times: int = 1) -> Behaviour:
    body = b"".join(b"data: " + event + b"\n\n" for event in events) * times
    return fixed(http_answer(body, content_type="text/event-stream"))


_PAGE: Final = b"<!doctype html><title>Login</title><h1>Please log in</h1>"
_NAN: Final = b'{"images":[{"url":"/stream/0badcafe/0badcafe.png","seed":NaN,"nsfw":false}]}'
_TWICE: Final = b'{"images":[{"url":"/stream/a.png"}],"images":[],"text":"a","text":null}'
_SURROGATE: Final = b'{"images":[{"url":"\\ud800"}],"text":"\\ud800","choices":["\\udfff"]}'
_MANY: Final = b'{"images":[' + b",".join([b'{"url":"/a","nsfw":0}'] * 40_000) + b"]}"
_KEYS: Final = b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(40_000)) + b"}"
_LANGUAGE_EMPTY: Final = b'{"choices":null,"created":0,"id":"","model":"","usage":null}'

BEHAVIOURS: Final[Mapping[str, Behaviour]] = {
    "html": fixed(http_answer(_PAGE, content_type="text/html")),
    "html-called-json": fixed(http_answer(_PAGE)),
    "half-json": fixed(http_answer(_PICTURE_JSON[: len(_PICTURE_JSON) // 2])),
    "json-null": fixed(http_answer(b"null")),
    "json-number": fixed(http_answer(b"1e999999")),
    "json-nan": fixed(http_answer(_NAN)),
    "json-deep": fixed(http_answer(b"[" * _NESTING + b"]" * _NESTING)),
    "json-empty-values": fixed(http_answer(_LANGUAGE_EMPTY)),
    "json-no-images": fixed(http_answer(b'{"images":[]}')),
    "json-wrong-types": fixed(http_answer(b'{"images":{"url":7},"choices":"none"}')),
    "json-infinity": fixed(http_answer(b'{"images":Infinity,"text":-Infinity,"choices":NaN}')),
    "json-twice": fixed(http_answer(_TWICE)),
    "json-surrogate": fixed(http_answer(_SURROGATE)),
    "json-many": fixed(http_answer(_MANY)),
    "json-keys": fixed(http_answer(_KEYS)),
    "json-digits": fixed(http_answer(b'{"images":' + b"9" * 500_000 + b"}")),
    "json-utf16": fixed(http_answer(_PICTURE_JSON.decode().encode("utf-16"))),
    "json-and-more": fixed(http_answer(_PICTURE_JSON + b"\n" + _PICTURE_JSON)),
    "json-list": fixed(http_answer(b"[" + _PICTURE_JSON + b"]")),
    "json-text": fixed(http_answer(b'"' + b"\\u202e\\u200b" * 1000 + b'"')),
    "json-not-utf8": fixed(http_answer(b'{"images":[{"url":"\xff\xfe"}]}')),
    "empty": fixed(http_answer(b"")),
    "huge-body": huge_body,
    "endless-body": endless_body,
    "many-headers": many_headers,
    "close": close,
    "silent": silent,
    "header-drip": header_drip,
    "answer-drip": answer_drip,
    "endless-stream": endless_stream,
    "endless-comments": endless_comments,
    "stream-nan": _events(b'{"choices":[{"delta":{"content":"a"}}],"usage":NaN}'),
    "stream-deep": _events(b'{"choices":' + b"[" * _NESTING),
    "stream-no-choices": _events(b'{"choices":[]}', b'{"choices":null}', b"{}"),
    "stream-wrong-types": _events(b'{"choices":[{"delta":{"content":{"a":1}}}]}'),
    "stream-null": _events(b"null", b"[DONE]"),
    "stream-nothing-at-length": _events(b"{}", times=200),
    "stream-error": _events(b'{"error":{"message":"\x1b[2J\xe2\x80\xae no memory"}}'),
    "broken-stream": broken_stream,
    "redirect": redirect,
    "gzip-bomb": gzip_bomb,
    "gzip-not": fixed(http_answer(_PICTURE_JSON, headers="Content-Encoding: gzip\r\n")),
    "bad-status-line": fixed(b"HTTP/1.1 perhaps\r\nContent-Length: 0\r\n\r\n"),
    "not-http": fixed(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "bad-header": fixed(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"),
    "length-too-long": fixed(http_answer(_PICTURE_JSON, length=len(_PICTURE_JSON) + 100)),
    "length-too-short": fixed(http_answer(_PICTURE_JSON, length=len(_PICTURE_JSON) // 2)),
    "length-not-a-number": fixed(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"),
    "control-characters": fixed(
        http_answer(b"\x1b[2J\x1b]0;owned\x07\x00", status="500 Oops", content_type="text/plain")
    ),
}
"""Behaviours that read the request first."""

EARLY_BEHAVIOURS: Final[Mapping[str, Behaviour]] = {"early-413": early_refusal}
"""Behaviours that do not wait for the request's body."""

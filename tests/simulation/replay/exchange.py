"""Sends a recorded request to another gateway and writes down what came back."""

import asyncio
import contextlib
import json
import struct
import time
from typing import Any, NamedTuple

import httpx

from exporter.simulation.small_media import png


class Seen(NamedTuple):
    """What a client saw; seconds are the gateway's own. `status` is `None` without an answer."""

    status: int | None
    closed: bool
    gave_up: bool
    headers: dict[str, str]
    body: bytes
    pieces: int
    first: float
    seconds: float


async def send(
    client: httpx.AsyncClient, url: str, request: dict[str, Any], path: str, speed: float
) -> Seen:
    limit = request.get("client_timeout_s")
    timeout = httpx.Timeout(60.0 if limit is None else None)
    headers = {"Content-Type": request["content_type"]} if request["content_type"] else {}
    pieces: list[bytes] = []
    status, closed, gave_up, found, first = None, False, False, {}, 0.0
    started = time.perf_counter()
    try:
        async with asyncio.timeout(None if limit is None else limit / speed):
            sending = client.stream(
                request["method"],
                url + path,
                headers=headers,
                content=_content(request),
                timeout=timeout,
            )
            async with sending as answer:
                first = time.perf_counter() - started
                status, found = answer.status_code, dict(answer.headers)
                with contextlib.suppress(httpx.RemoteProtocolError):
                    pieces.extend([piece async for piece in answer.aiter_raw()])
    except TimeoutError:
        gave_up = True
    except (httpx.RemoteProtocolError, httpx.ReadError):
        closed = True
    seconds = time.perf_counter() - started
    return Seen(
        status,
        closed,
        gave_up,
        found,
        b"".join(pieces),
        len(pieces),
        first * speed,
        seconds * speed,
    )


def _content(request: dict[str, Any]) -> bytes | None:
    fields, kind = request["fields"], request["content_type"]
    if request["method"] not in ("POST", "PUT"):
        return None
    if "raw" in fields:
        return str(fields["raw"]).encode()
    if kind is None or kind.startswith("application/json"):
        return json.dumps(fields).encode()
    boundary = kind.partition("boundary=")[2]
    return _multipart(fields, boundary)


def _multipart(fields: dict[str, Any], boundary: str) -> bytes:
    body = b""
    for name, value in fields.items():
        body += f"--{boundary}\r\n".encode()
        if isinstance(value, dict):
            disposition = f'form-data; name="{name}"; filename="{value["name"]}"'
            body += f"Content-Disposition: {disposition}\r\n".encode()
            body += f"Content-Type: {value['type']}\r\n\r\n".encode() + _file(value) + b"\r\n"
        else:
            disposition = f'form-data; name="{name}"'
            body += f"Content-Disposition: {disposition}\r\n\r\n{value}\r\n".encode()
    return body + f"--{boundary}--\r\n".encode()


def _file(part: dict[str, Any]) -> bytes:
    """A file of the recorded kind and, where that matters, of the recorded length."""
    size: int = part["size"]
    if part["name"] == "x.wav":
        return b"this is no sound"[:size]
    if part["type"] == "image/png":
        return png("replay", 64, 64)
    if part["type"] == "audio/mpeg":
        frame = b"\xff\xfb\x90\x64" + bytes(413)
        return frame * (size // len(frame))
    rate = 44_100 if part["name"] == "s.wav" else 16_000
    data = bytes(size - 78)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    rest = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(rest)) + rest

"""What is asked of a gateway's CLI port: whether it lives, and whom it is pinned to."""

import asyncio
import contextlib
from typing import Final
from urllib.parse import urlsplit

import msgspec

from exporter.probing.managed.ports import LOOPBACK

STATUS_LIMIT: Final = 4 * 2**20
"""Bytes of an answer, its headers among them."""
_READ: Final = 65536


class Status(msgspec.Struct, frozen=True, rename="pascal"):
    """The part of `GET /status` that matters."""

    orchestrator_pool: list[str] | None = None

    def pinned_to(self, uri: str) -> bool:
        """Whether the pool is this one orchestrator and nobody else."""
        pool = self.orchestrator_pool or []
        return len(pool) == 1 and _normal(pool[0]) == _normal(uri)


async def status(port: int, *, timeout: float) -> Status | None:
    """Ask a gateway how it is; `None` if it does not answer as a gateway within the timeout."""
    try:
        async with asyncio.timeout(timeout):
            body = await _get(port, "/status")
    except (TimeoutError, OSError):
        return None
    if body is None:
        return None
    try:
        return msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


async def _get(port: int, path: str) -> bytes | None:
    """The body of a good answer. Raises `OSError`.

    Written by hand, as hundreds of gateways are asked every few seconds: a client for each of these
    questions takes several times as long. To HTTP/1.0 the answer comes in one piece, up to the end.
    """
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}:{port}\r\n\r\n".encode())
        answer = bytearray()
        while piece := await reader.read(_READ):
            answer += piece
            if len(answer) > STATUS_LIMIT:
                return None
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    version, _, told = head.partition(b"\r\n")[0].partition(b" ")
    return bytes(body) if version.startswith(b"HTTP/1.") and told.startswith(b"200 ") else None


def _normal(uri: str) -> tuple[str, str, int | None, str] | str:
    try:
        parts = urlsplit(uri)
        return parts.scheme, (parts.hostname or "").lower(), parts.port, parts.path.rstrip("/")
    except ValueError:
        return uri

"""Answers of HTTP servers that are not trusted: bounded, never inflated."""

import ssl
from typing import Final

import httpx
import msgspec

_EXCERPT: Final = 160
_AGE_DIGITS: Final = 9


class ReplyError(Exception):
    """There is no answer that can be used; the message says why."""


class TooLargeReply(ReplyError):
    """There is an answer, and it is larger than was allowed."""


class Reply(msgspec.Struct, frozen=True):
    """Status and body of an answer, and the headers about time; these are empty if absent."""

    status: int
    body: bytes
    age: int = 0
    """Seconds since a cache on the way got it from the server, as that cache says."""
    date: str = ""
    retry_after: str = ""

    @property
    def line(self) -> str:
        """The first line of the body, cut and printable, for a message."""
        head = self.body[: 4 * _EXCERPT].decode("utf-8", "replace").strip()
        line = head.splitlines()[0][:_EXCERPT] if head else ""
        return "".join(letter if letter.isprintable() else "?" for letter in line)


def trust(url: str) -> ssl.SSLContext:
    """Whom to trust for this URL; made once, because loading the authorities takes long."""
    if url.startswith("https:"):
        return httpx.create_ssl_context(trust_env=False)
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def whole(response: httpx.Response, limit: int) -> Reply:
    """Read an answer that was asked for with `Accept-Encoding: identity`, up to `limit` bytes.

    Raises `ReplyError`, and what httpx raises when the connection fails.
    """
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ReplyError("the answer is compressed although none was asked for")
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > limit:
            raise TooLargeReply(f"the answer is larger than {limit} bytes")
    said = response.headers
    return Reply(
        response.status_code,
        bytes(body),
        _age(said.get("age", "")),
        date=said.get("date", ""),
        retry_after=said.get("retry-after", ""),
    )


def _age(text: str) -> int:
    known = text.isascii() and text.isdigit()
    return int(text.lstrip("0")[:_AGE_DIGITS] or "0") if known else 0

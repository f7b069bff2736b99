"""One bounded GET: nothing followed, nothing inflated, no environment proxies."""

import asyncio
import ssl
from typing import Final

import httpx
import msgspec

from exporter.discovery.listing import SourceError

BODY_LIMIT: Final = 32 * 2**20

_EXCERPT = 160


class Reply(msgspec.Struct, frozen=True):
    """Status and body of an answer, and the headers about time; these are empty if absent."""

    status: int
    body: bytes
    date: str = ""
    retry_after: str = ""

    @property
    def line(self) -> str:
        """The first line of the body, cut and printable, for a message."""
        head = self.body[: 4 * _EXCERPT].decode("utf-8", "replace").strip()
        line = head.splitlines()[0][:_EXCERPT] if head else ""
        return "".join(letter if letter.isprintable() else "?" for letter in line)


class TooLargeError(SourceError):
    """There is an answer, and it is larger than was allowed."""


def trust(url: str) -> ssl.SSLContext:
    """Whom to trust for this URL; made once, because loading the authorities takes long."""
    if url.startswith("https:"):
        return httpx.create_ssl_context(trust_env=False)
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def get(url: str, *, timeout: float, tls: ssl.SSLContext, limit: int = BODY_LIMIT) -> Reply:
    """GET `url` within `timeout` seconds in all; at most `limit` bytes of body.

    Raises `SourceError` when there is no whole answer within these bounds.
    """
    try:
        async with asyncio.timeout(timeout):
            return await _get(url, timeout, tls, limit)
    except (TimeoutError, httpx.TimeoutException):
        raise SourceError(f"GET {url}: no whole answer within {timeout:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        raise SourceError(f"GET {url}: {reason}") from None


async def _get(url: str, timeout: float, tls: ssl.SSLContext, limit: int) -> Reply:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    async with (
        httpx.AsyncClient(
            trust_env=False, follow_redirects=False, timeout=timeout, verify=tls
        ) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise SourceError(f"GET {url}: the answer is compressed although none was asked for")
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > limit:
                raise TooLargeError(f"GET {url}: the answer is larger than {limit} bytes")
        said = response.headers
        return Reply(
            response.status_code,
            bytes(body),
            date=said.get("date", ""),
            retry_after=said.get("retry-after", ""),
        )

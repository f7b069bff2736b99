"""One bounded GET: nothing followed, nothing inflated, no environment proxies."""

import asyncio
import ssl
from typing import Final

import httpx

from exporter.discovery.listing import SourceError
from exporter.reply import Reply, ReplyError, TooLargeReply, trust, whole

__all__ = ["Reply", "TooLargeError", "get", "trust"]

BODY_LIMIT: Final = 32 * 2**20


class TooLargeError(SourceError):
    """There is an answer, and it is larger than was allowed."""


async def get(url: str, *, timeout: float, tls: ssl.SSLContext, limit: int = BODY_LIMIT) -> Reply:
    """GET `url` within `timeout` seconds in all; at most `limit` bytes of body.

    Raises `SourceError` when there is no whole answer within these bounds.
    """
    try:
        async with asyncio.timeout(timeout):
            return await _get(url, timeout, tls, limit)
    except (TimeoutError, httpx.TimeoutException):
        raise SourceError(f"GET {url}: no whole answer within {timeout:g} s") from None
    except TooLargeReply as error:
        raise TooLargeError(f"GET {url}: {error}") from None
    except ReplyError as error:
        raise SourceError(f"GET {url}: {error}") from None
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
        return await whole(response, limit)

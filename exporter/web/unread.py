"""What is done about a body that nobody wants: it is not read for as long as somebody sends."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

MOST: Final = 8 * 2**20
"""Bytes that are still read, so that who sends them gets to read the answer."""
PATIENCE: Final = 1.0
"""Seconds that this may take."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def hang_up_on_unread(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer, then read the rest of a body within bounds; beyond them the connection ends."""
    answer = await handler(request)
    if request.content.is_eof():
        return answer
    with suppress(ConnectionError):
        await answer.prepare(request)
        await answer.write_eof()
    if not await _read_to_end(request):
        request.protocol.force_close()
    return answer


async def _read_to_end(request: web.Request) -> bool:
    left = MOST
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.content.iter_any():
                left -= len(part)
                if left < 0:
                    return False
    except (TimeoutError, ConnectionError, web.RequestPayloadError, HttpProcessingError):
        return False
    return True

"""A webhook that Alertmanager tells of alerts, and that says each in a line.

It stands for what an operator has: a chat, a mail, a pager.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
from aiohttp import web

from exporter.serving import listening
from exporter.shown import printable
from exporter.stack.ports import HOST

_MOST_BYTES: Final = 4 * 2**20
_LONGEST: Final = 300


class _Alert(msgspec.Struct):
    status: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}


class _Message(msgspec.Struct):
    """What Alertmanager sends, as far as it is shown (its version 4 of the format)."""

    alerts: list[_Alert]


@asynccontextmanager
async def receiving(port: int, say: Callable[[str], None]) -> AsyncIterator[str]:
    """Listen for the length of the block; gives the URL that receivers begin with."""

    async def take(request: web.Request) -> web.Response:
        try:
            message = msgspec.json.decode(await request.read(), type=_Message)
        except msgspec.DecodeError as error:
            return web.Response(status=400, text=f"{error}\n")
        for alert in message.alerts:
            say(_line(alert, request.match_info["receiver"]))
        return web.Response()

    app = web.Application(client_max_size=_MOST_BYTES)
    app.router.add_post("/{receiver}", take)
    async with listening(app, f"{HOST}:{port}", "the receiver of alerts") as url:
        yield url


def _line(alert: _Alert, receiver: str) -> str:
    facts: list[Any] = [
        time.strftime("%H:%M:%S"),
        alert.status,
        alert.labels.get("severity", "-"),
        alert.labels.get("alertname", "-"),
        f"to {receiver}:",
        alert.annotations.get("summary", ""),
    ]
    return printable(" ".join(facts))[:_LONGEST]

"""A leaderboard that behaves as the network's, in memory, with a clock that tests set."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.measurements import SECOND, START
from tests.stations import ALICE

MICROSECONDS = 1_000_000
STAT = {
    "region": "FRA",
    "orchestrator": ALICE,
    "success_rate": 1.0,
    "round_trip_time": 2.5,
    "errors": None,
    "timestamp": START // SECOND,
    "pipeline": "Text to image",
    "model": "stabilityai/sd-turbo",
}
_OFTEN_EMPTY = ("model", "pipeline", "input_parameters", "response_payload", "seg_duration")


def stat(**facts: Any) -> dict[str, Any]:
    """A stat as it is posted."""
    return {**STAT, **facts}


class Remote:
    """What it stored, with the moment of storing, and how it answers."""

    def __init__(self) -> None:
        self.now = float(START // SECOND)
        """Its clock, Unix seconds."""
        self.stored: list[tuple[int, dict[str, Any]]] = []
        self.asked: list[dict[str, str]] = []
        """The questions for stats."""
        self.moments: list[float] = []
        """When each was asked."""
        self.answer: web.Response | None = None
        """What it answers to everything instead."""
        self.stale: int | None = None
        """How many of its results it knows: an older answer, out of a cache."""
        self.hanging = False
        self.at_once = 0
        self.most_at_once = 0

    def post(self, *stats: dict[str, Any], at: float | None = None) -> None:
        """Store stats at a moment, else now."""
        moment = round((self.now if at is None else at) * MICROSECONDS)
        self.stored += [(moment, one) for one in stats]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer anything."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if self.hanging:
                await asyncio.sleep(60)
            if self.answer is not None:
                return self.answer.__class__(
                    body=self.answer.body, status=self.answer.status, headers=self.answer.headers
                )
            found = self._raw_stats(dict(request.query)) if "raw" in request.path else {}
            return web.json_response(found, headers={"Date": formatdate(self.now, usegmt=True)})
        finally:
            self.at_once -= 1

    def _raw_stats(self, query: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
        self.asked.append(query)
        self.moments.append(self.now)
        since, until = (_microseconds(query[name]) for name in ("since", "until"))
        known = self.stored if self.stale is None else self.stored[: self.stale]
        found: dict[str, list[dict[str, Any]]] = {}
        for moment, one in sorted(known, key=lambda each: each[0], reverse=True):
            ai = bool(one.get("model") and one.get("pipeline"))
            if (
                since <= moment <= min(until, round(self.now * MICROSECONDS))
                and one["orchestrator"] == query["orchestrator"].lower()
                and ai == (query["job_type"] == "ai")
            ):
                shown = {k: v for k, v in one.items() if v or k not in _OFTEN_EMPTY}
                found.setdefault(one["region"], []).append(shown)
        return found


def _microseconds(text: str) -> int:
    """As the original: a double, split into seconds and nanoseconds, compared at microseconds."""
    number = float(text)
    whole = int(number)
    return whole * MICROSECONDS + int((number - whole) * 1e9) // 1000


@asynccontextmanager
async def serving(remote: Remote) -> AsyncIterator[str]:
    """The base URL of a leaderboard that serves."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", remote.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/")

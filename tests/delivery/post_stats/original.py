"""A leaderboard that behaves like the network's, in memory, with scripted faults."""

import asyncio
import hashlib
import hmac
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from exporter.settings.leaderboard import PostTarget

SECRET = "an-open-secret"
NOT_ALWAYS = (
    *("upload_time", "download_time", "model", "pipeline"),
    *("input_parameters", "response_payload"),
)
"""What raw_stats leaves out where it is 0 or empty."""


class Fault(StrEnum):
    """What becomes of one post."""

    NONE = "none"
    ERROR_BEFORE = "500, not stored"
    ERROR_AFTER = "500, stored"
    CLOSE_BEFORE = "closed, not stored"
    CLOSE_AFTER = "closed, stored"
    HANG_BEFORE = "no answer, not stored"
    HANG_AFTER = "no answer, stored"
    FORBIDDEN = "403"
    BUSY = "429"
    PAGE = "200 with a page of somebody else"
    KILL_BEFORE = "killed before it is stored"
    KILL_AFTER = "killed after it is stored"


class Unavailable(StrEnum):
    """What becomes of one question for stats."""

    NO = "no"
    ERROR = "500"
    CLOSED = "closed"
    NONSENSE = "no JSON"


class Original:
    """The leaderboard; `clock` is its clock, Unix seconds.

    Its answers are as of `behind` seconds ago, of which it owns up to `age` in a header.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.regions: list[dict[str, str]] = [{"id": "MDW", "name": "Chicago", "type": "ai"}]
        self.faults: deque[Fault] = deque()
        self.looks: deque[Unavailable] = deque()
        self.refused: dict[str, tuple[int, str]] = {}
        """Status and body for posts whose text contains a word."""
        self.behind, self.age = 0.0, 0.0
        self.kill: Callable[[], object] = lambda: None
        self.dawdle: Callable[[], float] = lambda: 0.0
        """Seconds that it takes its time for, before it stores a stat and again after it."""
        self.stored: list[tuple[float, dict[str, Any]]] = []
        self.posts = 0
        self.questions: list[dict[str, str]] = []
        self.asked_regions = 0
        self.url = ""
        self._clock = clock
        self._closing = asyncio.Event()

    def target(self, **more: Any) -> PostTarget:
        """The setting that has our results posted here."""
        return PostTarget.model_validate({"url": self.url, "secret": SECRET, **more})

    def count(self) -> Counter[str]:
        """How often it has each result, by the word that the tests put into `input_parameters`."""
        return Counter(stat["input_parameters"] for _, stat in self.stored)

    def close(self) -> None:
        """Let requests go that hang."""
        self._closing.set()

    async def handle_regions(self, _: web.Request) -> web.Response:
        self.asked_regions += 1
        return web.json_response({"regions": self.regions})

    async def handle_post(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.posts += 1
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        if request.method != "POST" or request.headers.get("Authorization") != signature:
            return _error(403, "request can not be authenticated")
        assert request.headers["Content-Type"] == "application/json"
        stat = _decoded(body)
        for word, (status, text) in self.refused.items():
            if word in body.decode():
                return _error(status, text)
        known = [region for region in self.regions if region["id"] == stat["region"]]
        if not known:
            return _error(400, "invalid region")
        fault = self.faults.popleft() if self.faults else Fault.NONE
        before = fault in (Fault.FORBIDDEN, Fault.BUSY, Fault.PAGE) or fault.name.endswith("BEFORE")
        await asyncio.sleep(self.dawdle())
        if not before and any(region["type"] == "ai" for region in known):
            self.stored.append((self._clock(), stat))
        await asyncio.sleep(self.dawdle())
        return await self._answer(request, fault)

    async def _answer(self, request: web.Request, fault: Fault) -> web.Response:
        match fault.name.removesuffix("_BEFORE").removesuffix("_AFTER"):
            case "ERROR":
                return _error(500, "the database is away")
            case "CLOSE":
                return _cut(request)
            case "HANG":
                await self._closing.wait()
            case "FORBIDDEN":
                return _error(403, "request can not be authenticated")
            case "BUSY":
                return _error(429, "slow down")
            case "PAGE":
                return web.Response(text="<html>please log in</html>", content_type="text/html")
            case "KILL":
                self.kill()
                await asyncio.wait_for(self._closing.wait(), 20)
        return web.Response(text="ok")

    async def handle_stats(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        self.questions.append(asked)
        match self.looks.popleft() if self.looks else Unavailable.NO:
            case Unavailable.ERROR:
                return _error(500, "the database is away")
            case Unavailable.CLOSED:
                return _cut(request)
            case Unavailable.NONSENSE:
                return web.Response(text="<html>", headers={"Age": "minus one"})
        assert asked["job_type"] == "ai"
        seen = [
            (at, stat)
            for at, stat in self.stored
            if float(asked["since"]) <= at <= self._clock() - self.behind
            and stat["orchestrator"] == asked["orchestrator"].lower()
            and all(stat[name] == asked[name] for name in ("pipeline", "model"))
            and stat["region"] == asked.get("region", stat["region"]).upper()
        ]
        answer: dict[str, list[Any]] = {}
        for _, stat in reversed(seen):
            answer.setdefault(stat["region"], []).append(_given_back(stat))
        return web.json_response(answer, headers={"Age": str(int(self.age))})


@asynccontextmanager
async def serving(clock: Callable[[], float]) -> AsyncIterator[Original]:
    """A leaderboard that answers on loopback."""
    original = Original(clock)
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/api/regions", original.handle_regions)
    app.router.add_route("*", "/api/post_stats", original.handle_post)
    app.router.add_route("*", "/api/raw_stats", original.handle_stats)
    async with TestServer(app) as server:
        original.url = str(server.make_url("/")).rstrip("/")
        try:
            yield original
        finally:
            original.close()


def _decoded(body: bytes) -> dict[str, Any]:
    """The posted object, as strictly as the original takes it."""
    stat = msgspec.json.decode(body)
    assert isinstance(stat, dict)
    text = ("region", "orchestrator", "model", "pipeline", "input_parameters", "response_payload")
    assert all(isinstance(stat[name], str) and "\0" not in stat[name] for name in text)
    assert len(stat["orchestrator"]) <= 56
    assert isinstance(stat["timestamp"], int)
    assert isinstance(stat["model_is_warm"], bool)
    assert isinstance(stat["errors"], list)
    for error in stat["errors"]:
        assert isinstance(error["error_code"], str)
        assert isinstance(error["count"], int)
    for name in ("success_rate", "round_trip_time"):
        assert isinstance(stat[name], float | int)
    return stat


def _given_back(stat: dict[str, Any]) -> dict[str, Any]:
    """A stat as raw_stats gives it: numbers as Go writes them, empty fields left out."""
    always = ("region", "orchestrator", "success_rate", "round_trip_time", "errors", "timestamp")
    given = {name: _number(stat[name]) for name in always}
    given |= {name: _number(stat[name]) for name in NOT_ALWAYS if stat.get(name)}
    return given | ({"model_is_warm": True} if stat["model_is_warm"] else {})


def _number(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _error(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f'{{"error":"{text}"}}\n')


def _cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()

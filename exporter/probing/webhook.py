"""Modified gateways that follow a webhook at once: for whom they ask, and whether they did ask.

Each webhook lane has one URL. Its gateway (`-orchWebhookUrl`) gets there the orchestrator that the
lane is pointed at. How a job on such a lane goes:

1. point: from now on the answer is this orchestrator and nobody else;
2. let the gateway ask. One that asks by a timer of its own would send a job that comes before its
   next question to the orchestrator it knew before: where one was seen to ask between the jobs,
   its next question is waited for. One that asks for each request asks while the job runs: there
   is nothing to wait for. One that asks for a request only when its list has got old
   (`-webhookRefreshInterval`) must let it get old at once. Through its CLI port (`cli_url`) most
   can be made to ask before the job, by `GET /status`;
3. job;
4. evidence: has the gateway been told of this orchestrator, and of nobody else since? If not, it
   cannot have followed, and the job says nothing about anybody: `lane_failed`. That it was told
   does not prove that it followed: a stock gateway asks once a minute and keeps its sessions for
   ten. Only its session pools prove it; without `cli_url` the pin is the gateway's word.

A lane stays pointed between jobs: an interval gateway that asked meanwhile and got an empty list
would fail the next job. `clear` empties the list.

Whoever knows a lane's name can ask, too, and make it look as if the gateway had asked; he learns
one public address, changes nothing, and can make nobody blamed. Where `probe.listen` is open to
others, a name that nobody guesses keeps them out.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from exporter.model import NANOSECONDS, Outcome
from exporter.probing.failure import TransportFailure

PATIENCE: Final = 5.0
"""Seconds that a gateway's own timer is waited for."""
_TIMER: Final = 2
"""Questions between jobs from which on a gateway counts as one that asks by itself."""


class _Lane:
    def __init__(self) -> None:
        self.uri: str | None = None
        self.pointed_at = 0
        self.asked_at: int | None = None
        self.told: str | None = None
        self.visits = 0
        self.unasked = 0
        """Questions outside of any visit, since such a question was last waited for in vain."""
        self.question = asyncio.Event()


class Visit:
    """One lane pointed at one orchestrator, for as long as its jobs take."""

    def __init__(self, lane: _Lane, uri: str, clock: Callable[[], int]) -> None:
        self._lane = lane
        self._clock = clock
        self.uri = uri

    @property
    def asked(self) -> bool:
        """Whether the gateway's last question was answered with this orchestrator."""
        return self._lane.told == self.uri == self._lane.uri

    @property
    def words(self) -> str:
        """What was seen of the gateway's asking, for the evidence."""
        lane = self._lane
        if lane.asked_at is None:
            return "the gateway never asked for its orchestrator"
        since = (self._clock() - lane.asked_at) / NANOSECONDS
        whom = "this one" if self.asked else "another" if lane.told else "nobody"
        return f"the gateway asked for its orchestrator {since:.3g} s ago and was told {whom}"

    async def wait(self, seconds: float) -> bool:
        """Wait until the gateway has asked, at most so long; gives whether it has."""
        try:
            async with asyncio.timeout(seconds):
                while not self.asked:
                    self._lane.question.clear()
                    await self._lane.question.wait()
        except TimeoutError:
            return False
        return True

    def failure(self) -> TransportFailure | None:
        """The failure of a job that went through a gateway which had not asked; else `None`.

        Only for a job that reached the gateway: from others it had nothing to ask for.
        """
        if self.asked:
            return None
        seconds = (self._clock() - self._lane.pointed_at) / NANOSECONDS
        return TransportFailure(
            Outcome.LANE_FAILED,
            f"the gateway did not ask for its orchestrator within {seconds:.3g} s: "
            "is it a modified one?",
        )


class WebhookDesk:
    """Answers the gateways of the webhook lanes with these names."""

    def __init__(
        self, names: Iterable[str] = (), *, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._lanes = {name: _Lane() for name in names}
        self._clock = clock

    def point(self, name: str, uri: str) -> Visit:
        """From now on the lane's gateway is told of this service URI and no other.

        Raises `KeyError` for a lane that the desk was not made for.
        """
        lane = self._lanes[name]
        if lane.uri != uri:
            lane.uri, lane.pointed_at = uri, self._clock()
        return Visit(lane, uri, self._clock)

    def clear(self, name: str) -> None:
        """From now on the lane's gateway is told of nobody."""
        self._lanes[name].uri = None

    @asynccontextmanager
    async def pointed(
        self, name: str, uri: str, *, patience: float = PATIENCE
    ) -> AsyncIterator[Visit]:
        """Point the lane for one job, or for several to the same orchestrator.

        Waits for a gateway that is known to ask by itself, at most `patience` seconds.
        """
        lane = self._lanes[name]
        visit = self.point(name, uri)
        lane.visits += 1
        try:
            if lane.unasked >= _TIMER and not await visit.wait(patience):
                lane.unasked = 0
            yield visit
        finally:
            lane.visits -= 1

    def answer(self, name: str, *, asking: bool = True) -> list[dict[str, object]] | None:
        """The gateway's list; `None` for a lane that there is not.

        `asking` is false for a request whose answer nobody reads, which is no evidence.
        """
        lane = self._lanes.get(name)
        if lane is None:
            return None
        if asking:
            lane.asked_at, lane.told = self._clock(), lane.uri
            lane.unasked = min(lane.unasked + (lane.visits == 0), _TIMER)
            lane.question.set()
        return [] if lane.uri is None else [{"address": lane.uri, "score": 1}]


def routes(desk: WebhookDesk) -> list[web.RouteDef]:
    """The routes of the probe's server at which gateways ask: GET, and HEAD without evidence."""

    async def orchestrators(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = desk.answer(name, asking=request.method == "GET")
        if found is None:
            return web.Response(status=404, text="there is no webhook lane of this name\n")
        return web.json_response(found, headers={"Cache-Control": "no-store"})

    return [web.get("/lanes/{name}/orchestrators", orchestrators)]

"""What stands around a replayed lane: two nodes, a webhook, dead ends, and their switches."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from aiohttp import web

from exporter.simulation.gateway.flags import parse
from exporter.simulation.gateway.service import SimulatedGateway
from exporter.simulation.node import SimulatedNode
from exporter.simulation.population import ServedModel
from exporter.simulation.runner import FAULTS, NINE, Runner, RunnerFault
from exporter.simulation.serving import ClosedPort, LoopbackServer
from tests.simulation.replay.exchange import send
from tests.simulation.replay.recordings import Lane, Step
from tests.waiting import until

_RANK_SECONDS = 0.04
_SECOND_PICTURE = "SG161222/RealVisXL_V4.0_Lightning"
_MODELS = (
    *NINE,
    ServedModel(
        pipeline="text-to-image", model=_SECOND_PICTURE, warm=True, capacity=1, price=1_000
    ),
)
_B_ONLY = ("runner-503-html", "runner-404-html", "runner-200-not-json", "missing-model-id-audio")


class Side:
    """One orchestrator: A or B of the recordings."""

    def __init__(self, speed: float) -> None:
        self.runner = Runner(_MODELS, speed=speed)
        self.node = SimulatedNode(self.runner, speed=speed)
        self.up = False

    async def start(self) -> None:
        if not self.up:
            await self.node.start()
            self.up = True

    async def stop(self) -> None:
        if self.up:
            await self.node.stop()
            self.up = False


class Hook:
    """The webhook: a list, or an error."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.broken = False
        self.calls = 0
        self.server = LoopbackServer(self._answer)

    async def _answer(self, _request: web.Request) -> web.Response:
        self.calls += 1
        if self.broken:
            return web.Response(status=500)
        return web.json_response([{"address": address} for address in self.addresses])


class Stage:
    """Everything of one lane. `lines` is the gateway's log so far."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.sides = {"A": Side(lane.speed), "B": Side(lane.speed)}
        self.hook = Hook()
        self.dead = ClosedPort()
        self.silent = SimulatedNode(Runner())
        self.silent.silent = True
        self.lines: list[str] = []
        self.gateway: SimulatedGateway
        self._ranks: list[float] = []
        if self.has_two:
            self._ranks = sorted({_score(step) for step in lane.steps})
        self._other: asyncio.Task[Any] | None = None

    async def open(self) -> None:
        for side in self.sides.values():
            await side.start()
        await self.silent.start()
        await self.hook.server.start()
        first = self.lane.steps[0]
        self.hook.addresses = [side.node.url for side in self.sides.values()]
        self.hook.broken = first.scenario == "webhook-500"
        arguments = ["-gateway", "-httpAddr", "127.0.0.1:0", "-cliAddr", "127.0.0.1:0"]
        arguments += ["-rtmpAddr", "127.0.0.1:0", "-v", str(first.verbosity)]
        arguments += self._discovery(first.scenario)
        if self.lane.setting == "retry-1ms":
            arguments += ["-aiProcessingRetryTimeout", "1ms"]
        self.gateway = SimulatedGateway(
            parse(arguments), speed=self.lane.speed, log=self.lines.append
        )
        await self.gateway.start()

    async def close(self) -> None:
        if self._other is not None:
            await self._other
        await self.gateway.stop()
        await self.hook.server.stop()
        await self.silent.stop()
        for side in self.sides.values():
            await side.stop()
        self.dead.close()

    @property
    def has_two(self) -> bool:
        """Whether A and B are equals in one pool."""
        return self.lane.steps[0].scenario.startswith("pool-of-two")

    def relabel(self) -> None:
        """Call the one A that the recordings call B: before its first job they are equals."""
        self.sides["A"], self.sides["B"] = self.sides["B"], self.sides["A"]

    def label(self, url: str) -> str:
        for name, side in self.sides.items():
            if side.node.url == url:
                return name
        return "elsewhere"

    async def switch(self, step: Step, client: httpx.AsyncClient) -> None:
        """Bring about what the recording says was switched for this step."""
        for name, side in self.sides.items():
            side.runner.fault = _fault(step, name)
        if self._ranks:
            pause = RunnerFault(delay=self._ranks.index(_score(step)) * _RANK_SECONDS)
            for side in self.sides.values():
                side.runner.fault = side.runner.fault or pause
        self.hook.broken = step.note.startswith("webhook answers 500")
        side = self.sides["A"]
        if _is_dead(step):
            await side.stop()
        else:
            await side.start()
        if step.note.startswith("while another job"):
            await self._begin_other(step, client)
        elif self._other is not None:
            await self._other
            self._other = None

    async def _begin_other(self, step: Step, client: httpx.AsyncClient) -> None:
        runner = self.sides["A"].runner
        runner.fault = RunnerFault(delay=2.0)
        before = runner.calls
        sending = send(
            client, self.gateway.url, step.request, step.request["path"], self.lane.speed
        )
        self._other = asyncio.create_task(sending)
        await until(lambda: runner.calls > before)
        runner.fault = None

    def _discovery(self, scenario: str) -> list[str]:
        a, b = (side.node.url for side in self.sides.values())
        if scenario == "no-discovery":
            return []
        if scenario in ("pool-of-two-webhook", "webhook-500"):
            return ["-orchWebhookUrl", self.hook.server.url + "/orchs"]
        if scenario.startswith("orch-dead-no-session"):
            return ["-orchAddr", f"https://127.0.0.1:{self.dead.port}"]
        if scenario.startswith("orch-silent"):
            return ["-orchAddr", self.silent.url]
        if scenario == "pool-of-two-orchaddr":
            return ["-orchAddr", f"{a},{b}"]
        on_b = scenario.startswith(_B_ONLY) or scenario == "runner-500-text-image-to-image"
        return ["-orchAddr", b if on_b else a]


@asynccontextmanager
async def staged(lane: Lane) -> AsyncIterator[Stage]:
    stage = Stage(lane)
    await stage.open()
    try:
        yield stage
    finally:
        await stage.close()


def _score(step: Step) -> float:
    """The recorded latency score of whoever did the job of this step."""
    url = {True: ":18935", False: ":18945"}[step.calls["A"] > 0 and step.calls["B"] == 0]
    for pool in step.pools.values():
        for entry in pool["warm"]["orchestrators"] or []:
            if entry["url"].endswith(url):
                return float(entry["latency_score"])
    return 0.0


def _is_dead(step: Step) -> bool:
    return "killed" in step.note or "dead" in step.note.partition(",")[0].split()


def _fault(step: Step, side: str) -> RunnerFault | None:
    note = step.note
    if note.startswith("runner answers outside its API: "):
        kind = note.partition(": runner-")[2]
        for name in ("503-html", "404-html", "200-not-json", "500-text"):
            if kind.startswith(name):
                return FAULTS[name]
    broken = FAULTS["500-json"]
    if note.startswith("A fails"):
        return broken if side == "A" else None
    if note.startswith("runner answers 500 after 1.2 s"):
        return dataclasses.replace(broken, delay=1.2)
    if note.startswith("client gives up"):
        return RunnerFault(delay=3.0)
    for start, name in (
        ("runner answers 500", "500-json"),
        ("both fail", "500-json"),
        ("runner answers 400", "400"),
        ("runner answers 422", "422"),
        ("runner answers 200 {", "empty-images"),
    ):
        if note.startswith(start):
            return FAULTS[name]
    return broken if step.scenario == "runner-500-v6" else None

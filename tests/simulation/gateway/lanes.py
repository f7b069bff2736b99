"""A gateway under test with real nodes behind it, and requests to send to it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from aiohttp import web

from exporter.simulation.gateway.flags import parse
from exporter.simulation.gateway.service import SimulatedGateway
from exporter.simulation.gateway.tweaks import GatewayTweaks
from exporter.simulation.node import SimulatedNode
from exporter.simulation.runner import NINE, Runner
from exporter.simulation.serving import LoopbackServer
from exporter.simulation.small_media import png, wav
from exporter.simulation.workload import Job, Reply, Stream

MODELS = {model.pipeline: model.model for model in NINE}
PIPELINES = tuple(MODELS)
UNAVAILABLE = {"error": {"message": "Service Unavailable Error"}}
MS = ("-aiProcessingRetryTimeout", "1ms")
TEXT_PIPELINES = ("audio-to-text", "image-to-text", "segment-anything-2")
PORTS = ("-httpAddr", "127.0.0.1:0", "-cliAddr", "127.0.0.1:0", "-rtmpAddr", "127.0.0.1:0")


class WatchedRunner(Runner):
    """Keeps what reached it."""

    def __init__(self, *, speed: float) -> None:
        super().__init__(speed=speed)
        self.jobs: list[Job] = []

    async def work(self, job: Job) -> Reply | Stream:
        self.jobs.append(job)
        return await super().work(job)


class Leap:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


class Orchestrator:
    """One node and its runner."""

    def __init__(self, speed: float, **node: Any) -> None:
        self.runner = WatchedRunner(speed=speed)
        self.node = SimulatedNode(self.runner, speed=speed, **node)

    @property
    def url(self) -> str:
        return self.node.url


class Lane:
    """A started gateway; `lines` is its log, `seconds` of an answer are the gateway's own."""

    def __init__(
        self, gateway: SimulatedGateway, orchestrators: list[Orchestrator], lines: list[str]
    ) -> None:
        self.gateway = gateway
        self.orchestrators = orchestrators
        self.lines = lines
        self.speed = gateway._clock.speed
        self.client = httpx.AsyncClient(trust_env=False, timeout=30)

    @property
    def node(self) -> SimulatedNode:
        return self.orchestrators[0].node

    @property
    def runner(self) -> WatchedRunner:
        return self.orchestrators[0].runner

    async def job(self, pipeline: str, **fields: Any) -> "Answer":
        """Send a good job, changed by `fields`; `None` leaves one out."""
        return await self.send("POST", "/" + pipeline, **body_of(pipeline, **fields))

    async def send(self, method: str, path: str, **request: Any) -> "Answer":
        started = time.perf_counter()
        response: httpx.Response | None = None
        with contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError):
            response = await self.client.request(method, self.gateway.url + path, **request)
        return Answer(response, (time.perf_counter() - started) * self.speed)

    async def cli(self, path: str) -> httpx.Response:
        return await self.client.get(self.gateway.cli_url + path)

    async def pool(self, pipeline: str) -> dict[str, Any]:
        pools = (await self.cli("/getAISessionPoolsInfo")).json()
        found: dict[str, Any]
        (found,) = [pool for key, pool in pools.items() if key.endswith(MODELS[pipeline])]
        return found

    def said(self, text: str) -> int:
        """How many lines hold the text."""
        return sum(text in line for line in self.lines)


def unhurried() -> float:
    """The clock of a machine that is never late; a busy one may miss the ms of the first try."""
    return time.monotonic() / 50


class Answer:
    """What the client got: an answer, or a connection that was closed without one."""

    def __init__(self, response: httpx.Response | None, seconds: float) -> None:
        self.response = response
        self.seconds = seconds

    @property
    def closed(self) -> bool:
        return self.response is None

    @property
    def status(self) -> int | None:
        return None if self.response is None else self.response.status_code

    @property
    def text(self) -> str:
        return "" if self.response is None else self.response.text

    @property
    def headers(self) -> httpx.Headers:
        assert self.response is not None
        return self.response.headers

    def json(self) -> Any:
        assert self.response is not None
        return self.response.json()


class Hook:
    """A webhook; `answer` is what it says next."""

    def __init__(self) -> None:
        self.addresses: list[Any] = []
        self.status = 200
        self.delay = 0.0
        self.agents: list[str] = []
        self.server = LoopbackServer(self._answer)

    @property
    def calls(self) -> int:
        return len(self.agents)

    async def _answer(self, request: web.Request) -> web.Response:
        self.agents.append(request.headers["User-Agent"])
        await asyncio.sleep(self.delay)
        if self.status != 200:
            return web.Response(status=self.status)
        return web.json_response([{"address": address} for address in self.addresses])


@asynccontextmanager
async def a_lane(
    *flags: str,
    nodes: int = 1,
    speed: float = 10.0,
    discovery: Callable[[list[Orchestrator]], tuple[str, ...]] | None = None,
    tweaks: GatewayTweaks | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    **node: Any,
) -> AsyncIterator[Lane]:
    """A gateway pinned with all its nodes, unless `discovery` gives other flags."""
    orchestrators = [Orchestrator(speed, **node) for _ in range(nodes)]
    for orchestrator in orchestrators:
        await orchestrator.node.start()
    found = discovery or (lambda all_: ("-orchAddr", ",".join(one.url for one in all_)))
    arguments = ("-gateway", *PORTS, "-v", "6", *found(orchestrators), *flags)
    lines: list[str] = []
    gateway = SimulatedGateway(
        parse(arguments), speed=speed, log=lines.append, tweaks=tweaks, monotonic=monotonic
    )
    lane: Lane | None = None
    try:
        await gateway.start()
        lane = Lane(gateway, orchestrators, lines)
        yield lane
    finally:
        if lane is not None:
            await lane.client.aclose()
        await gateway.stop()
        for orchestrator in orchestrators:
            await orchestrator.node.stop()


@asynccontextmanager
async def a_hook(*addresses: Any) -> AsyncIterator[Hook]:
    hook = Hook()
    hook.addresses = list(addresses)
    await hook.server.start()
    try:
        yield hook
    finally:
        await hook.server.stop()


def body_of(pipeline: str, **fields: Any) -> dict[str, Any]:
    """The keyword arguments of a good request."""
    model = {"model" if pipeline == "llm" else "model_id": MODELS[pipeline]}
    picture = ("in.png", png("test", 48, 32), "image/png")
    known: dict[str, dict[str, Any]] = {
        "text-to-image": {"prompt": "a lighthouse", "width": 64, "height": 64, "seed": 7},
        "image-to-image": {"prompt": "make it night", "image": picture},
        "image-to-video": {"image": picture},
        "upscale": {"prompt": "sharp", "image": picture},
        "text-to-speech": {"text": "hello there"},
        "audio-to-text": {"audio": ("a.wav", wav("test", 3.2), "audio/wav")},
        "image-to-text": {"prompt": "", "image": picture},
        "segment-anything-2": {
            "image": picture,
            "point_coords": "[[1,1]]",
            "point_labels": "[1]",
        },
        "llm": {
            "messages": [{"role": "user", "content": "Say hello."}],
            "stream": False,
            "max_tokens": 32,
        },
    }
    merged = {
        key: value for key, value in (model | known[pipeline] | fields).items() if value is not None
    }
    if pipeline in ("text-to-image", "text-to-speech", "llm"):
        return {"json": merged}
    files: dict[str, Any] = {
        key: value for key, value in merged.items() if isinstance(value, tuple)
    }
    plain = {key: value for key, value in merged.items() if not isinstance(value, tuple)}
    if not files:  # Still multipart, only without a file.
        return {"files": {key: (None, str(value)) for key, value in plain.items()}}
    return {"data": plain, "files": files}

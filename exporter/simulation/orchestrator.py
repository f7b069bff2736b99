"""A simulated orchestrator: an HTTP server that runs jobs as its profile scripts them."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from aiohttp import web

from exporter.simulation import language_job, picture_job
from exporter.simulation.journal import JobRecord, Journal, Served
from exporter.simulation.population import LLM, TEXT_TO_IMAGE, Member, Profile, ServedModel
from exporter.simulation.profiles import Act, Script, listens, script
from exporter.simulation.requests import (
    JobRequest,
    LanguageRequest,
    PictureRequest,
    Refusal,
    parse,
    runner_error,
    unknown_model,
)
from exporter.simulation.serving import (
    ClosedPort,
    LoopbackServer,
    Pace,
    own_host,
    send,
    send_media,
    text_answer,
)
from exporter.simulation.shelf import Shelf

VIA_HEADER = "Simulation-Via"
"""Header in which a simulated gateway names itself; nothing but the journal reads it."""

_Key = tuple[str, str]


@dataclass(frozen=True)
class World:
    """What the servers of one network share."""

    seed: int
    speed: float
    journal: Journal
    shelf: Shelf
    studio: Executor
    """Threads that make pictures, so that the event loop's waits stay exact."""


class SimulatedOrchestrator:
    """One member of the network, reachable at `url` (where a dead one refuses connections)."""

    def __init__(self, member: Member, world: World) -> None:
        self.member = member
        self._world = world
        self._models: dict[_Key, ServedModel] = {
            (model.pipeline, model.model): model for model in member.models
        }
        self._jobs: Counter[_Key] = Counter()
        self._in_flight: Counter[_Key] = Counter()
        self._replays: dict[_Key, picture_job.Replay] = {}
        self.host = own_host(member.number)
        self._server = LoopbackServer(self._handle, self.host)
        self._closed_port: ClosedPort | None = None

    @property
    def port(self) -> int:
        """Its port. Raises `RuntimeError` before `start`."""
        return self._closed_port.port if self._closed_port else self._server.port

    @property
    def url(self) -> str:
        """Its service URI. Raises `RuntimeError` before `start`."""
        return f"http://{self.host}:{self.port}"

    async def start(self) -> None:
        """Listen, or, if dead, occupy a port that refuses."""
        if listens(self.member.profile):
            await self._server.start()
        else:
            self._closed_port = ClosedPort(self.host)

    async def stop(self) -> None:
        """End all jobs and connections at once."""
        if self._closed_port is not None:
            self._closed_port.close()
        await self._server.stop()

    def serves(self, pipeline: str, model: str) -> bool:
        """Whether jobs for this model are taken."""
        return (pipeline, model) in self._models

    def in_flight(self, model: ServedModel) -> int:
        """How many jobs of a model are running now."""
        return self._in_flight[model.pipeline, model.model]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/stream/") and request.method in ("GET", "HEAD"):
            return await send_media(request, self._world.shelf, self.member.address)
        routes: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
            f"/{TEXT_TO_IMAGE}": self._text_to_image,
            f"/{LLM}": self._llm,
        }
        route = routes.get(request.path)
        if route is None:
            return text_answer("404 page not found", 404)
        if request.method != "POST":
            return text_answer("Method Not Allowed", 405)
        try:
            return await route(request)
        except Refusal as refusal:
            return refusal.answer

    async def _text_to_image(self, request: web.Request) -> web.StreamResponse:
        wanted = parse(await request.read(), PictureRequest)
        return await self._run(request, wanted, (TEXT_TO_IMAGE, wanted.model_id))

    async def _llm(self, request: web.Request) -> web.StreamResponse:
        wanted = parse(await request.read(), LanguageRequest)
        return await self._run(request, wanted, (LLM, wanted.model))

    async def _run(self, request: web.Request, wanted: JobRequest, key: _Key) -> web.StreamResponse:
        """Run one job and write it down, however it ends."""
        model = self._models.get(key)
        if model is None:
            raise unknown_model(key[1])
        self._jobs[key] += 1
        self._in_flight[key] += 1
        number = self._jobs[key]
        plan = script(self._world.seed, self.member, model, number)
        received_at = time.monotonic_ns()
        response: web.StreamResponse | None = None
        done = False
        try:
            response = await self._act(request, wanted, key, plan)
            done = True
        finally:
            self._in_flight[key] -= 1
            self._world.journal.add(
                JobRecord(
                    orchestrator=self.member.address,
                    pipeline=key[0],
                    model=key[1],
                    job=number,
                    via=request.headers.get(VIA_HEADER, "direct"),
                    act=plan.act,
                    received_at=received_at,
                    finished_at=time.monotonic_ns(),
                    scripted_seconds=plan.seconds / self._world.speed,
                    served=_served(plan.act) if done else "aborted",
                    status=response.status if response is not None else None,
                )
            )
        return response

    async def _act(
        self, request: web.Request, wanted: JobRequest, key: _Key, plan: Script
    ) -> web.StreamResponse:
        pace = Pace(self._world.speed)
        if plan.act is Act.HANG:
            await asyncio.Event().wait()
        if plan.act is Act.FAIL:
            await pace.until(plan.seconds)
            return await send(request, runner_error(500, "simulated CUDA error: out of memory"))
        if plan.act is Act.NO_CAPACITY:
            await pace.until(plan.seconds)
            return await send(request, text_answer("insufficient capacity", 503))
        if isinstance(wanted, LanguageRequest):
            return await language_job.serve(request, wanted, plan, pace)
        desk = picture_job.Desk(
            owner=self.member.address,
            shelf=self._world.shelf,
            studio=self._world.studio,
            replay=self._replay(key),
        )
        return await picture_job.serve(request, wanted, plan, pace, desk)

    def _replay(self, key: _Key) -> picture_job.Replay | None:
        if self.member.profile is not Profile.LYING:
            return None
        return self._replays.setdefault(key, picture_job.Replay())


def _served(act: Act) -> Served:
    if act in (Act.FAIL, Act.NO_CAPACITY):
        return "error"
    if act in (Act.CUT_ANSWER, Act.CUT_MEDIA):
        return "aborted"
    return "full"

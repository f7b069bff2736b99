"""The open door of a simulated orchestrator: plain HTTP, where its runner answers directly.

This is what a `direct` lane meets. Nothing is paid here, and nobody counts the capacity.
"""

import asyncio

import msgspec
from aiohttp import web

from exporter.simulation import language_job, picture_job
from exporter.simulation.capacity import LiveCapacity
from exporter.simulation.conduct import Begun, Conduct
from exporter.simulation.journal import VIA_HEADER
from exporter.simulation.population import LLM, TEXT_TO_IMAGE
from exporter.simulation.profiles import Act
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
    LoopbackServer,
    Pace,
    hang_up,
    json_answer,
    send,
    send_cut,
    send_media,
    text_answer,
)
from exporter.simulation.workload import BAD_PAGE


class OpenDoor:
    """An HTTP server on a loopback address of its own."""

    def __init__(self, conduct: Conduct, capacity: LiveCapacity, host: str) -> None:
        self._conduct = conduct
        self._world = conduct.world
        self._owner = conduct.member.address
        self._capacity = capacity
        self._server = LoopbackServer(self._handle, host)

    @property
    def port(self) -> int:
        """Its port. Raises `RuntimeError` before `start`."""
        return self._server.port

    async def start(self) -> None:
        """Listen on a free port."""
        await self._server.start()

    async def stop(self) -> None:
        """End all jobs and connections at once."""
        await self._server.stop()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/stream/") and request.method in ("GET", "HEAD"):
            return await send_media(request, self._world.shelf, self._owner)
        if request.path not in (f"/{TEXT_TO_IMAGE}", f"/{LLM}"):
            return text_answer("404 page not found", 404)
        if request.method != "POST":
            return text_answer("Method Not Allowed", 405)
        try:
            body = await request.read()
            wanted: JobRequest
            if request.path == f"/{LLM}":
                wanted = parse(body, LanguageRequest)
                return await self._run(request, wanted, wanted.model)
            wanted = parse(body, PictureRequest)
            return await self._run(request, wanted, wanted.model_id)
        except Refusal as refusal:
            return refusal.answer

    async def _run(
        self, request: web.Request, wanted: JobRequest, model: str
    ) -> web.StreamResponse:
        key = (request.path.removeprefix("/"), model)
        if key not in self._conduct.models:
            raise unknown_model(model)
        begun = self._conduct.begin(key, request.headers.get(VIA_HEADER, "direct"))
        with self._conduct.recorded(begun), self._capacity.hold(key):
            response = await self._act(request, wanted, begun)
            begun.status = response.status
        return response

    async def _act(
        self, request: web.Request, wanted: JobRequest, begun: Begun
    ) -> web.StreamResponse:
        plan, pace = begun.plan, Pace(self._world.speed)
        if plan.act is Act.HANG:
            await asyncio.Event().wait()
        if plan.act is Act.FAIL:
            await pace.until(plan.seconds)
            return await send(request, runner_error(500, "simulated CUDA error: out of memory"))
        if plan.act is Act.NO_CAPACITY:
            await pace.until(plan.seconds)
            return await send(request, text_answer("insufficient capacity", 503))
        if plan.act is Act.BAD_RUNNER:
            await pace.until(plan.seconds)
            page = web.Response(status=503, body=BAD_PAGE, content_type="text/html")
            return await send(request, page)
        if isinstance(wanted, PictureRequest):
            return await self._pictures(request, wanted, begun, pace)
        if wanted.stream:
            return await _stream(request, wanted, begun, pace)
        return await _send(request, await language_job.answer(wanted, plan, pace), begun)

    async def _pictures(
        self, request: web.Request, wanted: PictureRequest, begun: Begun, pace: Pace
    ) -> web.StreamResponse:
        images = []
        for made in await picture_job.make(wanted, begun.plan, self._conduct.desk(begun.key)):
            media = made.media
            path = self._world.shelf.put(self._owner, media.data, sent_share=media.sent_share)
            images.append({"nsfw": False, "seed": made.seed, "url": path})
        await pace.until(begun.plan.seconds)
        return await _send(request, {"images": images}, begun)


async def _send(request: web.Request, answer: object, begun: Begun) -> web.StreamResponse:
    if begun.plan.act is not Act.CUT_ANSWER:
        return await send(request, json_answer(answer))
    body = msgspec.json.encode(answer)
    return await send_cut(request, body, "application/json", int(len(body) * begun.plan.cut))


async def _stream(
    request: web.Request, wanted: LanguageRequest, begun: Begun, pace: Pace
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    )
    response.enable_chunked_encoding()
    async for event in language_job.stream(wanted, begun.plan, pace):
        if not response.prepared:
            await response.prepare(request)
        await response.write(event)
    if begun.plan.act is Act.CUT_ANSWER:
        hang_up(request)
    else:
        await response.write_eof()
    return response

"""The open door of a simulated orchestrator: plain HTTP, where its runner answers directly.

This is what a `direct` lane meets. Nothing is paid here, and nobody counts the capacity.
"""

import msgspec
from aiohttp import web

from exporter.simulation import scripted
from exporter.simulation.capacity import LiveCapacity
from exporter.simulation.conduct import Conduct
from exporter.simulation.node_answers import PIPELINES, place
from exporter.simulation.node_jobs import read_job
from exporter.simulation.requests import Refusal, unknown_model
from exporter.simulation.serving import (
    LoopbackServer,
    hang_up,
    json_answer,
    send,
    send_cut,
    send_media,
    text_answer,
)
from exporter.simulation.workload import Busy, Job, Reply, Stream

_JSON = "application/json"


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
        if request.path.removeprefix("/") not in PIPELINES:
            return text_answer("404 page not found", 404)
        if request.method != "POST":
            return text_answer("Method Not Allowed", 405)
        try:
            return await self._run(request, await _read(request))
        except Refusal as refusal:
            return refusal.answer
        except Busy:
            return text_answer("insufficient capacity", 503)

    async def _run(self, request: web.Request, job: Job) -> web.StreamResponse:
        refused = scripted.refusal(job)
        if refused is not None:
            return await self._send(request, refused)
        key = (job.pipeline, job.model)
        if key not in self._conduct.models:
            raise unknown_model(job.model)
        begun = self._conduct.begin(key, job.via)
        with self._conduct.recorded(begun), self._capacity.hold(key):
            made = await scripted.perform(self._conduct, job, begun, paid=False)
            if isinstance(made, Stream):
                return await _pass_on(request, made)
            return await self._send(request, made)

    async def _send(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        body = self._with_places(reply) if reply.media else reply.body
        if _JSON in reply.content_type:
            body += b"\n"  # Go's encoder puts one at the end.
        if reply.sent_share < 1:
            sent = int(len(body) * reply.sent_share)
            return await send_cut(request, body, reply.content_type, sent)
        answer = web.Response(status=reply.status, body=body, content_type=reply.content_type)
        return await send(request, answer)

    def _with_places(self, reply: Reply) -> bytes:
        shelf = self._world.shelf
        document = msgspec.json.decode(reply.body)
        place(
            document,
            [
                shelf.put(self._owner, one.data, suffix=one.suffix, sent_share=one.sent_share)
                for one in reply.media
            ],
        )
        return msgspec.json.encode(document)


async def _read(request: web.Request) -> Job:
    try:
        return await read_job(request, request.path.removeprefix("/"))
    except Refusal as refusal:  # A runner says so in other words than a node.
        detail = [{"loc": ["body"], "msg": refusal.answer.text, "type": "value_error"}]
        raise Refusal(json_answer({"detail": detail}, 422)) from refusal


async def _pass_on(request: web.Request, stream: Stream) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    )
    response.enable_chunked_encoding()
    async for event in stream.events:
        if not response.prepared:
            await response.prepare(request)
        await response.write(event)
    if stream.broken:
        hang_up(request)
    else:
        await response.write_eof()
    return response

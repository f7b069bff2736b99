"""The HTTP port: jobs of nine pipelines, the artefacts they made, and everything else 404."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

import msgspec
from aiohttp import web

from exporter.simulation.gateway import messages
from exporter.simulation.gateway.answers import error_answer, job_answer
from exporter.simulation.gateway.artefacts import Artefacts
from exporter.simulation.gateway.attempts import Outcome, WordStream
from exporter.simulation.gateway.clock import Clock
from exporter.simulation.gateway.durations import SECOND, show_duration
from exporter.simulation.gateway.glog import GatewayLog, RequestLog
from exporter.simulation.gateway.orchestrators import SubmitFailed
from exporter.simulation.gateway.panics import Crash, Panicked, panic
from exporter.simulation.gateway.pipelines import BY_PATH, Answer, Pipeline
from exporter.simulation.gateway.process import Empty, Processor, Refused, Unavailable
from exporter.simulation.gateway.requests import BadRequest, Job, decode
from exporter.simulation.gateway.results import Audio, Images
from exporter.simulation.serving import text_answer

_VIDEO: Final = "image-to-video"

JobHook = Callable[[], Awaitable[None]]


class Jobs:
    """Answers requests on the HTTP port. `began` and `ended` are told of every job."""

    def __init__(
        self,
        processor: Processor,
        artefacts: Artefacts,
        log: GatewayLog,
        clock: Clock,
        rng: Random,
        *,
        began: JobHook,
        ended: JobHook,
    ) -> None:
        self._processor = processor
        self._artefacts = artefacts
        self._log = log
        self._clock = clock
        self._rng = rng
        self._began = began
        self._ended = ended
        self._later: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path = request.path
        if path.startswith("/stream/") and request.method in ("GET", "HEAD"):
            return self._artefacts.serve(request, self._log)
        if path == "/image-to-video/result":
            return await self._video_result(request)
        pipeline = BY_PATH.get(path)
        if pipeline is None:
            return text_answer("404 page not found", 404)
        if request.method != "POST":
            self._log.say(messages.METHOD_REFUSED)
            return web.Response()
        try:
            return await self._job(request, pipeline)
        except Panicked as panicked:
            return self._crashed(request, pipeline, panicked.crash)

    async def close(self) -> None:
        """Stop what goes on after its answer."""
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    async def _job(self, request: web.Request, pipeline: Pipeline) -> web.StreamResponse:
        request_id = self._rng.randbytes(4).hex()
        log = RequestLog(self._log, request.remote or "", request_id)
        try:
            job = await decode(request, pipeline)
        except BadRequest as error:
            return _error(log, 400, str(error))
        if pipeline.name == _VIDEO and pipeline.model_field not in job.fields:
            raise Panicked(Crash.NO_MODEL)
        later = pipeline.name == _VIDEO and request.headers.get("Prefer") == "respond-async"
        self._received(log, job, later=later)
        self._know(log, job)
        if later:
            log.say(messages.SAVED_VIDEO_REQUEST, path=request_id)
            task = asyncio.create_task(self._do_later(log, job, request_id))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
            return job_answer({"request_id": request_id}, 202)
        await self._began()
        try:
            return await self._answer(request, log, job, request_id)
        finally:
            await self._ended()

    async def _answer(
        self, request: web.Request, log: RequestLog, job: Job, request_id: str
    ) -> web.StreamResponse:
        started = self._clock.now()
        try:
            result = await self._done(log, job, request_id)
        except Unavailable as error:
            return _error(log, 503, str(error))
        except Refused as error:
            hidden = job.pipeline.answer is Answer.LANGUAGE
            return _error(log, 500 if hidden else 400, str(error))
        except SubmitFailed as error:
            return _error(log, 500, str(error))
        took = show_duration(int((self._clock.now() - started) * SECOND))
        if job.pipeline.answer is Answer.LANGUAGE:
            log.say(messages.PROCESSED_LLM, model=job.model, took=took)
        elif job.pipeline.name == _VIDEO:
            size = len(job.file.data)
            log.say(messages.PROCESSED_VIDEO, size=size, model=job.model, took=took)
        if isinstance(result, WordStream):
            return await _stream(request, result)
        return job_answer(None if isinstance(result, Empty) else result)

    async def _done(self, log: RequestLog, job: Job, request_id: str) -> Outcome | Empty:
        result, url = await self._processor.process(log, job)
        if isinstance(result, Empty):
            if job.pipeline.answer is not Answer.TEXT:
                raise Panicked(Crash.EMPTY_RESULT)
        elif isinstance(result, Images | Audio):
            await self._artefacts.take(log, result, url, request_id)
        return result

    async def _do_later(self, log: RequestLog, job: Job, request_id: str) -> None:
        """The asynchronous form of image-to-video, whose result nobody can ever ask for."""
        try:
            await self._done(log, job, request_id)
        except (Unavailable, Refused, SubmitFailed, Panicked):
            return

    async def _video_result(self, request: web.Request) -> web.Response:
        log = RequestLog(self._log, request.remote or "", "")
        try:
            msgspec.json.decode(await request.read())
        except (msgspec.DecodeError, RecursionError):
            return _error(log, 400, "unexpected EOF")
        return _error(log, 400, "invalid request ID")

    def _received(self, log: RequestLog, job: Job, *, later: bool) -> None:
        if job.pipeline.answer is Answer.LANGUAGE:
            stream = "true" if job.fields["stream"] else "false"
            log.say(messages.RECEIVED_LLM, model=job.model, stream=stream)
        elif job.pipeline.name == _VIDEO:
            size, shown = len(job.file.data), "true" if later else "false"
            log.say(messages.RECEIVED_VIDEO, size=size, model=job.model, later=shown)

    def _know(self, log: RequestLog, job: Job) -> None:
        if job.pipeline.prompt_logged:
            log.know("prompt", job.prompt)
        log.know("capability", job.pipeline.display)
        log.know("model_id", job.model)

    def _crashed(self, request: web.Request, pipeline: Pipeline, crash: Crash) -> web.Response:
        """Close the connection without a response line; the process lives on."""
        transport = request.transport
        peer = "127.0.0.1:0"
        if transport is not None:
            host, port, *_ = transport.get_extra_info("peername") or ("127.0.0.1", 0)
            peer = f"{host}:{port}"
        self._log.standard(panic(pipeline, crash, peer, self._rng))
        if transport is not None:
            transport.close()
        return web.Response()


async def _stream(request: web.Request, words: WordStream) -> web.StreamResponse:
    """Send events on as they come; without the `[DONE]` that others send at the end."""
    headers = {
        "Cache-Control": "no-cache",
        "Connection": "keep-alive",
        "Content-Type": "text/event-stream",
    }
    response = web.StreamResponse(headers=headers)
    response.enable_chunked_encoding()
    events = words.events()
    async for event in events:
        if not response.prepared:
            await response.prepare(request)
        await response.write(b"data: " + msgspec.json.encode(event) + b"\n\n")
        if not event.choices:
            raise Panicked(Crash.NO_CHOICES)
        if event.choices[0].finish_reason:
            break
    await events.aclose()  # type: ignore[attr-defined]
    if not response.prepared:
        await response.prepare(request)
    await response.write_eof()
    return response


def _error(log: RequestLog, status: int, cause: str) -> web.Response:
    """The cause stands in the log in any case."""
    log.say(messages.API_ERROR, code=status, error=cause)
    return error_answer(status, cause)

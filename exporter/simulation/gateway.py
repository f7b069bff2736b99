"""A simulated gateway that is pinned to one orchestrator, off-chain, as a `pinned` lane sees it.

It behaves like a go-livepeer gateway started with `-orchAddr` of one and
`-aiProcessingRetryTimeout 1ms`: one attempt a job, and causes hidden behind a 503.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp import web

from exporter.simulation.advert import no_network_capabilities
from exporter.simulation.orchestrator import VIA_HEADER, SimulatedOrchestrator, World
from exporter.simulation.pools import SessionPools
from exporter.simulation.population import LLM, TEXT_TO_IMAGE
from exporter.simulation.requests import Refusal
from exporter.simulation.serving import (
    LoopbackServer,
    Pace,
    json_answer,
    send_media,
    text_answer,
)

_CONNECT_SECONDS: Final = 3.0
_MEDIA_SECONDS: Final = 4.0
_DEFAULT_PICTURE_MODEL: Final = "stabilityai/sdxl-turbo"
_LANGUAGE_FIELDS: Final = ("model", "messages", "stream", "max_tokens")
_CHAIN_PATHS: Final = (
    "/registeredOrchestrators",
    "/orchestratorInfo",
    "/currentRound",
    "/protocolParameters",
    "/senderInfo",
    "/contractAddresses",
)
_BAD_GATEWAY: Final = (aiohttp.ClientError, TimeoutError, msgspec.DecodeError)

Form = dict[str, Any]


class SimulatedGateway:
    """Jobs and media at `url`, the CLI port at `cli_url`."""

    def __init__(self, name: str, orchestrator: SimulatedOrchestrator, world: World) -> None:
        self.name = name
        self.orchestrator = orchestrator
        self._world = world
        self._pools = SessionPools()
        self._jobs = LoopbackServer(self._handle_job)
        self._cli = LoopbackServer(self._handle_cli)
        self._client: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Base URL of jobs and media."""
        return self._jobs.url

    @property
    def cli_url(self) -> str:
        """Base URL of the CLI port."""
        return self._cli.url

    async def start(self) -> None:
        """Listen on two free ports."""
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            timeout=aiohttp.ClientTimeout(total=None),
            headers={VIA_HEADER: self.name},
            auto_decompress=False,
        )
        await self._jobs.start()
        await self._cli.start()

    async def stop(self) -> None:
        """End all jobs and connections at once."""
        await asyncio.gather(self._jobs.stop(), self._cli.stop())
        if self._client is not None:
            await self._client.close()

    async def _handle_job(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/stream/") and request.method in ("GET", "HEAD"):
            return await send_media(request, self._world.shelf, self.name)
        pipeline = request.path.removeprefix("/")
        if pipeline not in (TEXT_TO_IMAGE, LLM):
            return text_answer("404 page not found", 404)
        if request.method != "POST":
            return web.Response()
        try:
            form = _form(await request.read(), pipeline)
            return await self._job(request, pipeline, form)
        except Refusal as refusal:
            return refusal.answer

    async def _job(self, request: web.Request, pipeline: str, form: Form) -> web.StreamResponse:
        model = form.get("model_id" if pipeline == TEXT_TO_IMAGE else "model")
        if not self.orchestrator.serves(pipeline, str(model)):
            return _unavailable()
        with self._pools.session(pipeline, str(model), self.orchestrator.url) as session:
            pace = Pace(self._world.speed)
            try:
                async with self._forward(pipeline, form) as answer:
                    if answer.status != 200:  # noqa: PLR2004 - OK
                        return _hidden(pipeline, form, answer.status, await answer.read())
                    if pipeline == LLM:
                        response = await _pass_on(request, answer)
                    else:
                        response = await self._pictures(await answer.read())
            except aiohttp.ClientConnectorError:
                await pace.until(_CONNECT_SECONDS)
                return _unavailable()
            except _BAD_GATEWAY:
                return _unavailable()
            session.succeeded = True
            return response

    @asynccontextmanager
    async def _forward(self, pipeline: str, form: Form) -> AsyncIterator[aiohttp.ClientResponse]:
        assert self._client is not None, "the gateway was started"  # noqa: S101 - by start()
        url = f"{self.orchestrator.url}/{pipeline}"
        async with self._client.post(url, data=msgspec.json.encode(form)) as answer:
            yield answer

    async def _pictures(self, body: bytes) -> web.Response:
        """Fetch the media and serve them from here, under the same base names."""
        images = msgspec.json.decode(body)["images"]
        request_id = self._world.shelf.new_id()
        for image in images:
            data = await self._fetch(image["url"])
            if data is None:
                return _error(500, "Internal Server Error")
            path = f"/stream/{request_id}/{image['url'].rpartition('/')[2]}"
            self._world.shelf.put_at(self.name, path, data)
            image["url"] = path
        return json_answer({"images": images})

    async def _fetch(self, path: str) -> bytes | None:
        assert self._client is not None, "the gateway was started"  # noqa: S101 - by start()
        limit = aiohttp.ClientTimeout(total=_MEDIA_SECONDS)
        try:
            url = self.orchestrator.url + path
            async with self._client.get(url, timeout=limit) as answer:
                return await answer.read() if answer.status == 200 else None  # noqa: PLR2004
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def _handle_cli(self, request: web.Request) -> web.StreamResponse:
        if request.path in _CHAIN_PATHS:
            return text_answer("missing ETH client", 500)
        match request.path:
            case "/status":
                return json_answer(self._status())
            case "/getNetworkCapabilities":
                return text_answer(no_network_capabilities(), 500)
            case "/getAISessionPoolsInfo":
                return json_answer(self._pools.info())
            case "/EthChainID":
                return web.Response(text="0")
        return text_answer("404 page not found", 404)

    def _status(self) -> Form:
        url = self.orchestrator.url
        return {
            "Manifests": {},
            "OrchestratorPool": [url],
            "OrchestratorPoolInfos": [{"Url": url, "Score": 1, "Latency": None}],
            "Version": "0.9.1-simulated",
            "RegisteredTranscodersNumber": 0,
            "RegisteredTranscoders": [],
            "LocalTranscoding": True,
            "BroadcasterPrices": {},
        }


def _form(body: bytes, pipeline: str) -> Form:
    """Read a job as the gateway does, with the defaults that it adds. Raises `Refusal`."""
    try:
        form = msgspec.json.decode(body, type=Form)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refusal(_error(400, "unexpected EOF")) from error
    if pipeline == LLM:
        if any(field not in form for field in _LANGUAGE_FIELDS):
            raise Refusal(_error(400, "missing required fields"))
        return form
    defaults = {"width": 512, "height": 512, "num_images_per_prompt": 1, "prompt": ""}
    form = defaults | form
    form["model_id"] = form.get("model_id") or _DEFAULT_PICTURE_MODEL
    return form


async def _pass_on(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Hand a language model's answer through; a stream piece by piece, as it comes."""
    if not answer.content_type.startswith("text/event-stream"):
        return web.Response(body=await answer.read(), content_type="application/json")
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    )
    response.enable_chunked_encoding()
    await response.prepare(request)
    try:
        async for piece in answer.content.iter_any():
            await response.write(piece)
    except aiohttp.ClientPayloadError:
        pass  # A stream that breaks off upstream ends here without a finish reason.
    await response.write_eof()
    return response


def _hidden(pipeline: str, form: Form, status: int, body: bytes) -> web.Response:
    """What is left of the orchestrator's error: only a 400's text, and not for all."""
    if status == 400:  # noqa: PLR2004 - Bad Request
        if pipeline == TEXT_TO_IMAGE:
            return _error(400, f": {_runner_message(body)}")
        if not form.get("stream"):
            return _error(500, "Internal Server Error")
    return _unavailable()


def _runner_message(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["detail"]["msg"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""


def _unavailable() -> web.Response:
    return _error(503, "Service Unavailable Error")


def _error(status: int, message: str) -> web.Response:
    return json_answer({"error": {"message": message}}, status)

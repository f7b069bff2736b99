"""The gateway door of a simulated orchestrator: what a gateway meets at its service URI.

As a real combined node it speaks https with a self-signed certificate, runs no job without a
session that it gave, counts its capacity and loses it where a real one does. Unlike a real one
it speaks HTTP/1.1 and no gRPC: `GetOrchestrator` is asked as JSON.
"""

import asyncio
import hmac
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import msgspec
from aiohttp import web
from eth_utils.address import to_checksum_address

from exporter.simulation.capacity import Hold, LiveCapacity
from exporter.simulation.door import Door
from exporter.simulation.node_answers import PIPELINES, Answer, Crash, node_answer
from exporter.simulation.node_info import Question, info, prices
from exporter.simulation.node_jobs import check_input, read_job
from exporter.simulation.population import OfferedOnly
from exporter.simulation.requests import Refusal
from exporter.simulation.serving import HOST, json_answer, send, send_cut, send_media, text_answer
from exporter.simulation.shelf import KEPT_SECONDS, Shelf
from exporter.simulation.workload import Busy, Job, Media, Reply, Stream, Unpaid, Workload

SESSION_HEADER: Final = "Livepeer-Session"
INFO_PATH: Final = "/net.Orchestrator/GetOrchestrator"
ADDRESS: Final = "0x" + "5e" * 20
_BODY_LIMIT: Final = 64 * 2**20
_TOKEN_BYTES: Final = 16


class SimulatedNode:
    """An orchestrator's node at `url`, in front of a workload.

    `start` after `stop` opens the same port again, with all capacity and none of the old
    sessions. `speed` divides the 10 minutes for which results are kept. `address` is the node's
    own key, `recipient` who is paid. With `priced` it tells its prices and what tickets it takes,
    as a node does on-chain.
    """

    def __init__(
        self,
        workload: Workload,
        *,
        host: str = HOST,
        port: int = 0,
        address: str = ADDRESS,
        recipient: str | None = None,
        version: str = "0.9.1",
        offered: Sequence[OfferedOnly] = (),
        capacity: LiveCapacity | None = None,
        priced: bool = False,
        base_price: int = 100,
        speed: float = 1.0,
        rng: Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.workload = workload
        self.address = address
        self.recipient = recipient or address
        self.version = version
        self.offered = offered
        self.capacity = capacity or LiveCapacity(workload.models)
        self.priced = priced
        self.base_price = base_price
        self.reported_uri: str | None = None
        """The service URI that it reports, if that is not its own."""
        self.sender_refusal: str | None = None
        """Why it refuses to deal with a sender, such as `insufficient sender reserve`."""
        self.payment_refusal: str | None = None
        """Why it refuses the payment of each job, such as `Insufficient balance`."""
        self.vanishes = False
        """Whether it is gone once it was asked for all that it offers."""
        self._vanishing: asyncio.Task[None] | None = None
        self._rng = rng or Random()  # noqa: S311 - names of files, and tokens that guard nothing
        self._shelf = Shelf(self._rng, kept_seconds=KEPT_SECONDS / speed, clock=clock)
        self._secret = b""
        self._door = Door(self._handle, host, port, _BODY_LIMIT)

    @property
    def url(self) -> str:
        """Its own service URI. Raises `RuntimeError` before `start`."""
        return f"https://{self._door.host}:{self._door.port}"

    @property
    def port(self) -> int:
        """Its port. Raises `RuntimeError` before `start`."""
        return self._door.port

    @property
    def silent(self) -> bool:
        """Whether it accepts connections and says nothing; may be set at any time."""
        return self._door.silent

    @silent.setter
    def silent(self, silent: bool) -> None:
        self._door.silent = silent

    async def start(self) -> None:
        """Listen. Raises `OSError` if the port is taken."""
        self._secret = self._rng.randbytes(_TOKEN_BYTES)
        self.capacity.restore()
        await self._door.open()

    async def stop(self) -> None:
        """Close the port and end all jobs and connections at once; safe to call twice."""
        await self._door.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.removeprefix("/") in PIPELINES:
            return await self._take(request)
        if request.path.startswith("/stream/") and request.method in ("GET", "HEAD"):
            return await send_media(request, self._shelf, self.address)
        if request.path == INFO_PATH and request.method == "POST":
            return await self._tell(request)
        if request.path == "/discovery" and request.method == "GET":
            return text_answer("live runners are not supported", 404)
        return text_answer("404 page not found", 404)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response()  # The request is found wrong, and nobody says so.
        try:
            job = await read_job(request, request.path.removeprefix("/"))
            return await self._job(request, job)
        except Refusal as refusal:
            return refusal.answer
        except Crash:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()

    async def _tell(self, request: web.Request) -> web.Response:
        try:
            wanted = msgspec.json.decode(await request.read(), type=Question)
        except (msgspec.DecodeError, RecursionError) as error:
            return json_answer({"error": str(error)}, 400)
        answer = await send(request, self._info(wanted))
        if self.vanishes and wanted.model is None:
            self._vanishing = asyncio.create_task(self.stop())
        return answer

    def _info(self, wanted: Question) -> web.Response:
        if self.sender_refusal is not None:
            return json_answer({"error": self.sender_refusal}, 403)
        models = self.workload.models
        told = info(wanted, models, self.offered, self.version, self.capacity.shown)
        told["transcoder"] = self.reported_uri or self.url
        told["address"] = to_checksum_address(self.address)
        told["auth_token"] = self._token(self._rng.randbytes(_TOKEN_BYTES))
        if self.priced:
            told |= prices(wanted, models, self.offered, self.base_price, self.recipient)
        return json_answer(told)

    def _offers(self, key: tuple[str, str]) -> bool:
        return any((model.pipeline, model.model) == key for model in self.workload.models)

    async def _job(self, request: web.Request, job: Job) -> web.StreamResponse:
        self._check_session(request.headers.get(SESSION_HEADER))
        if not job.model:
            raise Crash
        check_input(job)
        key = (job.pipeline, job.model)
        if self.capacity.free(key) == 0:
            if self._offers(key):
                self.workload.turned_away(job)
            raise Refusal(text_answer("insufficient capacity", 503))
        if self.payment_refusal is not None:
            raise Refusal(text_answer(self.payment_refusal, 400))
        with self.capacity.hold(key) as hold:
            try:
                outcome = await self.workload.work(job)
            except Busy:
                raise Refusal(text_answer("insufficient capacity", 503)) from None
            except Unpaid as unpaid:
                raise Refusal(text_answer(str(unpaid), 400)) from None
            if isinstance(outcome, Stream):
                return await _pass_on(request, outcome)
            answer = self._answer(job, outcome, hold)
        if outcome.sent_share < 1:
            sent = int(len(answer.body) * outcome.sent_share)
            return await send_cut(request, answer.body, "application/json", sent)
        return await send(request, _response(answer))

    def _answer(self, job: Job, reply: Reply, hold: Hold) -> Answer:
        try:
            return node_answer(job, reply, self._keep)
        except Crash:
            hold.lost = True
            raise

    def _keep(self, media: Sequence[Media]) -> list[str]:
        """Keep files as a combined node does: all of one job under one name, the last one wins."""
        path = f"/stream/{self._shelf.new_id()}/{self._shelf.new_id()}.{media[0].suffix}"
        for item in media:
            self._shelf.put_at(self.address, path, item.data, sent_share=item.sent_share)
        return [path for _ in media]

    def _token(self, session: bytes) -> str:
        return (session + hmac.digest(self._secret, session, "sha256")).hex()

    def _check_session(self, token: str | None) -> None:
        if not token:
            raise Refusal(text_answer("missing auth token", 403))
        try:
            session = bytes.fromhex(token)[:_TOKEN_BYTES]
        except ValueError:
            session = b""
        if not hmac.compare_digest(self._token(session).encode(), token.encode()):
            raise Refusal(text_answer("invalid auth token", 403))


def _response(answer: Answer) -> web.Response:
    if answer.status == 200:  # noqa: PLR2004 - OK
        return web.Response(body=answer.body, content_type="application/json")
    return text_answer(answer.body.decode().removesuffix("\n"), answer.status)


async def _pass_on(request: web.Request, stream: Stream) -> web.StreamResponse:
    """Send tokens as they come; of a stream that breaks off the client only sees the end."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-cache",
            "Connection": "keep-alive",
        }
    )
    response.enable_chunked_encoding()
    await response.prepare(request)
    async for event in stream.events:
        await response.write(event)
    await response.write_eof()
    return response

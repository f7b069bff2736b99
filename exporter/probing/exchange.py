"""One job's talk with its endpoint: the request, the answer, the media; nothing is judged."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urljoin

import httpx
import msgspec

from exporter.model import LaneKind, Outcome
from exporter.pipelines.data_url import decode_data_url, is_data_url
from exporter.pipelines.job import Answer, InvalidResponse, Media, Pipeline, Prepared
from exporter.pipelines.token_stream import TokenStream
from exporter.probing.classify import classify
from exporter.probing.failure import ForbiddenAddressError, TransportFailure
from exporter.probing.lanes import Lane
from exporter.probing.secrecy import Secrecy
from exporter.probing.transport import origin_of
from exporter.probing.wire import Wire
from exporter.settings import Limits

ERROR_BODY_LIMIT = 64 * 1024
STREAM_LIMIT = 2 * 2**20
"""Bytes of a token stream; it is read on the event loop, and no test asks for so many tokens."""
FED_AT_ONCE = 2048
"""Bytes of a token stream that are read in one go: well under a millisecond, whatever they are."""
OFF_LOOP = 128 * 1024
"""Answers larger than this many bytes are parsed in a thread, so that stamps stay true."""

_ALWAYS = {"Accept-Encoding": "identity"}
_CANNOT_CONNECT = frozenset(
    {Outcome.DNS_FAILED, Outcome.CONNECT_REFUSED, Outcome.CONNECT_TIMEOUT, Outcome.TLS_FAILED}
)


class Exchanged(msgspec.Struct, kw_only=True):
    """How far the exchange came; filled in as it goes, so that a failure leaves what there was."""

    status: int | None = None
    answer: Answer | None = None
    stream: TokenStream | None = None
    media: tuple[Media, ...] = ()


class Exchange:
    """Sends one prepared job over a lane and takes in the answer and its media, within limits."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        wire: Wire,
        lane: Lane,
        limits: Limits,
    ) -> None:
        self._client = client
        self._wire = wire
        self._lane = lane
        self._limits = limits
        token = () if lane.token is None else (lane.token,)
        self.secrets = Secrecy((*token, *(value for _, value in lane.headers)))
        """To be asked about every text of the answer that is kept."""
        self.result = Exchanged()

    async def run(self, prepared: Prepared, pipeline: Pipeline) -> None:
        """Do it all; `result` has what came of it.

        Raises `TransportFailure` with the outcome for everything that went wrong; its message
        tells none of the lane's secrets.
        """
        try:
            await self._run(prepared, pipeline)
        except TransportFailure as failure:
            failure.message = self.secrets.hide(failure.message)
            failure.args = (failure.message,)
            raise

    async def _run(self, prepared: Prepared, pipeline: Pipeline) -> None:
        try:
            await self._ask(prepared)
        except TransportFailure as failure:
            self._wire.answer_failed()
            if failure.outcome is Outcome.INVALID_RESPONSE:
                failure.outcome = self._no_answer
            raise
        except (httpx.InvalidURL, UnicodeError) as error:
            unusable = Outcome.TESTER_ERROR if self._lane.trusted else Outcome.DNS_FAILED
            raise TransportFailure(unusable, f"the URL cannot be used: {error}") from error
        except httpx.HTTPError as error:
            self._wire.answer_failed()
            raise TransportFailure(self._no_answer, f"not HTTP as it should be: {error}") from error
        await self._fetch_media(pipeline)

    @property
    def _no_answer(self) -> Outcome:
        """The outcome of what is no HTTP answer of the promised kind, whatever its body says.

        Behind a gateway no orchestrator has a hand in that.
        """
        direct = self._lane.kind is LaneKind.DIRECT
        return Outcome.INVALID_RESPONSE if direct else Outcome.GATEWAY_ERROR

    async def _ask(self, prepared: Prepared) -> None:
        request, result, wire = prepared.request, self.result, self._wire
        if not self._lane.trusted:
            wire.guard.check_url(self._lane.url)
        headers = self._headers(request.headers)
        url = self._lane.url + request.path
        wire.timeline.note(f"POST {url} with {len(request.body)} bytes")
        async with self._client.stream(
            "POST", url, content=request.body, headers=headers
        ) as response:
            result.status = response.status_code
            if response.status_code != httpx.codes.OK:
                raise await self._refused(response)
            _refuse_encoding(response)
            result.stream = TokenStream() if request.stream else None
            limit = self._limits.response_bytes
            if result.stream is not None:
                limit = min(limit, STREAM_LIMIT)
            body = await self._body(response, limit, result.stream)
        end = None
        if result.stream is not None:
            result.stream.finish(wire.last_byte or wire.timeline.clock())
            end = result.stream.last_content
        wire.answer_ended(end)
        wire.timeline.note(f"answer of {len(body)} bytes", wire.last_byte)
        result.answer = Answer(
            body=body,
            status=response.status_code,
            content_type=response.headers.get("content-type"),
        )

    async def _body(
        self, response: httpx.Response, limit: int, stream: TokenStream | None = None
    ) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_raw():
            size += len(part)
            if size > limit:
                raise TransportFailure(
                    Outcome.RESPONSE_TOO_LARGE,
                    f"the answer is larger than {limit} bytes, the limit of this tester",
                )
            parts.append(part)
            if stream is not None:
                await self._feed(stream, part)
        return b"".join(parts)

    async def _feed(self, stream: TokenStream, part: bytes) -> None:
        """Read on in the stream, in steps so short that no other job's stamps come late."""
        at = self._wire.last_byte or self._wire.timeline.clock()
        for start in range(0, len(part), FED_AT_ONCE):
            if start:
                await asyncio.sleep(0)
            stream.feed(part[start : start + FED_AT_ONCE], at)

    async def _refused(self, response: httpx.Response) -> TransportFailure:
        """The failure that a status other than 200 is; its body's first bytes say why."""
        body = b""
        try:
            async for part in response.aiter_raw():
                body += part
                if len(body) > ERROR_BODY_LIMIT:
                    break
        except TransportFailure as error:
            message = self.secrets.hide(error.message)
            self._wire.timeline.note(f"the error's body broke off: {message}")
        # Before it is cut to a bound, or half a secret might stay.
        body = self.secrets.hide(body.decode("utf-8", "replace")).encode()
        outcome, message = classify(self._lane.kind, response.status_code, body)
        return TransportFailure(outcome, message)

    async def _fetch_media(self, pipeline: Pipeline) -> None:
        answer = self.result.answer
        if answer is None:
            return
        try:
            if len(answer.body) > OFF_LOOP:
                urls = await asyncio.to_thread(pipeline.media_urls, answer.body)
            else:
                urls = pipeline.media_urls(answer.body)
        except InvalidResponse as error:
            # The proof finds the same, and keeps a record of it.
            self._wire.timeline.note(f"no media to fetch: {self.secrets.hide(str(error))}"[:200])
            return
        if not urls:
            return
        self._wire.begin_media()
        self.result.media = tuple([await self._medium(url) for url in urls])
        self._wire.end_media()
        self.result.answer = msgspec.structs.replace(answer, media=self.result.media)

    async def _medium(self, url: str) -> Media:
        if is_data_url(url):
            return await self._inline(url)
        absolute = urljoin(self._lane.url + "/", url)
        wire = self._wire
        wire.timeline.note(self.secrets.hide(f"GET {absolute}")[:200])
        try:
            wire.guard.check_url(absolute)
            return await self._get_afresh(url, absolute)
        except ForbiddenAddressError as error:
            raise TransportFailure(
                Outcome.INVALID_ARTEFACT, f"the answer points at media we do not fetch: {error}"
            ) from error
        except (httpx.InvalidURL, httpx.HTTPError, ValueError) as error:
            raise TransportFailure(
                Outcome.INVALID_ARTEFACT, f"the media's URL cannot be used: {error}"
            ) from error
        except TransportFailure as error:
            if error.outcome in _CANNOT_CONNECT:
                raise TransportFailure(
                    Outcome.DOWNLOAD_FAILED,
                    f"the media's host: {error.message}",
                    doubtful=error.doubtful,
                ) from error
            raise

    async def _get_afresh(self, url: str, absolute: str) -> Media:
        """Fetch the media; once more, where a connection that lay idle turns out to be closed.

        A server may close an idle connection at any moment, and its notice may cross our request:
        that is how HTTP works and nobody's failure, as long as not a byte was answered.
        """
        wire = self._wire
        before, connections = wire.received_bytes, wire.connections
        try:
            return await self._get(url, absolute)
        except TransportFailure as error:
            lost = error.outcome is Outcome.DOWNLOAD_FAILED
            if not lost or wire.received_bytes != before or wire.connections != connections:
                raise
            wire.timeline.note("the idle connection was closed: once more on a new one")
            return await self._get(url, absolute)

    async def _get(self, url: str, absolute: str) -> Media:
        ours = same_origin(absolute, self._lane.url)
        headers = self._headers({}) if ours else httpx.Headers(_ALWAYS)
        async with self._client.stream("GET", absolute, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                raise TransportFailure(
                    Outcome.DOWNLOAD_FAILED, f"the media answered status {response.status_code}"
                )
            _refuse_encoding(response)
            body = await self._body(response, self._limits.artefact_bytes)
            self._wire.timeline.note(f"media of {len(body)} bytes", self._wire.last_byte)
            return Media(url=url, content_type=response.headers.get("content-type"), body=body)

    def _headers(self, of_job: Mapping[str, str]) -> httpx.Headers:
        """The headers of a request to the lane's own origin: the job's, the lane's, ours."""
        headers = httpx.Headers(of_job)
        for name, value in self._lane.headers:
            headers[name] = value.get_secret_value()
        if self._lane.token is not None:
            headers["Authorization"] = f"Bearer {self._lane.token.get_secret_value()}"
        headers.update(_ALWAYS)
        return headers

    async def _inline(self, url: str) -> Media:
        if self._lane.kind is not LaneKind.DIRECT:
            raise TransportFailure(
                Outcome.INVALID_ARTEFACT, "a gateway gives media by URL, this answer carries it"
            )
        try:
            content_type, body = await asyncio.to_thread(
                decode_data_url, url, self._limits.artefact_bytes
            )
        except InvalidResponse as error:
            raise TransportFailure(Outcome.INVALID_ARTEFACT, str(error)) from error
        return Media(url=url[:64], content_type=content_type, body=body)


def same_origin(url: str, base: str) -> bool:
    """Whether both name the same scheme, host and port, as the request itself will read them.

    Raises `httpx.InvalidURL` for what no request can be sent to.
    """
    first, second = httpx.URL(url), httpx.URL(base)
    return (first.scheme, origin_of(first)) == (second.scheme, origin_of(second))


def _refuse_encoding(response: httpx.Response) -> None:
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise TransportFailure(
            Outcome.INVALID_RESPONSE,
            f"the answer is encoded as {encoding[:40]!r} though no encoding was accepted",
        )

"""One attempt at one orchestrator: check the input, pay, send, read the typed answer."""

from collections.abc import AsyncIterator
from random import Random
from typing import Any, Final

import aiohttp
import msgspec

from exporter.simulation.gateway import messages, results
from exporter.simulation.gateway.chain import PaymentRefused, Purse
from exporter.simulation.gateway.clock import Clock
from exporter.simulation.gateway.glog import RequestLog, quote
from exporter.simulation.gateway.measures import Unmeasurable, measured, steps
from exporter.simulation.gateway.metrics import Metrics
from exporter.simulation.gateway.orchestrators import Answered, Orchestrators, SubmitFailed
from exporter.simulation.gateway.pipelines import Answer
from exporter.simulation.gateway.requests import Job
from exporter.simulation.gateway.sessions import Session
from exporter.simulation.gateway.tweaks import GatewayTweaks

_OK: Final = 200
_NO_CAPACITY: Final = 503
_DIALLED: Final = "connect: "
_MEASURING_SECONDS: Final = 0.008
_ATTEMPT_SECONDS: Final = (0.00105, 0.0013)
_NO_CAPACITY_SECONDS: Final = (0.0003, 0.0013)


Body = aiohttp.FormData | aiohttp.JsonPayload


class WordStream:
    """A language model's answer that is still coming."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def events(self) -> AsyncIterator[results.Words]:
        """The events, until the stream ends or breaks off."""
        try:
            async for line in self._answer.content:
                text = line.strip()
                if not text.startswith(b"data:"):
                    continue
                data = text.removeprefix(b"data:").strip()
                if data == b"[DONE]":
                    return
                try:
                    yield msgspec.convert(msgspec.json.decode(data), type=results.Words)
                except msgspec.DecodeError:
                    continue
        except (aiohttp.ClientError, OSError, ValueError):
            return
        finally:
            self._answer.close()


Outcome = results.Result | WordStream


class Submitter:
    """Sends jobs for a gateway."""

    def __init__(
        self,
        orchestrators: Orchestrators,
        purse: Purse,
        clock: Clock,
        *,
        tweaks: GatewayTweaks,
        metrics: Metrics,
        rng: Random,
    ) -> None:
        self._orchestrators = orchestrators
        self._purse = purse
        self._clock = clock
        self._tweaks = tweaks
        self._metrics = metrics
        self._rng = rng

    async def submit(self, log: RequestLog, job: Job, session: Session) -> Outcome:
        """Do one attempt. Raises `SubmitFailed` with the text of the log."""
        self._metrics.requested(job.pipeline.name, job.model)
        outcome = await self._submit(log, job, session)
        self._metrics.succeeded(
            job.pipeline.name,
            job.model,
            uri=session.url,
            address=session.info.address,
            score=session.latency_score,
        )
        return outcome

    async def _submit(self, log: RequestLog, job: Job, session: Session) -> Outcome:
        if job.pipeline.file == "audio":
            await self._clock.sleep(_MEASURING_SECONDS)
        try:
            units, added = measured(job)
        except Unmeasurable as error:
            raise SubmitFailed(str(error)) from error
        headers = self._headers(log, session, units)
        started = self._clock.now()
        await self._refuse_payment()
        try:
            answer = await self._send(job, session, headers, _body(job, added))
        except SubmitFailed as failed:
            if _DIALLED not in str(failed):
                await self._last(started, _ATTEMPT_SECONDS)
            raise
        session.latency_score = (self._clock.now() - started) / max(1, units) / steps(job)
        if isinstance(answer, WordStream):
            return answer
        full = answer.status == _NO_CAPACITY
        await self._last(started, _NO_CAPACITY_SECONDS if full else _ATTEMPT_SECONDS)
        return _result(job, answer)

    async def _send(
        self, job: Job, session: Session, headers: dict[str, str], body: Body
    ) -> Answered | WordStream:
        path = job.pipeline.path
        answer = await self._orchestrators.submit(session.url, path, headers, body)
        streams = job.pipeline.answer is Answer.LANGUAGE and job.fields["stream"]
        if streams and answer.status == _OK:
            return WordStream(answer)
        try:
            return await self._orchestrators.read(session.url, path, answer)
        finally:
            answer.release()

    async def _refuse_payment(self) -> None:
        """A refusal of the orchestrator's that is scripted here. Raises `SubmitFailed`."""
        tweaks = self._tweaks
        if tweaks.expired_tickets > 0:
            tweaks.expired_tickets -= 1
            words = "TicketParams expired"
        elif tweaks.refused_payments > 0:
            tweaks.refused_payments -= 1
            words = tweaks.payment_refusal
        else:
            return
        await self._clock.sleep(_ATTEMPT_SECONDS[1])
        raise SubmitFailed(words)

    async def _last(self, started: float, bounds: tuple[float, float]) -> None:
        """Be no quicker than a real node, since retry limits of 1 ms are in use."""
        left = started + self._rng.uniform(*bounds) - self._clock.now()
        if left > 0:
            await self._clock.sleep(left)

    def _headers(self, log: RequestLog, session: Session, units: int) -> dict[str, str]:
        try:
            return self._purse.pay(session, units)
        except PaymentRefused as refused:
            log.say(messages.NO_PAYMENT, error=quote(refused))
            raise SubmitFailed(str(refused)) from refused


def _body(job: Job, added: dict[str, Any]) -> Body:
    fields = job.fields | added
    if not job.pipeline.multipart:
        return aiohttp.JsonPayload(fields)
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, str(value))
    form.add_field(
        job.pipeline.file,
        job.file.data,
        filename=job.file.name,
        content_type=job.file.kind,
    )
    return form


def _result(job: Job, whole: Answered) -> results.Result:
    language = job.pipeline.answer is Answer.LANGUAGE
    if whole.status != _OK:
        if language:
            raise SubmitFailed(f"unexpected status code: {whole.status}, body: {whole.text}")
        raise SubmitFailed(whole.text)
    if not whole.json and not language:
        raise SubmitFailed(whole.text)
    try:
        return results.read(job.pipeline.name, whole.body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise SubmitFailed("invalid character '<' looking for beginning of value") from error

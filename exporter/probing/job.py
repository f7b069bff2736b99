"""One job's run: prepared, exchanged, proven, judged, and made a measurement."""

import asyncio
import contextlib
import logging
import random
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Protocol

import httpx
import msgspec

from exporter import __version__
from exporter.model import (
    LaneKind,
    Measurement,
    Offer,
    Origin,
    Outcome,
    Phases,
    Tokens,
)
from exporter.pipelines.job import Answer, Expectation, Pipeline, Prepared, Verdict
from exporter.pipelines.seen import Seen
from exporter.probing.blame import Circumstances, judge
from exporter.probing.connectivity import Connectivity
from exporter.probing.exchange import Exchange, Exchanged
from exporter.probing.failure import TransportFailure
from exporter.probing.guard import Guard
from exporter.probing.handshake import Reach, host_and_port, reach
from exporter.probing.lag import LoopLag
from exporter.probing.lanes import Lane
from exporter.probing.resolve import Resolver
from exporter.probing.timeline import Timeline
from exporter.probing.transport import TimedTransport
from exporter.probing.wire import Wire
from exporter.settings import Limits

USER_AGENT = f"livepeer-exporter/{__version__}"

log = logging.getLogger(__name__)


class Proofs(Protocol):
    """Where answers are proven, away from the event loop."""

    async def prove(self, pipeline: str, expectation: Expectation, answer: Answer) -> Verdict:
        """Judge an answer; never raises for what the answer holds."""
        ...


class JobRunner:
    """Runs jobs. Whatever happens, every run gives exactly one measurement."""

    def __init__(
        self,
        *,
        tester: str,
        region: str,
        limits: Limits,
        pipelines: Mapping[str, Pipeline],
        proofs: Proofs,
        seen: Seen,
        resolver: Resolver,
        guard: Guard,
        connectivity: Connectivity | None,
        lag: LoopLag,
        tls: ssl.SSLContext,
        rng: random.Random | None = None,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._tester = tester
        self._region = region
        self._limits = limits
        self._pipelines = pipelines
        self._proofs = proofs
        self._seen = seen
        self._resolver = resolver
        self._guard = guard
        self._connectivity = connectivity
        self._lag = lag
        self._tls = tls
        self._rng = rng or random.SystemRandom()
        self._new_id = new_id

    async def run(self, offer: Offer, lane: Lane, *, due: int, number: int | None) -> Measurement:
        """Run one job on the offer's target over the lane.

        `due` is the monotonic stamp at which it was to start, `number` the round's. When the task
        is cancelled, the job ends as `cancelled` and its measurement is given all the same.
        """
        pipeline = self._pipelines[offer.target.pipeline]
        prepared = pipeline.prepare(offer.target.model, self._rng)
        job = _Job(self._new_id(), time.time_ns(), prepared, Timeline())
        wire = Wire(job.timeline, self._limits, self._guard, streaming=prepared.request.stream)
        job.wire = wire
        try:
            await self._exchange(job, wire, lane, pipeline)
            if job.verdict is None:
                job.verdict = await self._prove(job, pipeline)
            job.reach, job.network_up = await self._look_around(job, offer, lane)
        except asyncio.CancelledError:
            if job.verdict is None or job.verdict.outcome is not Outcome.OK:
                job.verdict = Verdict(outcome=Outcome.CANCELLED, message="the tester was stopped")
            _uncancel()
        except Exception as error:
            log.exception("a job failed in a way that it never should", extra={"job": job.id})
            job.verdict = Verdict(
                outcome=Outcome.TESTER_ERROR, message=f"{type(error).__name__} in the tester"
            )
        return self._measurement(job, offer, lane, due=due, number=number)

    async def _exchange(self, job: "_Job", wire: Wire, lane: Lane, pipeline: Pipeline) -> None:
        transport = TimedTransport(
            wire, resolver=self._resolver, tls=self._tls, trusted=lane.trusted
        )
        async with httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - the wire has a limit for each stage
            headers={"User-Agent": USER_AGENT},
        ) as client:
            exchange = Exchange(client, wire, lane, self._limits)
            job.exchanged = exchange.result
            try:
                await exchange.run(job.prepared, pipeline)
            except TransportFailure as failure:
                job.timeline.note(f"{failure.outcome}: {failure.message}")
                job.verdict = Verdict(outcome=failure.outcome, message=failure.message)
                job.doubtful = failure.doubtful
        job.phases = job.timeline.phases(complete=job.verdict is None)

    async def _prove(self, job: "_Job", pipeline: Pipeline) -> Verdict:
        answer = job.exchanged.answer
        if answer is None:
            return Verdict(outcome=Outcome.TESTER_ERROR, message="there is no answer to prove")
        verdict = await self._proofs.prove(pipeline.name, job.prepared.expectation, answer)
        for artefact in verdict.artefacts if verdict.outcome is Outcome.OK else ():
            earlier = self._seen.replay_of(artefact, job.id)
            self._seen.add(artefact, job.id)
            if earlier is not None:
                verdict = msgspec.structs.replace(
                    verdict,
                    outcome=Outcome.WRONG_ANSWER,
                    message="the answer was given before, to another job",
                    evidence=(*verdict.evidence, f"same artefact as in job {earlier}"),
                )
        job.timeline.note(f"proof: {verdict.outcome} {verdict.message}".rstrip())
        return verdict

    async def _look_around(
        self, job: "_Job", offer: Offer, lane: Lane
    ) -> tuple[Reach | None, bool | None]:
        """Handshakes to the service URI and, where the job failed, the tester's own network."""
        verdict = job.verdict
        ok = verdict is not None and verdict.outcome is Outcome.OK
        uri = offer.service_uri or (lane.url if lane.kind is LaneKind.DIRECT else None)
        if uri is None:
            return None, None
        endpoint = host_and_port(uri)
        guarded = endpoint not in lane.trusted and not offer.named_by_operator
        reached = reach(
            *endpoint,
            resolver=self._resolver,
            guard=self._guard if guarded else None,
            timeout=self._limits.connect,
        )
        if ok or self._connectivity is None:
            if ok and self._connectivity is not None:
                self._connectivity.saw(*endpoint, trusted=not guarded)
            return await reached, None
        found, up = await asyncio.gather(reached, self._connectivity.holds(endpoint))
        if found.error:
            job.timeline.note(f"handshake to {uri}: {found.error}")
        return found, up

    def _measurement(
        self, job: "_Job", offer: Offer, lane: Lane, *, due: int, number: int | None
    ) -> Measurement:
        verdict = job.verdict or Verdict(outcome=Outcome.TESTER_ERROR, message="no verdict")
        wire, exchanged = job.wire, job.exchanged
        judgement = judge(
            verdict.outcome,
            Circumstances(
                lane=lane.kind,
                connected=wire is not None and wire.peer is not None,
                handshake=None if job.reach is None else job.reach.reached,
                network_up=job.network_up,
                doubtful=job.doubtful,
            ),
        )
        ok = verdict.outcome is Outcome.OK
        phases = job.phases or job.timeline.phases(complete=False)
        if not ok:
            phases = msgspec.structs.replace(phases, round_trip=None)
        return Measurement(
            id=job.id,
            origin=Origin.OWN,
            tester=self._tester,
            region=self._region,
            orchestrator=offer.target.orchestrator,
            pipeline=offer.target.pipeline,
            model=offer.target.model,
            started_at=job.started_at,
            outcome=verdict.outcome,
            blame=judgement.blame,
            message=verdict.message,
            evidence=verdict.evidence + judgement.evidence,
            phases=phases,
            round=number,
            lane=lane.kind,
            lane_name=lane.name,
            service_uri=offer.service_uri,
            address=wire.peer if wire else None,
            http_status=exchanged.status,
            model_is_warm=offer.warm,
            price_per_unit=offer.price_per_unit,
            gpu=offer.hardware[0].name if offer.hardware else None,
            node_version=offer.node_version,
            queue_time=max(job.timeline.start - due, 0),
            network_rtt=job.reach.rtt if job.reach else None,
            loop_lag=self._lag.worst_since(job.timeline.start),
            unit=job.prepared.unit,
            units=job.prepared.units if verdict.units is None else verdict.units,
            request_bytes=wire.sent_bytes if wire and wire.sent_bytes else None,
            response_bytes=wire.received_bytes if wire and wire.received_bytes else None,
            artefacts=verdict.artefacts,
            tokens=_tokens(job, verdict),
            proof=verdict.proof,
            request=job.prepared.request.summary,
            response=verdict.response,
            steps=job.timeline.steps,
        )


class _Job:
    """What is gathered while one job runs."""

    def __init__(self, id_: str, started_at: int, prepared: Prepared, timeline: Timeline) -> None:
        self.id = id_
        self.started_at = started_at
        self.prepared = prepared
        self.timeline = timeline
        self.wire: Wire | None = None
        self.exchanged = Exchanged()
        self.phases: Phases | None = None
        self.verdict: Verdict | None = None
        self.reach: Reach | None = None
        self.network_up: bool | None = None
        self.doubtful = False


def _tokens(job: _Job, verdict: Verdict) -> Tokens | None:
    """The proof's count of tokens, with the times that only the stream's stamps can tell."""
    stream, wire = job.exchanged.stream, job.wire
    if stream is None or wire is None or wire.upload_end is None or verdict.tokens is None:
        return verdict.tokens
    return stream.tokens(wire.upload_end, verdict.tokens)


def _uncancel() -> None:
    task = asyncio.current_task()
    if task is not None:
        with contextlib.suppress(RuntimeError):
            task.uncancel()

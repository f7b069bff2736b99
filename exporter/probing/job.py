"""One job's run: prepared, exchanged, proven, judged, and made a measurement."""

import asyncio
import contextlib
import logging
import random
import ssl
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping
from typing import Protocol

import httpx
import msgspec

from exporter import __version__
from exporter.model import (
    NANOSECONDS,
    Blame,
    LaneKind,
    Measurement,
    Offer,
    Origin,
    Outcome,
    Phases,
    Tokens,
)
from exporter.pipelines.job import (
    Answer,
    CannotMakeError,
    Expectation,
    Order,
    Pipeline,
    Prepared,
    Request,
    Verdict,
)
from exporter.pipelines.seen import Seen
from exporter.probing.blame import Circumstances, judge
from exporter.probing.connectivity import Connectivity
from exporter.probing.evidence import Found, Witness
from exporter.probing.exchange import Exchange, Exchanged
from exporter.probing.failure import TransportFailure
from exporter.probing.guard import Guard
from exporter.probing.handshake import Reach, greeting_tls, host_and_port, reach
from exporter.probing.lag import LoopLag
from exporter.probing.lanes import Lane
from exporter.probing.resolve import Resolver
from exporter.probing.scheduling.fees import estimated_fee
from exporter.probing.scheduling.run_job import Ran
from exporter.probing.secrecy import Secrecy
from exporter.probing.timeline import Timeline
from exporter.probing.transport import TimedTransport
from exporter.probing.wire import Wire
from exporter.probing.witness import Like, LikeLanes
from exporter.settings import Limits

USER_AGENT = f"livepeer-exporter/{__version__}"
LAST_WORDS = 0.2
"""Seconds that an answer gets to arrive from a gateway that has ended."""
AT_ONCE = 50_000_000
"""Nanoseconds within which a gateway's 503 is confirmed by a repeat: it may have tried nobody."""

log = logging.getLogger(__name__)


class Proofs(Protocol):
    """Where payloads are made and answers proven, away from the event loop."""

    async def prepare(self, order: Order) -> Prepared:
        """Make the job that is ordered. Raises `CannotMakeError`."""
        ...

    async def prove(self, pipeline: str, expectation: Expectation, answer: Answer) -> Verdict:
        """Judge an answer; never raises for what the answer holds."""
        ...


class Keep(Protocol):
    """Has the answer of a judged job kept, or not; returns at once and never raises."""

    def __call__(
        self, measurement: Measurement, answer: Answer, secrecy: Secrecy, request: Request
    ) -> None:
        """Take it, with what was asked; `secrecy` knows what must not be kept."""
        ...


LAG_ALLOWED = 0.25
LAG_SHARE = 0.05
"""Seconds, and share of the stage's limit, by which our own loop may be late before a time that
ran out is taken for our own doing."""
_LIMIT_OF = {
    Outcome.CONNECT_TIMEOUT: "connect",
    Outcome.UPLOAD_TIMEOUT: "upload",
    Outcome.INFERENCE_TIMEOUT: "inference",
    Outcome.DOWNLOAD_TIMEOUT: "download",
    Outcome.CONNECTION_CLOSED: "inference",
}


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
        witness: Witness | None = None,
        like_lanes: LikeLanes | None = None,
        shared: Callable[[Offer], bool] = lambda _: False,
        keep: Keep | None = None,
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
        self._greeting = greeting_tls()
        self._witness = witness or Witness()
        self._like_lanes = like_lanes or LikeLanes()
        self._shared = shared
        self._keep = keep
        self._rng = rng or random.SystemRandom()
        self._new_id = new_id

    async def run(
        self,
        offer: Offer,
        lane: Lane,
        *,
        due: int,
        number: int | None,
        repeats: str | None = None,
        busy_counts: bool = False,
    ) -> Ran:
        """Run one job on the offer's target over the lane.

        `due` is the monotonic stamp at which it was to start, `number` the round's, `repeats` the
        id of the measurement that it repeats. With `busy_counts` a refusal for want of capacity is
        the orchestrator's. When the task is cancelled, the job ends as `cancelled` and its
        measurement is given all the same.
        """
        await self._witness.let_ask(lane)
        if self._shared(offer):
            await self._witness.let_list(lane)
        pipeline = self._pipelines[offer.target.pipeline]
        job = _Job(self._new_id())
        job.repeats, job.busy_counts = repeats, busy_counts
        try:
            prepared = await self._proofs.prepare(pipeline.order(offer.target.model, self._rng))
            wire = job.begin(prepared, self._limits, self._guard)
            mark = 0 if lane.process is None else lane.process.mark()
            await self._exchange(job, prepared, wire, lane, pipeline)
            await self._conclude(job, offer, lane, pipeline, mark)
        except CannotMakeError as error:
            job.verdict = Verdict(outcome=Outcome.TESTER_ERROR, message=str(error))
        except asyncio.CancelledError:
            # A good answer whose lane was not asked yet may be somebody else's.
            if not job.looked or job.verdict is None or job.verdict.outcome is not Outcome.OK:
                job.verdict = Verdict(outcome=Outcome.CANCELLED, message="the tester was stopped")
            _uncancel()
        except Exception as error:
            log.exception("a job failed in a way that it never should", extra={"job": job.id})
            job.verdict = Verdict(
                outcome=Outcome.TESTER_ERROR, message=f"{type(error).__name__} in the tester"
            )
        measurement = self._measurement(job, offer, lane, due=due, number=number)
        answer, sent = job.exchanged.answer, job.prepared
        if self._keep is not None and answer is not None and sent is not None:
            self._keep(measurement, answer, job.secrecy, sent.request)
        return Ran(measurement, _deserves_repeat(job, lane, measurement))

    async def _conclude(
        self, job: "_Job", offer: Offer, lane: Lane, pipeline: Pipeline, mark: int
    ) -> None:
        """Prove the answer, ask the lane and, where the job failed, look around."""
        ended = time.monotonic_ns()
        looking = asyncio.create_task(
            self._witness.look(
                lane,
                mark,
                job.exchanged,
                target=offer.target,
                ok=job.answered_whole,
                reached=job.wire is not None and job.wire.upload_end is not None,
                shared=self._shared(offer),
            )
        )
        try:
            if job.verdict is None:
                job.verdict = await self._prove(job, pipeline)
            job.found = await looking
            job.looked = True
        finally:
            looking.cancel()
        job.reach, job.network_up = await self._look_around(job, offer, lane)
        self._beside_others(job, offer, lane, ended)

    def _beside_others(self, job: "_Job", offer: Offer, lane: Lane, ended: int) -> None:
        """Note a good job for others' sake, or see whether others did well meanwhile."""
        if lane.kind is LaneKind.DIRECT or job.verdict is None:
            return
        like = Like(lane.kind, host_and_port(lane.url)[0])
        whose = (offer.target.pipeline, offer.target.orchestrator)
        started = job.timeline.start
        if job.verdict.outcome is Outcome.OK and not job.found.strangers:
            self._like_lanes.saw(like, *whose, started=started, ended=ended)
        else:
            job.like_lane = self._like_lanes.worked(like, *whose, started=started, ended=ended)

    async def _exchange(
        self, job: "_Job", prepared: Prepared, wire: Wire, lane: Lane, pipeline: Pipeline
    ) -> None:
        transport = TimedTransport(
            wire,
            resolver=self._resolver,
            tls=self._tls,
            trusted=lane.trusted,
            base=lane.url,
            trust=lane.trust,
        )
        async with httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - the wire has a limit for each stage
            headers={"User-Agent": USER_AGENT},
        ) as client:
            exchange = Exchange(client, wire, lane, self._limits)
            job.secrecy = exchange.secrets
            job.exchanged = exchange.result
            try:
                await _unless_broken(exchange.run(prepared, pipeline), lane)
            except TransportFailure as failure:
                job.timeline.note(f"{failure.outcome}: {failure.message}")
                job.verdict = Verdict(outcome=failure.outcome, message=failure.message)
                job.doubtful = failure.doubtful
        job.phases = job.timeline.phases(complete=job.verdict is None)

    async def _prove(self, job: "_Job", pipeline: Pipeline) -> Verdict:
        answer, prepared = job.exchanged.answer, job.prepared
        if answer is None or prepared is None:
            return Verdict(outcome=Outcome.TESTER_ERROR, message="there is no answer to prove")
        verdict = await self._proofs.prove(pipeline.name, prepared.expectation, answer)
        fresh = verdict.unique and verdict.outcome is Outcome.OK
        for artefact in verdict.artefacts if fresh else ():
            earlier = self._seen.replay_of(artefact, job.id)
            self._seen.add(artefact, job.id)
            if earlier is not None:
                verdict = msgspec.structs.replace(
                    verdict,
                    outcome=Outcome.WRONG_ANSWER,
                    message="the answer was given before, to another job",
                    evidence=(*verdict.evidence, f"same artefact as in job {earlier}"),
                )
        hide = job.secrecy.hide
        verdict = msgspec.structs.replace(
            verdict,
            message=hide(verdict.message),
            evidence=tuple(hide(words) for words in verdict.evidence),
            response=hide(verdict.response),
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
            tls=self._greeting if uri.startswith("https:") and not ok else None,
        )
        if ok or self._connectivity is None:
            found = await reached
            if ok and found.reached and self._connectivity is not None:
                self._connectivity.saw(*endpoint, trusted=not guarded, address=found.address)
            return found, None
        failed_at = time.monotonic_ns()
        found, up = await asyncio.gather(
            reached, self._connectivity.holds(endpoint, since=failed_at)
        )
        if found.error:
            job.timeline.note(f"handshake to {uri}: {found.error}")
        return found, up

    def _stood_still(self, job: "_Job", outcome: Outcome) -> float | None:
        """Seconds of our own loop's lag, where they may be why a time ran out."""
        limit = _LIMIT_OF.get(outcome)
        if limit is None:
            return None
        lag = self._lag.worst_since(job.timeline.start)
        allowed = max(LAG_ALLOWED, LAG_SHARE * getattr(self._limits, limit))
        return lag / NANOSECONDS if lag / NANOSECONDS > allowed else None

    def _measurement(
        self, job: "_Job", offer: Offer, lane: Lane, *, due: int, number: int | None
    ) -> Measurement:
        verdict = job.verdict or Verdict(outcome=Outcome.TESTER_ERROR, message="no verdict")
        prepared, wire, exchanged, found = job.prepared, job.wire, job.exchanged, job.found
        judgement = judge(
            verdict.outcome,
            verdict.message,
            Circumstances(
                lane=lane.kind,
                connected=wire is not None and wire.peer is not None,
                responded=wire is not None and wire.first_byte is not None,
                answer_came=job.answered_whole,
                at_once=_at_once(job, verdict.outcome),
                handshake=None if job.reach is None else job.reach.reached,
                network_up=job.network_up,
                pin_verified=found.pin_verified,
                strangers=found.strangers,
                lane_failure=found.failure,
                lane_gone=found.gone,
                told=found.told,
                unread=found.unread,
                handed_over=found.handed_over,
                answered=found.answered,
                suspended=found.suspended,
                like_lane=job.like_lane,
                busy_counts=job.busy_counts,
                shared=found.shared,
                unlisted=offer.unlisted_since is not None,
                stood_still=self._stood_still(job, verdict.outcome),
                doubtful=job.doubtful,
            ),
        )
        ok = judgement.outcome is Outcome.OK
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
            outcome=judgement.outcome,
            blame=judgement.blame,
            message=judgement.message,
            evidence=verdict.evidence + judgement.evidence + found.evidence,
            phases=phases,
            round=number,
            repeats=job.repeats,
            lane=lane.kind,
            lane_name=lane.name,
            lane_version=None if lane.process is None else lane.process.version,
            service_uri=offer.service_uri,
            address=wire.peer if wire else None,
            http_status=exchanged.status,
            model_is_warm=offer.warm,
            price_per_unit=offer.price_per_unit,
            fee=estimated_fee(offer, self._pipelines) if lane.pays else None,
            ticket_value=found.ticket_value if lane.pays else None,
            gpu=offer.hardware[0].name if offer.hardware else None,
            node_version=offer.node_version,
            queue_time=max(job.timeline.start - due, 0),
            session_setup_time=found.session_setup,
            attempts=found.attempts,
            network_rtt=job.reach.rtt if job.reach else None,
            loop_lag=self._lag.worst_since(job.timeline.start),
            unit=None if prepared is None else prepared.unit,
            units=_units(prepared, verdict),
            request_bytes=wire.sent_bytes if wire and wire.sent_bytes else None,
            response_bytes=wire.received_bytes if wire and wire.received_bytes else None,
            artefacts=verdict.artefacts,
            tokens=_tokens(job, verdict),
            proof=verdict.proof,
            request="" if prepared is None else prepared.request.summary,
            response=verdict.response,
            steps=job.timeline.steps,
            lane_log=found.lines,
        )


class _Job:
    """What is gathered while one job runs."""

    @property
    def answered_whole(self) -> bool:
        """Whether the answer came, and did not break off; its media are another matter."""
        stream = self.exchanged.stream
        return self.exchanged.answer is not None and not (stream and stream.broke_off)

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.started_at = time.time_ns()
        self.timeline = Timeline()
        self.prepared: Prepared | None = None
        self.wire: Wire | None = None
        self.exchanged = Exchanged()
        self.phases: Phases | None = None
        self.verdict: Verdict | None = None
        self.reach: Reach | None = None
        self.network_up: bool | None = None
        self.doubtful = False
        self.found = Found()
        self.looked = False
        self.secrecy = Secrecy(())
        self.like_lane: bool | None = None
        self.repeats: str | None = None
        self.busy_counts = False

    def begin(self, prepared: Prepared, limits: Limits, guard: Guard) -> Wire:
        """Start the clock: the payload is ready."""
        self.prepared = prepared
        self.started_at = time.time_ns()
        self.timeline = Timeline()
        self.wire = Wire(self.timeline, limits, guard, streaming=prepared.request.stream)
        return self.wire


async def _unless_broken(exchange: Coroutine[None, None, None], lane: Lane) -> None:
    """Do the exchange; give up when our own gateway has ended or hangs, not at the limit.

    Raises `TransportFailure`.
    """
    if lane.process is None:
        return await exchange
    work = asyncio.ensure_future(exchange)
    broken = asyncio.ensure_future(lane.process.broken())
    try:
        await asyncio.wait({work, broken}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            # What it wrote before it ended may still be on its way to us.
            await asyncio.wait({work}, timeout=LAST_WORDS)
        if work.done():
            return work.result()
    finally:
        for task in (work, broken):
            task.cancel()
        await asyncio.gather(work, broken, return_exceptions=True)
    raise TransportFailure(Outcome.CONNECTION_CLOSED, "our own gateway ended or hangs")


def _at_once(job: _Job, outcome: Outcome) -> bool:
    """Whether a gateway refused within milliseconds, and no log of ours says why."""
    if outcome is not Outcome.UNAVAILABLE or job.found.told is not None or job.phases is None:
        return False
    waited = job.phases.inference
    return waited is not None and waited < AT_ONCE


def _deserves_repeat(job: _Job, lane: Lane, measurement: Measurement) -> bool:
    if lane.kind is LaneKind.DIRECT or measurement.ok:
        return False
    if measurement.blame is Blame.ORCHESTRATOR:
        return False  # It would count twice.
    return job.found.repeat or _at_once(job, measurement.outcome)


def _units(prepared: Prepared | None, verdict: Verdict) -> float | None:
    """The work that was done: by the answer where only that tells, else as it was asked for."""
    if verdict.units is not None or prepared is None:
        return verdict.units
    return prepared.units


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

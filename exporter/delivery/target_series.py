"""What the metrics say about one target: an immutable record that each job turns into the next."""

import math
from typing import Final

import msgspec

from exporter.model import Blame, Measurement, Origin, Target, seconds
from exporter.stores import TargetState

PHASES: Final = ("upload", "inference", "download", "round_trip")

NAMED_FAILURES: Final = 3
"""Distinct (outcome, blame) pairs that get a series of their own; the first ones seen."""
OTHER: Final = "other"
NOBODY: Final = "none"

Failures = dict[tuple[str, str], int]


class LastFailure(msgspec.Struct, frozen=True):
    """The last job that did not succeed, whoever's doing that was."""

    started_at: int
    """Unix nanoseconds."""
    outcome: str
    blame: str


class PhaseSeries(msgspec.Struct, frozen=True):
    """One phase over the good jobs: last value, sum and count, seconds."""

    last: float | None = None
    sum: float = 0.0
    count: int = 0

    def after(self, value: float | None) -> "PhaseSeries":
        """The series with one more value; the same series if there is none."""
        if value is None:
            return self
        return PhaseSeries(value, self.sum + value, self.count + 1)


class TargetSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is exposed about the jobs of one target, by one tester in one region.

    Counters start at zero with the process. `consecutive_failures` and the two moments (Unix
    nanoseconds) are restored from the store and are `None` as long as nothing is known.
    """

    target: Target
    region: str
    tester: str
    origin: Origin | None
    """Of the last job; `None` as long as only the store, which forgets it, told of one."""
    attempts: int = 0
    successes: int = 0
    """Good jobs that count."""
    orchestrator_failures: int = 0
    """Failures with blame orchestrator, the only ones that count against it."""
    failures: Failures = {}
    last_failure: LastFailure | None = None
    """Since the start of the process."""
    consecutive_failures: int | None = None
    last_success: int | None = None
    last_attempt: int | None = None
    last_outcome: str | None = None
    phases: dict[str, PhaseSeries] = {}

    def after(self, job: Measurement) -> "TargetSeries":
        """The record with one more job counted."""
        started, credited = job.started_at, job.ok and job.counts
        blamed = not job.ok and job.blame is Blame.ORCHESTRATOR
        return TargetSeries(
            target=self.target,
            region=self.region,
            tester=self.tester,
            origin=job.origin,
            attempts=self.attempts + 1,
            successes=self.successes + credited,
            orchestrator_failures=self.orchestrator_failures + blamed,
            failures=self.failures if job.ok else _with_failure(self.failures, job),
            last_failure=self.last_failure if job.ok else _later(self.last_failure, job),
            consecutive_failures=_streak(self.consecutive_failures, job),
            last_success=max(self.last_success or 0, started) if credited else self.last_success,
            last_attempt=max(self.last_attempt or 0, started),
            last_outcome=job.outcome.value,
            phases=self._phases_after(job) if credited else self.phases,
        )

    def _phases_after(self, job: Measurement) -> dict[str, PhaseSeries]:
        return {
            phase: self.phases.get(phase, PhaseSeries()).after(phase_seconds(job, phase))
            for phase in PHASES
        }


def restored(state: TargetState, origin: Origin | None) -> TargetSeries:
    """The record of a target as the store remembers it."""
    return TargetSeries(
        target=state.target,
        region=state.region,
        tester=state.tester,
        origin=origin,
        consecutive_failures=state.consecutive_failures,
        last_success=state.last_success,
        last_attempt=state.last_attempt,
    )


def phase_seconds(job: Measurement, phase: str) -> float | None:
    """One of `PHASES` of a job, seconds; of a reported one only what can be a duration."""
    value: int | None = getattr(job.phases, phase)
    return _believable(job, phase, value) if is_reported(job) else seconds(value)


def is_own(job: Measurement, tester: str, region: str) -> bool:
    """Whether this tester made it, in this region: testers are never mixed."""
    return job.origin is Origin.OWN and job.tester == tester and job.region == region


def is_reported(job: Measurement) -> bool:
    """Whether others report it now, about an AI job; what was imported is history."""
    return job.origin in (Origin.POSTED, Origin.FOLLOWED) and not job.transcoding


def _believable(job: Measurement, phase: str, value: int | None) -> float | None:
    """A reported phase, seconds; 0 stands for "not reported" there, and a sum never falls."""
    told = seconds(value)
    if phase == "round_trip":
        told = job.reported.round_trip_time if job.reported is not None else None
    return told if told is not None and 0 < told < math.inf else None


def _streak(before: int | None, job: Measurement) -> int:
    if job.ok and job.counts:
        return 0
    return (before or 0) + (job.blame is Blame.ORCHESTRATOR)


def _blame(job: Measurement) -> str:
    return job.blame.value if job.blame is not None else NOBODY


def _later(before: LastFailure | None, job: Measurement) -> LastFailure:
    if before is not None and before.started_at > job.started_at:
        return before
    return LastFailure(job.started_at, job.outcome.value, _blame(job))


def _with_failure(failures: Failures, job: Measurement) -> Failures:
    """Count a failure; past the bound only whether the orchestrator is to blame is kept apart."""
    blame = _blame(job)
    key = (job.outcome.value, blame)
    if key not in failures and _named(failures) >= NAMED_FAILURES:
        key = (OTHER, blame if job.blame is Blame.ORCHESTRATOR else OTHER)
    return {**failures, key: failures.get(key, 0) + 1}


def _named(failures: Failures) -> int:
    return sum(outcome != OTHER for outcome, _ in failures)

"""What the probe is doing now and what its rounds came to, for whoever watches."""

import asyncio
import time
from collections import Counter
from typing import Any

import msgspec

from exporter.model import Measurement, Target, seconds


class Running(msgspec.Struct, frozen=True):
    """A job under way."""

    target: Target
    lane: str
    since: int
    """Unix nanoseconds."""


class Round(msgspec.Struct, kw_only=True):
    """The count of one round: the jobs that were meant, and what became of them."""

    number: int
    started_at: int
    """Unix nanoseconds."""
    ended_at: int | None = None
    expected: int = 0
    done: int = 0
    outcomes: dict[str, int] = {}
    skipped: dict[str, int] = {}

    @property
    def left(self) -> int:
        """Jobs that are neither done nor skipped yet."""
        return max(self.expected - self.done - sum(self.skipped.values()), 0)

    def report(self) -> dict[str, Any]:
        """The count as plain data, moments in Unix seconds."""
        moments = {"started_at": seconds(self.started_at), "ended_at": seconds(self.ended_at)}
        return {**msgspec.to_builtins(self), **moments, "left": self.left}


class Progress:
    """Counts as jobs come and go. One instance lives in the probe process."""

    def __init__(self) -> None:
        self.round: Round | None = None
        self.running: dict[int, Running] = {}
        self.outcomes: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.late_cycles: Counter[str] = Counter()
        self.jobs_done = 0
        self.idle = asyncio.Event()
        """Set while no job is under way."""
        self.idle.set()
        self._next = 0

    def begin_round(self, number: int, expected: int) -> Round:
        """A round begins with so many jobs meant; the same number again adds to it."""
        if self.round is not None and self.round.number == number:
            self.round.expected += expected
            self.round.ended_at = None
        else:
            self.round = Round(number=number, started_at=time.time_ns(), expected=expected)
        return self.round

    def end_round(self) -> Round | None:
        """The round is over; gives its count."""
        if self.round is not None:
            self.round.ended_at = time.time_ns()
        return self.round

    def begin_job(self, target: Target, lane: str) -> int:
        """A job starts; gives the key to end it with."""
        self._next += 1
        self.idle.clear()
        self.running[self._next] = Running(target, lane, time.time_ns())
        return self._next

    def end_job(self, key: int, number: int, measurement: Measurement | None) -> None:
        """A job is over, and stored unless there is no measurement."""
        self.running.pop(key, None)
        if not self.running:
            self.idle.set()
        if measurement is None:
            return
        self.jobs_done += 1
        self.outcomes[measurement.outcome] += 1
        if self.round is not None and self.round.number == number:
            self.round.done += 1
            _count(self.round.outcomes, measurement.outcome)

    def skip(self, reason: str, number: int) -> None:
        """A job that was meant is left out; nobody is to blame."""
        self.skipped[reason] += 1
        if self.round is not None and self.round.number == number:
            _count(self.round.skipped, reason)

    def late(self, orchestrator: str, cycles: int) -> None:
        """An orchestrator's cycle took so long that the next ones were left out."""
        self.late_cycles[orchestrator] += cycles

    def report(self) -> dict[str, Any]:
        """The state as plain data, moments in Unix seconds."""
        return {
            "round": None if self.round is None else self.round.report(),
            "running": [
                {**msgspec.to_builtins(job), "since": seconds(job.since)}
                for job in self.running.values()
            ],
            "jobs_done": self.jobs_done,
            "outcomes": dict(self.outcomes),
            "skipped": dict(self.skipped),
            "late_cycles": dict(self.late_cycles),
        }


def _count(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1

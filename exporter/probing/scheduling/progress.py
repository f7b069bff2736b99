"""What the probe is doing now and what its rounds came to, for whoever watches."""

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any, Final

import msgspec

from exporter.histogram import Histogram
from exporter.model import NANOSECONDS, Measurement, Target, seconds
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.rounds import Round, Rounds

QUEUE_BOUNDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""Upper bounds of the buckets of the time from due to started, seconds."""
LAG_BOUNDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""The same of the worst loop lag during a job; none below the first is noticed."""


class Running(msgspec.Struct, frozen=True):
    """A job under way."""

    target: Target
    lane: str
    since: int
    """Unix nanoseconds."""


class Progress:
    """Counts as jobs come and go. One instance lives in the probe process."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self.rounds = Rounds(self._clock)
        self.running: dict[int, Running] = {}
        self.outcomes: Counter[str] = Counter()
        self.jobs_done = 0
        self.repeated = 0
        """Jobs that repeated another one."""
        self.queued = Histogram.empty(QUEUE_BOUNDS)
        """From due to started, of each job that is stored."""
        self.lagged = Histogram.empty(LAG_BOUNDS)
        """The worst loop lag during each."""
        self.lateness: dict[str, float] = {}
        """By how many seconds the first job of each orchestrator's last cycle was late."""
        self.missed: dict[str, int] = {}
        """Cycles of each orchestrator that were left out since the one before took too long."""
        self.bounds: Callable[[], dict[str, Any]] | None = None
        """Tells how far courtesy and money are used up, as plain data."""
        self._next = 0

    @property
    def round(self) -> Round | None:
        """The round that began last."""
        return self.rounds.latest

    @property
    def skipped(self) -> Counter[str]:
        """Jobs that were meant and left out, by reason; nobody is to blame."""
        return self.rounds.skipped

    def begin_job(self, target: Target, lane: str) -> int:
        """A job starts; gives the key to end it with."""
        self._next += 1
        self.running[self._next] = Running(target, lane, self._clock.wall_ns())
        return self._next

    def end_job(self, key: int, measurement: Measurement | None) -> None:
        """A job is over, and stored unless there is no measurement."""
        self.running.pop(key, None)
        if measurement is None:
            return
        self.jobs_done += 1
        self.repeated += measurement.repeats is not None
        self.outcomes[measurement.outcome] += 1
        if measurement.queue_time is not None:
            queued = measurement.queue_time / NANOSECONDS
            self.queued = self.queued.after(queued, QUEUE_BOUNDS)
        if measurement.loop_lag is not None:
            self.lagged = self.lagged.after(measurement.loop_lag / NANOSECONDS, LAG_BOUNDS)

    def began(self, orchestrator: str, lateness: float) -> None:
        """The first job of an orchestrator's cycle starts, so many seconds after it was due."""
        self.lateness[orchestrator] = lateness
        self.missed.setdefault(orchestrator, 0)

    def miss(self, orchestrator: str) -> None:
        """An orchestrator's cycle is due while the one before still runs."""
        self.missed[orchestrator] = self.missed.get(orchestrator, 0) + 1

    def keep(self, orchestrators: Collection[str]) -> None:
        """Forget the numbers of orchestrators that are gone."""
        self.lateness = {who: late for who, late in self.lateness.items() if who in orchestrators}
        self.missed = {who: count for who, count in self.missed.items() if who in orchestrators}

    def report(self) -> dict[str, Any]:
        """The state as plain data, moments in Unix seconds."""
        return {
            "round": None if self.round is None else self.round.report(),
            "running": [
                {**msgspec.to_builtins(job), "since": seconds(job.since)}
                for job in self.running.values()
            ],
            "jobs_done": self.jobs_done,
            "jobs_repeated": self.repeated,
            "outcomes": dict(self.outcomes),
            "skipped": dict(self.skipped),
            "worst_lateness": max(self.lateness.values(), default=None),
            "cycles_missed": sum(self.missed.values()),
            "bounds": None if self.bounds is None else self.bounds(),
        }

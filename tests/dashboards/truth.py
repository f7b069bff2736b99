"""A network whose every job is known, and what two testers' metrics showed of it, minute by minute.

Three hours: orchestrators of all kinds, jobs with every blame, a spell of failures that ends and
one that does not, models that go cold, a pause without jobs and scrapes, a station that restarts.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from prometheus_client.core import Metric as Family

from exporter.delivery.exposition import Snapshot, families
from exporter.delivery.target_metrics import TargetMetrics
from exporter.leaderboard.display import shown
from exporter.model import Blame, Measurement, Origin, Outcome, Phases, Reported
from exporter.stores import TargetState
from tests.dashboards.told import NAMES, maintenance, numbers, price, ranking, supply
from tests.dashboards.who import (
    BUSY,
    EVERY,
    FAILING,
    FIRST_JOB,
    FLAKY,
    LANGUAGE,
    MINUTE,
    MODELS,
    ORCHESTRATORS,
    PAUSE,
    PICTURE,
    REPORTED,
    RESTART,
    SCRAPE,
    SLOW,
    START,
    STOP,
    UNITS,
)
from tests.measurements import SECOND, good


@dataclass(frozen=True)
class Tester:
    """One of our own."""

    name: str
    region: str
    instance: str
    distance: float
    """Seconds that a round trip takes longer from here."""
    shift: int
    """Seconds by which its jobs start later."""


TESTERS: Final = (
    Tester("tester-1", "FRA", "fra", 0.0, 0),
    Tester("tester-2", "MDW", "mdw", 0.25, 150),
)
GUEST: Final = "guest"
BUCKETS: Final = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Upper bounds of the buckets of models' histograms, seconds."""


def own_jobs(tester: Tester) -> list[Measurement]:
    """Its jobs, in order of their start."""
    made: list[Measurement] = []
    for who, orchestrator in enumerate(ORCHESTRATORS):
        for which, model in enumerate(MODELS):
            first = FIRST_JOB + tester.shift + 20 * which + 4 * who
            for number, start in enumerate(range(first, STOP - MINUTE, EVERY)):
                if start not in PAUSE:
                    made.append(_job(tester, orchestrator, model, start, number))
    return sorted(made, key=lambda job: job.started_at)


def _job(
    tester: Tester, orchestrator: str, model: tuple[str, str], start: int, number: int
) -> Measurement:
    outcome, blame = _verdict(orchestrator, model, start, number)
    unit, units = UNITS[model]
    facts: dict[str, Any] = {
        "tester": tester.name,
        "region": tester.region,
        "orchestrator": orchestrator,
        "pipeline": model[0],
        "model": model[1],
        "started_at": start * SECOND,
        "price_per_unit": price(orchestrator),
        "queue_time": (number % 4) * SECOND,
        "loop_lag": (1 + number % 3) * SECOND // 100,
    }
    identity = f"{tester.name} {orchestrator} {model} {start}"
    if outcome is not Outcome.OK:
        return good(
            identity,
            outcome=outcome,
            blame=blame,
            message=f"it was {outcome}",
            **(facts | {"phases": Phases(upload=SECOND // 10)}),
        )
    upload, download = 0.125, 0.25 + tester.distance
    inference = (1 + ORCHESTRATORS.index(orchestrator)) * (1 + 0.25 * (number % 4))
    parts = [int(part * SECOND) for part in (upload, inference, download)]
    phases = Phases(upload=parts[0], inference=parts[1], download=parts[2], round_trip=sum(parts))
    return good(identity, **(facts | {"phases": phases, "unit": unit, "units": units}))


def _verdict(
    orchestrator: str, model: tuple[str, str], start: int, number: int
) -> tuple[Outcome, Blame | None]:
    """The failing one fails from the second hour on; the flaky one failed early, and recovered."""
    if orchestrator == FAILING and start >= START + 120 * MINUTE:
        return Outcome.INFERENCE_TIMEOUT, Blame.ORCHESTRATOR
    if orchestrator == FLAKY and START + 20 * MINUTE <= start < START + 55 * MINUTE:
        return Outcome.WRONG_ANSWER, Blame.ORCHESTRATOR
    if orchestrator == FLAKY and number % 5 == 4:
        return Outcome.UNAVAILABLE, Blame.UNKNOWN
    if orchestrator == BUSY and number % 3 == 1:
        return Outcome.NO_CAPACITY, None
    if orchestrator == SLOW and model == LANGUAGE and number % 6 == 2:
        return Outcome.TESTER_ERROR, Blame.TESTER
    return Outcome.OK, None


def reported_jobs() -> list[Measurement]:
    """What a guest posts at the first station."""
    return [
        good(
            f"guest {start}",
            started_at=start * SECOND,
            origin=Origin.POSTED,
            tester=GUEST,
            region="LAX",
            orchestrator=REPORTED,
            pipeline=PICTURE[0],
            model=PICTURE[1],
            phases=Phases(),
            reported=Reported(success_rate=1.0, round_trip_time=9.0),
        )
        for start in range(FIRST_JOB, STOP, 12 * MINUTE)
        if start not in PAUSE
    ]


def _price(orchestrator: str) -> float:
    return 1000.0 * (1 + ORCHESTRATORS.index(orchestrator))


class Station:
    """What the station of a tester shows, by the real code, at one minute after the other."""

    def __init__(self, tester: Tester, jobs: list[Measurement]) -> None:
        self.tester = tester
        self._jobs = jobs
        self._given = 0
        self._moment = START
        self._metrics = self._started()

    async def at(self, moment: int) -> list[Family]:
        """What it shows at a moment later than the one before."""
        if self.tester is TESTERS[0] and self._moment < RESTART <= moment:
            await self._take(RESTART)
            self._metrics = self._started(self._states())
        await self._take(moment)
        self._metrics.follow(supply(moment))
        return families(self._snapshot(moment))

    async def _take(self, moment: int) -> None:
        self._moment = moment
        ended = [job for job in self._jobs[self._given :] if job.started_at < moment * SECOND]
        self._given += len(ended)
        await self._metrics.take(list(enumerate(ended, 1)))

    def _started(self, states: list[TargetState] | None = None) -> TargetMetrics:
        metrics = TargetMetrics(
            tester=self.tester.name,
            region=self.tester.region,
            buckets=BUCKETS,
            reported_for=86400.0,
            now=lambda: self._moment * SECOND,
            reporters=[GUEST],
            states=states or [],
        )
        metrics.follow(supply(self._moment))
        return metrics

    def _states(self) -> list[TargetState]:
        return [
            TargetState(
                target=one.target,
                region=one.region,
                tester=one.tester,
                consecutive_failures=one.consecutive_failures,
                last_success=one.last_success,
                last_attempt=one.last_attempt,
            )
            for one in self._metrics.shown()
            if one.last_attempt is not None and one.consecutive_failures is not None
        ]

    def _snapshot(self, moment: int) -> Snapshot:
        return Snapshot(
            series=self._metrics.shown(),
            histograms=self._metrics.histograms(),
            per_unit=self._metrics.per_unit(),
            buckets=self._metrics.buckets,
            ranking=ranking(moment),
            supply=supply(moment),
            numbers=numbers(self.tester.name, moment),
            maintenance=maintenance(moment, of_tester=self.tester is not TESTERS[0]),
            region=self.tester.region,
            display=shown,
            name=NAMES.get,
        )


def moments() -> Iterator[int]:
    """When it is scraped."""
    return (moment for moment in range(START, STOP + 1, SCRAPE) if moment not in PAUSE)


@dataclass
class World:
    """All of it."""

    jobs: dict[str, list[Measurement]] = field(
        default_factory=lambda: {tester.name: own_jobs(tester) for tester in TESTERS}
    )
    reported: list[Measurement] = field(default_factory=reported_jobs)

    @cached_property
    def everything(self) -> list[Measurement]:
        """Every job, by whomever."""
        return [*self.reported, *(job for jobs in self.jobs.values() for job in jobs)]

    def stations(self) -> list[Station]:
        """Fresh ones, that have seen nothing yet."""
        first, *others = TESTERS
        with_reports = sorted(
            [*self.jobs[first.name], *self.reported], key=lambda job: job.started_at
        )
        return [
            Station(first, with_reports),
            *(Station(one, self.jobs[one.name]) for one in others),
        ]


def wave(seed: int, moment: int) -> float:
    """A number from 1 to 3 that goes up and down."""
    return 2 + math.sin(seed + (moment - START) / 1800)

"""The known network as a reader chose to look at it, for computing in plain Python what it shows.

Nothing here asks a server or knows a query: jobs, offers and shown metrics are those that the
servers were filled with.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, TypeVar

from exporter.leaderboard.ranking import Ranked
from exporter.model import Blame, Measurement, Offer, Origin, Outcome
from tests.dashboards.asking import Labels, Picked
from tests.dashboards.filled import Scrape
from tests.dashboards.truth import RESTART, TESTERS, World, ranking, supply
from tests.measurements import SECOND

Thing = TypeVar("Thing")
Sample = tuple[dict[str, str], float]
Series = tuple[str, str, str, tuple[tuple[str, str], ...]]
"""Metric, job, instance and labels."""
_FACTS: Final[dict[str, Callable[[Measurement], str]]] = {
    "orchestrator_address": lambda job: job.orchestrator,
    "pipeline": lambda job: job.pipeline,
    "model_name": lambda job: job.model,
    "region": lambda job: job.region,
    "tester": lambda job: job.tester,
    "outcome": lambda job: job.outcome.value,
    "blame": lambda job: job.blame.value if job.blame is not None else "none",
    "unit": lambda job: job.unit or "",
}


@dataclass(frozen=True)
class Shown:
    """What was scraped, by moment and by series."""

    scrapes: Sequence[Scrape]

    @cached_property
    def moments(self) -> list[int]:
        """When something was scraped, in order."""
        return sorted({moment for moment, *_ in self.scrapes})

    @cached_property
    def series(self) -> dict[str, dict[Series, list[tuple[int, float]]]]:
        """Values over time of each series, by the name of the metric."""
        found: dict[str, dict[Series, list[tuple[int, float]]]] = defaultdict(dict)
        for moment, job, instance, families in self.scrapes:
            for family in families:
                for name, labels, value, *_ in family.samples:
                    key = (name, job, instance, tuple(sorted(labels.items())))
                    found[name].setdefault(key, []).append((moment, value))
        return found

    def at(self, name: str, moment: int) -> list[Sample]:
        """The samples of a metric when it was scraped last, at a moment of `moments`."""
        return [
            (dict(labels), values[place][1])
            for (_, _, _, labels), values in self.series.get(name, {}).items()
            if (place := bisect_left(values, (moment,))) < len(values)
            and values[place][0] == moment
        ]


@dataclass(frozen=True)
class Seen:
    """What was chosen, of the time from `start` to `stop`, at a scrape `moment` of it."""

    world: World
    shown: Shown
    picked: Picked
    start: int
    stop: int
    moment: int
    everybody: bool = field(default=False)
    """Whether the chosen orchestrators are not looked at."""

    def at(self, moment: int) -> "Seen":
        """The same at another scrape."""
        return replace(self, moment=moment)

    @property
    def network(self) -> "Seen":
        """The same of all orchestrators."""
        return replace(self, everybody=True)

    @cached_property
    def until_now(self) -> list[Measurement]:
        """The chosen jobs that had started, from the first."""
        picked = self.picked
        return [
            job
            for job in sorted(self.world.everything, key=lambda one: one.started_at)
            if job.origin == Origin(picked.origin)
            and job.started_at < self.moment * SECOND
            and (picked.tester is None or job.tester in picked.tester)
            and (picked.region is None or job.region in picked.region)
            and self.is_chosen(job.orchestrator, job.pipeline, job.model)
        ]

    @cached_property
    def jobs(self) -> list[Measurement]:
        """Those of them that started in the time."""
        first, last = self.start * SECOND, self.stop * SECOND
        return [job for job in self.until_now if first <= job.started_at < last]

    @cached_property
    def own_jobs(self) -> list[Measurement]:
        """Good jobs of our own, whatever tester is chosen and whomever they tested."""
        first, last = self.start * SECOND, min(self.stop, self.moment) * SECOND
        return [
            job
            for jobs in self.world.jobs.values()
            for job in jobs
            if first <= job.started_at < last
            and job.outcome is Outcome.OK
            and (self.picked.region is None or job.region in self.picked.region)
            and self.network.is_chosen(job.orchestrator, job.pipeline, job.model)
        ]

    @property
    def restarted(self) -> bool:
        """Whether the first station restarted in the time."""
        return self.start < RESTART <= self.stop

    def is_chosen(self, orchestrator: str, pipeline: str, model: str) -> bool:
        """Whether all three are among what is chosen."""
        picked = self.picked
        wanted = None if self.everybody else picked.orchestrator
        return (
            (wanted is None or orchestrator in wanted)
            and (picked.pipeline is None or pipeline in picked.pipeline)
            and (picked.model is None or model in picked.model)
        )

    @property
    def offers(self) -> list[Offer]:
        """The chosen offers at the moment."""
        return self.offers_at(self.moment)

    def offers_at(self, moment: int) -> list[Offer]:
        """The same at another one."""
        return [
            offer
            for offer in supply(moment).offers
            if self.is_chosen(offer.target.orchestrator, offer.target.pipeline, offer.target.model)
        ]

    def ranked(self, moment: int) -> dict[str, Ranked]:
        """The leaderboard, of the chosen orchestrators."""
        return {
            one.orchestrator: one
            for one in ranking(moment)
            if self.everybody
            or self.picked.orchestrator is None
            or one.orchestrator in self.picked.orchestrator
        }

    def samples(self, name: str) -> list[Sample]:
        """What both processes of all testers showed of a metric at the moment."""
        return self.shown.at(name, self.moment)

    def moments(self, before: int) -> list[int]:
        """The scrapes of the last `before` seconds until the end, the first second included."""
        all_of = self.shown.moments
        return all_of[bisect_left(all_of, self.stop - before) : bisect_right(all_of, self.stop)]


def grouped(
    things: Iterable[Thing], key: Callable[[Thing], Labels]
) -> Iterator[tuple[Labels, list[Thing]]]:
    """Things of the same labels together."""
    groups: dict[Labels, list[Thing]] = defaultdict(list)
    for thing in things:
        groups[key(thing)].append(thing)
    yield from groups.items()


def of_job(*labels: str) -> Callable[[Measurement], Labels]:
    """The labels of a job."""
    return lambda job: tuple(_FACTS[label](job) for label in labels)


def of_offer(*labels: str) -> Callable[[Offer], Labels]:
    """The labels of an offer."""

    def key(offer: Offer) -> Labels:
        target: Any = offer.target
        facts = {
            "orchestrator_address": target.orchestrator,
            "pipeline": target.pipeline,
            "model_name": target.model,
        }
        return tuple(facts[label] for label in labels)

    return key


def is_good(job: Measurement) -> bool:
    """Whether it counts, for the orchestrator."""
    return job.outcome is Outcome.OK


def is_bad(job: Measurement) -> bool:
    """Whether it counts, against the orchestrator."""
    return job.blame is Blame.ORCHESTRATOR


def is_busy(job: Measurement) -> bool:
    """Whether there was no free capacity."""
    return job.outcome is Outcome.NO_CAPACITY


FIRST_STATION: Final = TESTERS[0].name

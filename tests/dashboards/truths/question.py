"""What is asked of the known network: whom a reader chose, and which span of time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from statistics import fmean
from typing import Any, Final

from exporter.model import Blame, Measurement, Offer, Origin, normal_orchestrator
from exporter.stores.influx_lines import tag_text
from tests.dashboards.asking import Labels, Picked
from tests.dashboards.filled import Scrape
from tests.dashboards.told import supply
from tests.dashboards.truth import World, moments
from tests.measurements import SECOND

Values = dict[Labels, float]
Place = tuple[str, str, str, str, str]
"""Orchestrator, pipeline, model, region, tester."""
OFFER: Final = ("orchestrator_address", "pipeline", "model_name")
_ATTRIBUTES: Final = {"orchestrator_address": "orchestrator", "model_name": "model"}


Key = tuple[tuple[str, str], ...]
"""Labels in order of their names."""


@dataclass(frozen=True)
class Sample:
    """One that was exposed, its labels in the program's own words; `instance` is the tester."""

    labels: Mapping[str, str]
    value: float
    key: Key = ()

    def by(self, labels: Labels) -> Labels:
        """The values of these labels."""
        return tuple(self.labels.get(label, "") for label in labels)


class Told:
    """The world, and everything that was exposed of it."""

    def __init__(self, world: World, scrapes: Iterable[Scrape], testers: Mapping[str, str]) -> None:
        self.world = world
        self.moments = tuple(moments())
        self.jobs = sorted(world.everything, key=lambda job: job.started_at)
        self.starts = [job.started_at for job in self.jobs]
        self._exposed: dict[str, dict[int, list[Sample]]] = {}
        for moment, _, instance, shown in scrapes:
            for family in shown:
                for sample in family.samples:
                    labels = {key: _plain(key, text) for key, text in sample.labels.items()}
                    labels["instance"] = testers[instance]
                    by_moment = self._exposed.setdefault(sample.name, {})
                    key = tuple(sorted(labels.items()))
                    by_moment.setdefault(moment, []).append(Sample(labels, sample.value, key))

    def exposed(self, name: str, moment: int) -> list[Sample]:
        """The samples of a metric at a moment."""
        return self._exposed.get(f"livepeer_ai_{name}", {}).get(moment, [])

    @cached_property
    def streaks(self) -> dict[Place, list[tuple[int, int]]]:
        """Starts of each target's jobs, and how many failed in a row by then."""
        made: dict[Place, list[tuple[int, int]]] = {}
        for job in self.jobs:
            known = made.setdefault(place(job), [])
            before = known[-1][1] if known else 0
            failed = before + (job.blame is Blame.ORCHESTRATOR)
            known.append((job.started_at // SECOND, 0 if good(job) else failed))
        return made


@cache
def _plain(label: str, text: str) -> str:
    text = tag_text(text)
    return normal_orchestrator(text) if label == "orchestrator_address" else text


def place(job: Measurement) -> Place:
    """Whom a job was about, and who made it where."""
    return (job.orchestrator, job.pipeline, job.model, job.region, job.tester)


def good(job: Measurement) -> bool:
    """Whether it succeeded and counts."""
    return job.ok and job.counts


def blamed(job: Measurement) -> bool:
    """Whether it failed by the orchestrator's doing."""
    return not job.ok and job.blame is Blame.ORCHESTRATOR


@dataclass(frozen=True)
class Question:
    """A span of time `[start, stop)` in Unix seconds, within the range of a dashboard."""

    told: Told
    picked: Picked
    start: int
    stop: int
    first: int
    """Where the dashboard's range begins."""
    last: int = field(default=0)
    """Where it ends."""

    def during(self, start: int, stop: int) -> Question:
        """The same of another span."""
        return replace(self, start=start, stop=stop)

    def at(self, moment: int, age: int = 300) -> Question | None:
        """The same of the last scrape until a moment; `None` if it was too long ago."""
        found = [one for one in self.told.moments if moment - age < one <= moment]
        return self.during(found[-1], found[-1] + 1) if found else None

    @property
    def moments(self) -> list[int]:
        """When it was scraped in this span."""
        moments = self.told.moments
        return list(moments[bisect_left(moments, self.start) : bisect_left(moments, self.stop)])

    def has(self, orchestrator: str | None, *, network: bool = False, **facts: str) -> bool:
        """Whether that is what was chosen; `network`: whichever orchestrator was."""
        if not network and not _in(self.picked.orchestrator, orchestrator):
            return False
        return all(_in(self._chosen(name), text) for name, text in facts.items())

    def _chosen(self, name: str) -> tuple[str, ...] | None:
        if name == "tester" and self.picked.tester is None:
            return self.picked.testers
        chosen: tuple[str, ...] | None = getattr(self.picked, name)
        return chosen

    def jobs(self, *, network: bool = False) -> list[Measurement]:
        """Those that started in the span, of what was chosen."""
        origin = Origin(self.picked.origin)
        return [
            job
            for job in self._started()
            if job.origin is origin
            and self.has(
                job.orchestrator,
                network=network,
                pipeline=job.pipeline,
                model=job.model,
                region=job.region,
                tester=job.tester,
            )
        ]

    def own(self) -> list[Measurement]:
        """Good ones of our own testers, of the chosen models and regions."""
        return [
            job
            for job in self._started()
            if job.origin is Origin.OWN
            and good(job)
            and self.has(
                None, network=True, pipeline=job.pipeline, model=job.model, region=job.region
            )
        ]

    def made(self) -> list[Measurement]:
        """Those that the chosen installations made."""
        return [
            job
            for job in self._started()
            if job.origin is Origin.OWN and _in(self.picked.installation, job.tester)
        ]

    def _started(self) -> list[Measurement]:
        starts = self.told.starts
        first = bisect_left(starts, self.start * SECOND)
        return self.told.jobs[first : bisect_left(starts, self.stop * SECOND)]

    def streaks(self, *, network: bool = False) -> dict[Place, float]:
        """Failures in a row of each target in the span, by its jobs; the most that there were."""
        found: dict[Place, float] = {}
        for target, known in self.told.streaks.items():
            orchestrator, pipeline, model, region, tester = target
            facts = {"pipeline": pipeline, "model": model, "region": region, "tester": tester}
            if not self.has(orchestrator, network=network, **facts):
                continue
            values = [
                known[until - 1][1]
                for moment in self.moments
                if (until := bisect_left(known, (moment, -1)))
            ]
            if values:
                found[target] = max(values)
        return found

    def offers(
        self, of: Callable[[Offer], float | None], *, network: bool = True
    ) -> dict[Labels, float]:
        """What is said of each offer in the span; the most that was."""
        found: dict[Labels, float] = {}
        for moment in self.moments:
            for offer in supply(moment).offers:
                target, value = offer.target, of(offer)
                facts = {"pipeline": target.pipeline, "model": target.model}
                if value is not None and self.has(target.orchestrator, network=network, **facts):
                    key = (target.orchestrator, target.pipeline, target.model)
                    found[key] = max(value, found.get(key, value))
        return found

    def exposed(self, name: str, over: Callable[[list[float]], float] = max) -> list[Sample]:
        """Each series of a metric, as it was exposed in the span, folded over time."""
        found: dict[Key, list[Sample]] = {}
        for moment in self.moments:
            for sample in self.told.exposed(name, moment):
                if self._is_asked(sample):
                    found.setdefault(sample.key, []).append(sample)
        return [
            Sample(some[0].labels, over([one.value for one in some]), key)
            for key, some in found.items()
        ]

    def _is_asked(self, sample: Sample) -> bool:
        installation = _in(self.picked.installation, sample.labels["instance"])
        return installation and _in(
            self.picked.orchestrator, sample.labels.get("orchestrator_address")
        )


def _in(chosen: tuple[str, ...] | None, text: str | None) -> bool:
    return chosen is None or text is None or text in chosen


def tested(offer: Offer) -> float:
    """1 if it is tested, else 0."""
    return float(offer.not_tested is None)


def warm(offer: Offer) -> float | None:
    """1 if it is said to be loaded, 0 if not."""
    return None if offer.warm is None else float(offer.warm)


def wei(offer: Offer) -> float | None:
    """The price of one unit."""
    return offer.price_per_unit


def split(jobs: Iterable[Measurement], by: Labels) -> dict[Labels, list[Measurement]]:
    """Jobs by values of labels."""
    found: dict[Labels, list[Measurement]] = {}
    for job in jobs:
        found.setdefault(tuple(_of(job, label) for label in by), []).append(job)
    return found


def _of(job: Measurement, label: str) -> str:
    if label == "blame":
        return "none" if job.blame is None else job.blame.value
    value = getattr(job, _ATTRIBUTES.get(label, label))
    return str(getattr(value, "value", value))


def folded(values: Iterable[tuple[Labels, float]], fold: Callable[[list[float]], float]) -> Values:
    """Values of like labels together."""
    found: dict[Labels, list[float]] = {}
    for labels, value in values:
        found.setdefault(labels, []).append(value)
    return {labels: fold(some) for labels, some in found.items()}


def only(values: Mapping[Any, float], *places: int) -> Iterator[tuple[Labels, float]]:
    """Values by some of their labels."""
    for key, value in values.items():
        yield tuple(key[place] for place in places), value


def quantile(values: list[float], share: float) -> float:
    """As SQL's `PERCENTILE_CONT`."""
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def median(values: list[float]) -> float:
    """Of an even number the mean of the two in the middle."""
    return quantile(values, 0.5)


def mean(values: list[float]) -> float:
    """The arithmetic mean."""
    return fmean(values)


def number(values: list[float]) -> float:
    """How many there are."""
    return float(len(values))

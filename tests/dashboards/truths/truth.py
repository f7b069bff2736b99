"""One entry of the registry: what a query promises, and how exactly each edition keeps it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from exporter.delivery.target_series import phase_seconds
from exporter.model import Blame, Measurement
from tests.dashboards.asking import Labels
from tests.dashboards.truths.question import (
    OFFER,
    Place,
    Question,
    Values,
    blamed,
    folded,
    good,
    mean,
    only,
    place,
    quantile,
    split,
)

Kind = Literal["exact", "count", "failures", "mean", "quantile"]
Of = Callable[[Question], Values]
Each = Callable[[Question], list[tuple[Labels, float]]]
MODEL: Final = ("pipeline", "model_name")
WHERE: Final = (*MODEL, "region")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A computation, and how what is shown may differ from it.

    InfluxDB has every job and every minute's metrics: it is exact. What Prometheus shows is
    `exact` for gauges; see `bounds` for the others.
    """

    of: Of
    kind: Kind = "exact"
    now: bool = False
    """Whether it is of a moment, as gauges are, and not of a span of time."""
    buckets: tuple[float, ...] = ()
    """Upper bounds of the histogram that a quantile is interpolated in."""
    values: Each | None = None
    """The values that it is a quantile of, by labels."""
    share: float = 0.0
    """Which quantile it is."""
    prometheus: Of | None = None
    """Where Prometheus is meant to show something else, by the panel's description."""


def counting(of: Of) -> Truth:
    """Of a count of jobs that count."""
    return Truth(of=of, kind="count")


def of_jobs(of: Of) -> Truth:
    """Of a mean or a ratio of jobs."""
    return Truth(of=of, kind="mean")


def now(of: Of) -> Truth:
    """Of what is so at a moment; over time of the most that it was in a step."""
    return Truth(of=of, now=True)


def success(by: Labels = (), *, network: bool = False) -> Truth:
    """Good jobs as part of those that count."""

    def of(question: Question) -> Values:
        counted = [job for job in question.jobs(network=network) if good(job) or blamed(job)]
        return {
            labels: sum(map(good, some)) / len(some) for labels, some in split(counted, by).items()
        }

    return of_jobs(of)


def counted(by: Labels, *, network: bool = False) -> Truth:
    """How many jobs count."""

    def of(question: Question) -> Values:
        jobs = [job for job in question.jobs(network=network) if good(job) or blamed(job)]
        return {labels: float(len(some)) for labels, some in split(jobs, by).items()}

    return counting(of)


def busy(by: Labels = ()) -> Truth:
    """Jobs that found no free capacity, as part of these and of those that count."""

    def of(question: Question) -> Values:
        jobs = [job for job in question.jobs() if _is_busy(job) or good(job) or blamed(job)]
        return {
            labels: sum(map(_is_busy, some)) / len(some) for labels, some in split(jobs, by).items()
        }

    return of_jobs(of)


def _is_busy(job: Measurement) -> bool:
    return job.outcome == "no_capacity"


def failed(by: Labels, *, network: bool = False, theirs: bool = False) -> Truth:
    """How many jobs did not succeed; `theirs`: by the orchestrators' doing."""

    def of(question: Question) -> Values:
        jobs = [job for job in question.jobs(network=network) if not job.ok]
        jobs = [job for job in jobs if not theirs or job.blame is Blame.ORCHESTRATOR]
        return {labels: float(len(some)) for labels, some in split(jobs, by).items()}

    return Truth(of=of, kind="failures")


def took(phase: str, by: Labels = (), *, network: bool = False) -> Truth:
    """Mean of a phase of good jobs, seconds."""
    return of_jobs(lambda question: means(question, phase, by, network=network))


def means(question: Question, phase: str, by: Labels, *, network: bool = False) -> Values:
    """The same, computed."""
    jobs = [job for job in question.jobs(network=network) if good(job)]
    values = [
        (labels, seconds)
        for labels, some in split(jobs, by).items()
        for job in some
        if (seconds := phase_seconds(job, phase)) is not None
    ]
    return folded(values, mean)


def own_quantile(
    share: float, by: Labels, buckets: tuple[float, ...], *, per_unit: bool = False
) -> Truth:
    """A quantile over own good jobs: of their inference, or of the seconds for a unit."""

    def values(question: Question) -> list[tuple[Labels, float]]:
        return [
            (labels, seconds)
            for labels, some in split(question.own(), by).items()
            for job in some
            if (seconds := job.latency_per_unit if per_unit else phase_seconds(job, "inference"))
            is not None
        ]

    return share_of(share, values, buckets)


def share_of(share: float, values: Each, buckets: tuple[float, ...]) -> Truth:
    """A quantile of values, of which Prometheus knows but the buckets."""
    return Truth(
        of=lambda question: folded(values(question), lambda some: quantile(some, share)),
        kind="quantile",
        values=values,
        share=share,
        buckets=buckets,
    )


def in_a_row(*places: int, network: bool = False, least: float = 0.0) -> Truth:
    """Failures in a row of the target that has most, by parts of the target."""

    def of(question: Question) -> Values:
        most = folded(only(question.streaks(network=network), *places), max)
        return {labels: value for labels, value in most.items() if value >= least}

    return now(of)


def last_of(
    question: Question, is_meant: Callable[[Measurement], bool]
) -> dict[Place, Measurement]:
    """The last job that is meant of each target, until the span's last scrape."""
    if not question.moments:
        return {}
    found: dict[Place, Measurement] = {}
    for job in question.during(0, question.moments[-1]).jobs():
        if is_meant(job):
            before = found.get(place(job))
            found[place(job)] = job if before is None else max(before, job, key=_start)
    return found


def _start(job: Measurement) -> int:
    return job.started_at


def metric(
    name: str,
    fold: Callable[[list[float]], float],
    by: Labels = (),
    over: Callable[[list[float]], float] = max,
    per: float = 1.0,
) -> Truth:
    """A gauge as it was exposed, its series put together; over time first each over the step."""

    def of(question: Question) -> Values:
        samples = [(one.by(by), one.value / per) for one in question.exposed(name, over)]
        return folded(samples, fold)

    return now(of)


def ago(name: str, by: Labels = ()) -> Truth:
    """How long ago the moment was that a gauge tells; of several the longest."""

    def of(question: Question) -> Values:
        samples = [(one.by(by), question.last - one.value) for one in question.exposed(name)]
        return folded(samples, max)

    return now(of)


def grown(name: str, by: Labels = ()) -> Truth:
    """By how much a counter rose in the span, as was seen at its scrapes."""

    def of(question: Question) -> Values:
        rises = []
        for then, moment in pairwise(question.told.moments):
            begun = then >= question.start or question.start != question.first
            if begun and question.start <= moment < question.stop:
                rises += _rise(question, name, by, then, moment)
        return folded(rises, sum)

    def between(question: Question) -> Values:
        """Prometheus compares what was scraped within the span, its end included."""
        rises = []
        for then, moment in pairwise(question.told.moments):
            if question.start <= then and moment <= question.stop:
                rises += _rise(question, name, by, then, moment)
        return folded(rises, sum)

    return Truth(of=of, kind="count", prometheus=between)


def _rise(
    question: Question, name: str, by: Labels, then: int, moment: int
) -> list[tuple[Labels, float]]:
    earlier = {one.key: one.value for one in question.told.exposed(name, then)}
    found = []
    for one in question.during(moment, moment + 1).exposed(name):
        was = earlier.get(one.key, one.value)
        found.append((one.by(by), one.value - was if one.value >= was else one.value))
    return found


def offered(
    of_offer: Callable[..., float | None],
    fold: Callable[[list[float]], float],
    by: Labels = (),
    *,
    network: bool = True,
) -> Truth:
    """What is said of offers, each counted once however many tell of it."""
    places = [OFFER.index(label) for label in by]
    return now(
        lambda question: folded(only(question.offers(of_offer, network=network), *places), fold)
    )

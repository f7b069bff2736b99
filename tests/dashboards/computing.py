"""What panels show, computed in plain Python: kinds of values, and within which bounds they lie.

A truth is a lowest and a highest value for each combination of labels. Where both are the same the
value is exact. The bounds, and why there are any:

- counts from Prometheus: `increase()` extrapolates from the samples to the ends of the range
  (`COUNTED`, and a scrape in a step), and a station that restarts forgets which reasons there were:
  at most one job for each reason of a target is missing (`forgotten`);
- means and ratios: both parts are extrapolated alike, but not where series begin (`DIVIDED`);
- quantiles from Prometheus: somewhere in the bucket of the exact one;
- what is true now, over time: any value that it had since the step before, for each edition reads
  it at its own moments.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, median
from typing import Final, NamedTuple

from dashboards.edition import Edition
from exporter.delivery.model_histograms import UNIT_BOUNDS
from exporter.leaderboard.ranking import Ranked
from exporter.model import Measurement, Offer
from tests.dashboards.asking import Labels
from tests.dashboards.seen import (
    FIRST_STATION,
    Sample,
    Seen,
    grouped,
    is_bad,
    is_busy,
    is_good,
    of_job,
    of_offer,
)
from tests.dashboards.truth import BUCKETS, RESTART, SCRAPE
from tests.measurements import SECOND

COUNTED: Final = 0.02
DIVIDED: Final = 0.01
_ORCHESTRATOR: Final = "orchestrator_address"
MODEL: Final = ("pipeline", "model_name")
TARGET: Final = (_ORCHESTRATOR, "pipeline", "model_name", "region")


class Span(NamedTuple):
    """The lowest and the highest that a value may be."""

    low: float
    high: float


Truth = dict[Labels, Span]
Computed = Callable[[Seen, Edition], Truth]
"""What a query gives: the values at the moment, or of the time, of what is seen."""


class Shows(NamedTuple):
    """What a query shows."""

    computed: Computed
    now: bool = False
    """Whether it is the last value of something, and not of all jobs in the time."""


def exact(values: dict[Labels, float]) -> Truth:
    """Nothing but these."""
    return {labels: Span(value, value) for labels, value in values.items()}


def near(values: dict[Labels, float], relative: float) -> Truth:
    """These, or as much more or less."""
    return {
        labels: Span(value - relative * abs(value), value + relative * abs(value))
        for labels, value in values.items()
    }


def per(things: Sequence[float]) -> float:
    """A part of 1."""
    return sum(things) / len(things)


# Jobs of the time


def success(*labels: str) -> Shows:
    """Good jobs as part of those that count."""

    def computed(seen: Seen, edition: Edition) -> Truth:
        counting = [job for job in seen.jobs if is_good(job) or is_bad(job)]
        found = {
            key: per([float(is_good(job)) for job in jobs])
            for key, jobs in grouped(counting, of_job(*labels))
        }
        return near(found, DIVIDED) if edition is Edition.PROMETHEUS else exact(found)

    return Shows(computed)


def jobs_that_count(*labels: str) -> Shows:
    """Number of good jobs and of failures of the orchestrator's doing."""

    def computed(seen: Seen, edition: Edition) -> Truth:
        counting = [job for job in seen.jobs if is_good(job) or is_bad(job)]
        return _counted(seen, counting, edition, labels)

    return Shows(computed)


def failures(*labels: str, only: Callable[[Measurement], bool] = lambda _: True) -> Shows:
    """Number of jobs that did not succeed."""

    def computed(seen: Seen, edition: Edition) -> Truth:
        failed = [job for job in seen.jobs if not is_good(job) and only(job)]
        found = _counted(seen, failed, edition, labels)
        if edition is Edition.INFLUXDB:
            return found
        missing = forgotten(seen, [job for job in seen.until_now if not is_good(job)], labels)
        return {
            key: Span(span.low - missing.get(key, 0) * (1 + COUNTED), span.high)
            for key, span in found.items()
        }

    return Shows(computed)


def forgotten(
    seen: Seen, failed: Iterable[Measurement], labels: tuple[str, ...]
) -> dict[Labels, int]:
    """Reasons of targets that a station which restarted in the time may count one less of."""
    if not seen.restarted:
        return {}
    before = [
        job for job in failed if job.tester == FIRST_STATION and job.started_at < RESTART * SECOND
    ]
    reason = of_job(*TARGET, "outcome", "blame")
    return {
        key: len({reason(job) for job in jobs}) for key, jobs in grouped(before, of_job(*labels))
    }


def _counted(
    seen: Seen, jobs: list[Measurement], edition: Edition, labels: tuple[str, ...]
) -> Truth:
    found = {key: float(len(some)) for key, some in grouped(jobs, of_job(*labels))}
    if edition is Edition.INFLUXDB:
        return exact(found)
    return near(found, COUNTED + 2 * SCRAPE / (seen.stop - seen.start))


def busy(*labels: str) -> Shows:
    """Jobs without free capacity, as part of these and those that count."""

    def computed(seen: Seen, edition: Edition) -> Truth:
        counting = [job for job in seen.jobs if is_good(job) or is_bad(job) or is_busy(job)]
        found = {
            key: per([float(is_busy(job)) for job in jobs])
            for key, jobs in grouped(counting, of_job(*labels))
        }
        if edition is Edition.INFLUXDB:
            return exact(found)
        missing = forgotten(seen, [job for job in counting if is_busy(job)], labels)
        sizes = {key: len(jobs) for key, jobs in grouped(counting, of_job(*labels))}
        width = COUNTED + 2 * SCRAPE / (seen.stop - seen.start)
        return {
            key: Span((1 - width) * (value - missing.get(key, 0) / sizes[key]), (1 + width) * value)
            for key, value in found.items()
        }

    return Shows(computed)


def mean(phase: str, *labels: str) -> Shows:
    """Mean of a phase of good jobs, seconds."""

    def computed(seen: Seen, edition: Edition) -> Truth:
        found = _means(seen, phase, labels)
        return near(found, DIVIDED) if edition is Edition.PROMETHEUS else near(found, 1e-6)

    return Shows(computed)


def _means(seen: Seen, phase: str, labels: tuple[str, ...]) -> dict[Labels, float]:
    good = [job for job in seen.jobs if is_good(job)]
    return {
        key: fmean(getattr(job.phases, phase) / SECOND for job in jobs)
        for key, jobs in grouped(good, of_job(*labels))
    }


Against = tuple[dict[Labels, float], dict[Labels, list[float]]]
"""The mean of each model and region of the chosen, and the means of all who serve it there."""


def against_network(compared: Callable[[Against], dict[Labels, float]], *order: str) -> Shows:
    """The mean round trip of the chosen one, put beside the network's."""
    where = order or ("pipeline", "model_name", "region")

    def computed(seen: Seen, _: Edition) -> Truth:
        here = _means(seen, "round_trip", where)
        everybody = _means(seen.network, "round_trip", (_ORCHESTRATOR, *where))
        all_of = {
            key: [value for (_, *rest), value in everybody.items() if tuple(rest) == key]
            for key in here
        }
        return near(compared((here, all_of)), 2 * DIVIDED)

    return Shows(computed)


def ratios(found: Against) -> dict[Labels, float]:
    """Times as part of the median, where there is somebody else."""
    here, everybody = found
    return {
        key: value / median(everybody[key])
        for key, value in here.items()
        if len(everybody[key]) > 1
    }


Fact = Callable[[Measurement], float]


def inference(job: Measurement) -> float:
    """Seconds."""
    return (job.phases.inference or 0) / SECOND


def for_a_unit(job: Measurement) -> float:
    """Seconds of the work for one unit of it."""
    took = sum(filter(None, (job.phases.inference,)))
    return took / SECOND / (job.units or math.nan)


def quantile(share: float, fact: Fact, *labels: str) -> Shows:
    """A quantile over our own good jobs."""
    bounds = BUCKETS if fact is inference else UNIT_BOUNDS

    def computed(seen: Seen, edition: Edition) -> Truth:
        return {
            key: _quantile(share, [fact(job) for job in jobs], bounds, edition)
            for key, jobs in grouped(seen.own_jobs, of_job(*labels))
        }

    return Shows(computed)


def of_all_jobs(share: float, fact: str, bounds: Sequence[float]) -> Shows:
    """A quantile over all jobs of our own, by a fact in nanoseconds."""

    def computed(seen: Seen, edition: Edition) -> Truth:
        first, last = seen.start * SECOND, seen.stop * SECOND
        values = [
            getattr(job, fact) / SECOND
            for jobs in seen.world.jobs.values()
            for job in jobs
            if first <= job.started_at < last
        ]
        return {(): _quantile(share, values, bounds, edition)} if values else {}

    return Shows(computed)


def _quantile(share: float, values: list[float], bounds: Sequence[float], edition: Edition) -> Span:
    values = sorted(values)
    rank = share * (len(values) - 1)
    below, above = values[math.floor(rank)], values[math.ceil(rank)]
    if edition is Edition.INFLUXDB:
        value = below + (above - below) * (rank - math.floor(rank))
        return Span(value * (1 - 1e-6), value * (1 + 1e-6))
    above = values[min(math.ceil(share * len(values)), len(values) - 1)]
    edges = (0.0, *bounds, bounds[-1])
    return Span(edges[bisect_left(bounds, below)], edges[bisect_left(bounds, above) + 1])


# State of targets


def streaks(seen: Seen) -> dict[Labels, int]:
    """Failures in a row of each target and tester."""
    found: dict[Labels, int] = {}
    for job in seen.until_now:
        key = of_job(*TARGET, "tester")(job)
        if is_good(job):
            found[key] = 0
        elif is_bad(job):
            found[key] = found.get(key, 0) + 1
        else:
            found.setdefault(key, 0)
    return found


def in_a_row(how: Callable[[list[int]], float], *labels: str, least: int = 0) -> Shows:
    """Of failures in a row the greatest, or whatever."""

    def computed(seen: Seen, _: Edition) -> Truth:
        places = [(*TARGET, "tester").index(label) for label in labels]
        groups = grouped(
            streaks(seen).items(), lambda one: tuple(one[0][place] for place in places)
        )
        found = {key: how([count for _, count in some]) for key, some in groups}
        return exact({key: value for key, value in found.items() if value >= least})

    return Shows(computed, now=True)


def spells(seen: Seen) -> dict[Labels, int]:
    """The most failures in a row that each target had in the time."""
    moments = [one for one in seen.shown.moments if seen.start <= one <= seen.stop]
    found: dict[Labels, int] = {}
    for moment in moments:
        for key, count in streaks(seen.at(moment)).items():
            found[key[:-1]] = max(found.get(key[:-1], 0), count)
    return found


def last_of(moments: dict[Labels, float]) -> Truth:
    """Moments in milliseconds, as a table has them.

    The time of a point is the second in which a job started, and a place in that.
    """
    return {key: Span(1000 * value - 0.001, 1000 * value + 1000) for key, value in moments.items()}


# Offers


def offered(
    how: Callable[[list[Offer]], float | None],
    *labels: str,
    only: Callable[[Offer], bool] = lambda _: True,
) -> Shows:
    """Something of the offers at the moment."""

    def computed(seen: Seen, _: Edition) -> Truth:
        offers = [offer for offer in seen.offers if only(offer)]
        found = {key: how(some) for key, some in grouped(offers, of_offer(*labels))}
        return exact({key: value for key, value in found.items() if value is not None})

    return Shows(computed, now=True)


def says(offer: Offer) -> bool:
    """Whether it says if the model is loaded."""
    return offer.warm is not None


def has_price(offer: Offer) -> bool:
    """Whether it says what it asks."""
    return offer.price_per_unit is not None


def warm(offers: list[Offer]) -> list[float]:
    """1 for loaded, else 0."""
    return [float(bool(offer.warm)) for offer in offers]


def tested(offers: list[Offer]) -> list[float]:
    """1 for tested, else 0."""
    return [float(offer.not_tested is None) for offer in offers]


def prices(offers: list[Offer]) -> list[float]:
    """What is asked, in wei."""
    return [offer.price_per_unit for offer in offers if offer.price_per_unit is not None]


# The leaderboard


def place(fact: Callable[[Ranked], float | None], *labels: str) -> Shows:
    """Score or rank."""

    def computed(seen: Seen, _: Edition) -> Truth:
        found: dict[Labels, float] = {
            (who,) if labels else (): value
            for who, one in seen.ranked(seen.moment).items()
            if (value := fact(one)) is not None
        }
        return exact(found)

    return Shows(computed, now=True)


# What testers say of themselves


def said(name: str, how: Callable[[list[float]], float], *labels: str, unit: float = 1) -> Shows:
    """Something of a gauge of all testers."""

    def computed(seen: Seen, _: Edition) -> Truth:
        groups = grouped(seen.samples(f"livepeer_ai_{name}"), _labelled(labels))
        return near({key: how([value for _, value in some]) / unit for key, some in groups}, 1e-9)

    return Shows(computed, now=True)


def ago(name: str, *labels: str) -> Shows:
    """How long ago a moment was, of several the longest."""

    def computed(seen: Seen, _: Edition) -> Truth:
        groups = grouped(seen.samples(f"livepeer_ai_{name}"), _labelled(labels))
        return exact({key: seen.stop - min(value for _, value in some) for key, some in groups})

    return Shows(computed, now=True)


def grown(name: str, *labels: str) -> Shows:
    """By how much a counter grew in the time.

    Between the scrapes that lie in it at least, at most from the last one before it.
    """

    def computed(seen: Seen, edition: Edition) -> Truth:
        low: dict[Labels, float] = {}
        high: dict[Labels, float] = {}
        for (*_, labelled), values in seen.shown.series.get(f"livepeer_ai_{name}", {}).items():
            key = _labelled(labels)((dict(labelled), 0))
            inside = [one for one in values if seen.start <= one[0] <= seen.stop]
            if not inside:
                continue
            before = [one for one in values if one[0] < seen.start][-1:]
            low[key] = low.get(key, 0) + _growth(inside[:-1])
            high[key] = high.get(key, 0) + _growth([*before, *inside])
        wider = 1 + COUNTED + 2 * SCRAPE / (seen.stop - seen.start)
        more = wider if edition is Edition.PROMETHEUS else 1
        return {key: Span(low[key], high[key] * more) for key in low}

    return Shows(computed)


def _growth(values: list[tuple[int, float]]) -> float:
    pairs = zip(values, values[1:], strict=False)
    return sum(now - before if now >= before else now for (_, before), (_, now) in pairs)


def _labelled(labels: tuple[str, ...]) -> Callable[[Sample], Labels]:
    return lambda sample: tuple(sample[0].get(label, "") for label in labels)

"""How far what Prometheus shows may be from the truth, and why. InfluxDB's numbers are exact.

Two things are taken for true of Prometheus' curves and are not bounds: a step is a window of
`$__rate_interval`, which is a scrape longer than the step, so that neighbours have that scrape in
common; and gauges are as they were at the end of a step, where InfluxDB has the most of the step.
"""

from bisect import bisect_left
from math import ceil, floor, isclose
from typing import Final

from exporter.alerting.kept import KEPT, PACE
from tests.dashboards.asking import Labels
from tests.dashboards.truths.question import Question, Values, place, split
from tests.dashboards.truths.truth import Truth
from tests.dashboards.who import RESTART, SCRAPE
from tests.measurements import SECOND

EXACT: Final = 1e-6
"""Of floats that were added up in another order."""
MEAN: Final = 0.01
"""Of ratios and means: both parts are extrapolated alike, but for series that begin or end."""
COUNT: Final = 0.02
"""Of counts of a whole range: `increase` extrapolates to the ends of each series by up to half a
scrape each; none here lasts less than an hour."""
STEP: Final = 0.12
"""Of counts of a step next to a pause of the scrapes: the same, of a shorter span."""


def wrong(truth: Truth, question: Question, shown: Values, *, whole: bool) -> str:
    """What is wrong with an answer of Prometheus; empty if nothing is.

    Where what is kept was asked, a sample comes every `PACE` and not every scrape, and all that is
    extrapolated is so over that much more.
    """
    expected = (truth.prometheus or truth.of)(question)
    lost = _LOST.get(truth.kind, _none)(question)
    wider = PACE / SCRAPE if question.picked.series == KEPT else 1.0
    if truth.values is not None:
        return _quantiles(truth, truth.values(question), expected, shown)
    for labels in expected.keys() | shown.keys():
        true, seen = expected.get(labels), shown.get(labels)
        if seen is None and true is not None and true - lost <= 0:
            continue
        if true is None or seen is None:
            return f"{labels}: {seen} instead of {true}"
        if not _close(truth, true, seen, lost, wider=wider, whole=whole):
            return f"{labels}: {seen} is not near {true}"
    return ""


def _close(
    truth: Truth, true: float, seen: float, lost: float, *, wider: float, whole: bool
) -> bool:
    if truth.kind == "exact":
        return isclose(true, seen, rel_tol=EXACT, abs_tol=EXACT)
    if truth.kind == "mean":
        return isclose(true, seen, rel_tol=MEAN * wider, abs_tol=EXACT)
    part = (COUNT if whole else STEP) * wider
    least = true * (1 - part) - lost - (0.5 if whole else EXACT)
    return least <= seen <= true * (1 + part) + (0.5 if whole else EXACT)


def _none(_: Question) -> float:
    return 0.0


def _unseen_reports(question: Question) -> float:
    """Who is but reported about is known by the first report: no counter is seen to rise by it."""
    if question.picked.origin == "own":
        return 0.0
    before = question.during(0, question.start).jobs(network=True)
    return float(len({place(job) for job in question.jobs()} - {place(job) for job in before}))


def _unseen_failures(question: Question) -> float:
    """Series of failures begin with 1. One that was there before the station started anew, and is
    1 again, did not rise as far as can be seen: one failure is lost for each of them.
    """
    if not question.start < RESTART + SCRAPE or not question.stop > RESTART:
        return 0.0
    of_first = question.during(question.first, question.stop).jobs(network=True)
    series = split(
        [job for job in of_first if not job.ok and job.tester == "tester-1"],
        ("orchestrator_address", "pipeline", "model_name", "outcome", "blame"),
    )
    return float(
        sum(
            any(job.started_at < RESTART * SECOND for job in some)
            and any(job.started_at >= RESTART * SECOND for job in some)
            for some in series.values()
        )
    )


_LOST: Final = {"failures": _unseen_failures, "count": _unseen_reports}


def _quantiles(
    truth: Truth, values: list[tuple[Labels, float]], expected: Values, shown: Values
) -> str:
    """A histogram tells in which bucket the value of a rank lies, and no more.

    Its rank is `share * n` where that of the values is `share * (n - 1)`, and the first job that it
    knows is not seen to come: so the rank may be off by one to both sides.
    """
    for labels in expected.keys() | shown.keys():
        ordered = sorted(value for key, value in values if key == labels)
        if not ordered or labels not in shown:
            return f"{labels}: {shown.get(labels)} instead of {expected.get(labels)}"
        rank = truth.share * (len(ordered) - 1)
        low = ordered[max(floor(rank) - 1, 0)]
        high = ordered[min(ceil(rank) + 1, len(ordered) - 1)]
        least, most = _bucket(truth.buckets, low)[0], _bucket(truth.buckets, high)[1]
        if not least <= shown[labels] * (1 + EXACT) or not shown[labels] <= most * (1 + EXACT):
            return f"{labels}: {shown[labels]} is not between {least} and {most}"
    return ""


def _bucket(buckets: tuple[float, ...], value: float) -> tuple[float, float]:
    """Where the bucket begins and ends in which a value lies; what is above all is their end."""
    above = min(bisect_left(buckets, value), len(buckets) - 1)
    return (buckets[above - 1] if above else 0.0), buckets[above]

"""The ranking of orchestrators that people see.

For each group of jobs, one (orchestrator, pipeline, model, region), the score is that of
`scoring`, with the median of its (pipeline, model). An orchestrator's score is the mean over its
models, each counting the same, of the mean over the regions in which the model was tested, each
counting the same. So neither a model that is tested more often nor a region with more testers
weighs more.

An orchestrator whose jobs all failed has a score of 0. One that is in the supply and has no job
that counts has no score at all: no data is not 0.
"""

from collections.abc import Iterable, Sequence

import msgspec

from exporter.leaderboard.scoring import score
from exporter.stores import Group, ModelMedian


class RankedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One model of an orchestrator in one region; times in seconds."""

    pipeline: str
    model: str
    region: str
    jobs: int
    success_rate: float
    round_trip_time: float | None
    median_round_trip_time: float | None
    """Of all orchestrators' good jobs of this model."""
    round_trip_score: float
    score: float


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """One orchestrator in the ranking; `None` everywhere where there is no data."""

    rank: int | None
    orchestrator: str
    score: float | None
    success_rate: float | None
    """Of all its jobs that count."""
    round_trip_score: float | None
    """Mean over models and regions, like the score."""
    round_trip_time: float | None
    """Mean over its good jobs of all models, seconds, gateways' first contacts left out."""
    jobs: int
    """Jobs that count."""
    groups: tuple[RankedGroup, ...]


def rank(
    groups: Iterable[Group], medians: Iterable[ModelMedian], expected: Iterable[str] = ()
) -> list[Ranked]:
    """The ranking, best first; those of `expected` without data at the end, without a rank."""
    by_model = {(median.pipeline, median.model): median.median for median in medians}
    found: dict[str, list[RankedGroup]] = {}
    for group in groups:
        median = by_model.get((group.pipeline, group.model))
        found.setdefault(group.orchestrator, []).append(_group(group, median))
    scored = sorted(
        (_entry(orchestrator, tuple(ones)) for orchestrator, ones in found.items()),
        key=lambda entry: (
            -(entry.score or 0.0),
            -(entry.success_rate or 0.0),
            -entry.jobs,
            entry.orchestrator,
        ),
    )
    ranked_entries = [
        msgspec.structs.replace(entry, rank=place) for place, entry in enumerate(scored, 1)
    ]
    return ranked_entries + [_no_data(name) for name in sorted(set(expected) - set(found))]


def _group(group: Group, median: float | None) -> RankedGroup:
    numbers = score(group, median)
    return RankedGroup(
        pipeline=group.pipeline,
        model=group.model,
        region=group.region,
        jobs=group.rows,
        success_rate=numbers.success_rate,
        round_trip_time=group.round_trip_time,
        median_round_trip_time=median,
        round_trip_score=numbers.round_trip_score,
        score=numbers.score,
    )


def _entry(orchestrator: str, groups: tuple[RankedGroup, ...]) -> Ranked:
    jobs = sum(group.jobs for group in groups)
    return Ranked(
        rank=None,
        orchestrator=orchestrator,
        score=_mean_over_models([(group, group.score) for group in groups]),
        success_rate=sum(group.success_rate * group.jobs for group in groups) / max(jobs, 1),
        round_trip_score=_mean_over_models([(group, group.round_trip_score) for group in groups]),
        round_trip_time=_mean_round_trip(groups),
        jobs=jobs,
        groups=groups,
    )


def _mean_over_models(values: Iterable[tuple[RankedGroup, float]]) -> float:
    models: dict[tuple[str, str], list[float]] = {}
    for group, value in values:
        models.setdefault((group.pipeline, group.model), []).append(value)
    return _mean([_mean(regions) for regions in models.values()])


def _mean_round_trip(groups: Iterable[RankedGroup]) -> float | None:
    """Weighted by good jobs, as only these have a round trip."""
    weighted = [
        (group.round_trip_time, group.success_rate * group.jobs)
        for group in groups
        if group.round_trip_time is not None
    ]
    total = sum(weight for _, weight in weighted)
    if total <= 0:
        return None
    return sum(time * weight for time, weight in weighted) / total


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _no_data(orchestrator: str) -> Ranked:
    return Ranked(
        rank=None,
        orchestrator=orchestrator,
        score=None,
        success_rate=None,
        round_trip_score=None,
        round_trip_time=None,
        jobs=0,
        groups=(),
    )

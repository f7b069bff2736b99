"""The shapes of the leaderboard API that the Livepeer Explorer reads.

Our own measurements have lower-case addresses and pipelines in display form (`Text to image`); what
others report is shown as they spelled it. All three numbers are always there, and an orchestrator
never has an empty map of regions. Our own endpoints without an ETH address do not appear.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from exporter.leaderboard.scoring import Score, ai_score, means_of, transcoding_score
from exporter.model import (
    NANOSECONDS,
    Measurement,
    Origin,
    Reported,
    ReportedError,
    is_eth_address,
    pipeline_display,
    seconds,
)
from exporter.stores import Served, SpelledGroup, TranscodingGroup
from exporter.stores.schema import counts, spelled_pipeline

GLOBAL: Final = {"id": "GLOBAL", "name": "Global", "type": "ai"}

Json = dict[str, object]
Scored = tuple[str, str, int, Score]
"""Orchestrator, region, rows of the group, and its numbers."""


class ScoredGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Means over one (orchestrator as spelled, region, pipeline, model); times in seconds."""

    orchestrator: str
    region: str
    pipeline: str
    shown_pipeline: str
    """Display form if one row has that, else one of the spellings."""
    model: str
    rows: int
    success_rate: float
    round_trip_time: float | None


def scored_groups(groups: Iterable[SpelledGroup]) -> list[ScoredGroup]:
    """Groups whose pipelines are spelled in several ways are one."""
    together: dict[tuple[str, str, str, str], list[SpelledGroup]] = {}
    for group in groups:
        key = (group.orchestrator, group.region, group.pipeline, group.model)
        together.setdefault(key, []).append(group)
    return [_scored(members) for members in together.values()]


def overflows(groups: Iterable[SpelledGroup] | Iterable[TranscodingGroup]) -> bool:
    """Whether a sum is beyond what a number can be: the answer is empty then, as the original's."""
    return any(not math.isfinite(number) for group in groups for number in _sums(group))


def aggregated_stats(
    groups: Sequence[SpelledGroup], median: float | None, *, of_global: bool = False
) -> dict[str, Json]:
    """`{orchestrator: {region: {success_rate, round_trip_score, score}}}` of AI jobs, in order.

    Where several models fall on one orchestrator and region, the one with the most jobs shows.
    The region GLOBAL is left out unless it is asked for (`of_global`): the Explorer would take
    it into the mean over the regions.
    """
    if overflows(groups):
        return {}
    return _by_orchestrator(
        (
            (
                one.orchestrator,
                one.region,
                one.rows,
                ai_score(one.success_rate, one.round_trip_time, median),
            )
            for one in scored_groups(groups)
        ),
        of_global=of_global,
    )


def transcoding_stats(
    groups: Sequence[TranscodingGroup], *, of_global: bool = False
) -> dict[str, Json]:
    """The same of results of transcoding."""
    if overflows(groups):
        return {}
    return _by_orchestrator(
        ((one.orchestrator, one.region, one.rows, transcoding_score(one)) for one in groups),
        of_global=of_global,
    )


def best_group(groups: Iterable[ScoredGroup]) -> ScoredGroup | None:
    """The group with the greatest success rate, then the shortest round trip; not the best score.

    Groups without a round trip come last among equals.
    """
    return min(
        groups,
        key=lambda group: (
            -group.success_rate,
            group.round_trip_time is None,
            group.round_trip_time or 0.0,
        ),
        default=None,
    )


def top_ai_score(group: ScoredGroup | None, median: float | None) -> Json:
    """The answer about an orchestrator's best group; `{}` if there is none."""
    if group is None:
        return {}
    return {
        "region": group.region,
        "orchestrator": group.orchestrator,
        "value": ai_score(group.success_rate, group.round_trip_time, median).score,
        "model": group.model,
        "pipeline": group.shown_pipeline,
    }


def shows(job: Measurement) -> bool:
    """Whether `raw_stats` has it: what counts, of whoever is known by an address or reported."""
    return counts(job) and (job.origin is not Origin.OWN or is_eth_address(job.orchestrator))


def raw_stats(jobs: Sequence[Measurement]) -> dict[str, list[Json]]:
    """`{region: [stat, …]}` of the jobs that are shown, in the order given within a region."""
    answer: dict[str, list[Json]] = {}
    for job in jobs:
        if shows(job):
            answer.setdefault(job.region, []).append(stat(job))
    return dict(sorted(answer.items()))


def of_orchestrator(answer: Mapping[str, Json], orchestrator: str) -> Json:
    """The finished answer, or (unless empty) one orchestrator's part of it."""
    return {name: found for name, found in answer.items() if orchestrator in ("", name)}


def pipelines(served: Iterable[Served], region: str = "") -> Json:
    """`{"pipelines": [{id, models, regions}]}`, everything sorted and each once.

    Of one region, or (empty) of all.
    """
    models: dict[str, set[str]] = {}
    regions: dict[str, set[str]] = {}
    for one in served:
        if region not in ("", one.region):
            continue
        name = one.spelled_pipeline or pipeline_display(one.pipeline)
        models.setdefault(name, set()).add(one.model)
        regions.setdefault(name, set()).add(one.region)
    return {
        "pipelines": [
            {"id": name, "models": sorted(models[name]), "regions": sorted(regions[name])}
            for name in sorted(models)
        ]
    }


def regions(
    configured: Sequence[Mapping[str, str]], found: Iterable[tuple[str, str]]
) -> list[dict[str, str]]:
    """`[{id, name, type}]`: the configured ones, and those that have results, by (id, type).

    `GLOBAL` is always among them, first if it is not configured: the Explorer starts with it.
    """
    entries = [dict(entry) for entry in configured]
    if not any(entry["id"] == "GLOBAL" and entry["type"] == "ai" for entry in entries):
        entries.insert(0, dict(GLOBAL))
    known = {(entry["id"], entry["type"]) for entry in entries}
    names = {entry["id"]: entry["name"] for entry in entries}
    more = sorted(set(found) - known)
    return entries + [{"id": id_, "name": names.get(id_, id_), "type": kind} for id_, kind in more]


def spelled_orchestrator(job: Measurement) -> str:
    """The orchestrator as whoever measured it spelled it."""
    reported = job.reported
    return (reported.orchestrator if reported is not None else None) or job.orchestrator


def stat(job: Measurement) -> Json:
    """One stat; the fields after `timestamp` are left out where they say nothing."""
    told = job.reported or Reported()
    warm = {"model_is_warm": True} if job.model_is_warm else {}
    optional: Json = {
        "seg_duration": told.seg_duration,
        "upload_time": _first(told.upload_time, seconds(job.phases.upload)),
        "download_time": _first(told.download_time, seconds(job.phases.download)),
        "transcode_time": told.transcode_time,
        "segments_sent": told.segments_sent,
        "segments_received": told.segments_received,
        "model": job.model,
        "pipeline": _shown_pipeline(job),
        "input_parameters": job.request,
        "response_payload": job.response,
    }
    return {
        "region": job.region,
        "orchestrator": spelled_orchestrator(job),
        "success_rate": job.success_rate,
        "round_trip_time": _first(told.round_trip_time, seconds(job.phases.round_trip)) or 0.0,
        "errors": _errors(job),
        "timestamp": _first(told.timestamp, job.started_at // NANOSECONDS),
        **{name: value for name, value in optional.items() if value},
        **warm,
    }


def _first(told: float | None, measured: float | None) -> float | None:
    return measured if told is None else told


def _shown_pipeline(job: Measurement) -> str:
    told = job.reported
    if job.transcoding and told is not None:
        return told.pipeline or job.pipeline
    return spelled_pipeline(job) or pipeline_display(job.pipeline)


def _errors(job: Measurement) -> list[Json] | None:
    if job.reported is not None and job.reported.errors is not None:
        return [_reported_error(error) for error in job.reported.errors]
    if job.reported is not None and job.reported.timestamp is not None:
        return None
    if job.ok:
        return []
    return [_reported_error(ReportedError(job.outcome.value, job.message, 1))]


def _reported_error(error: ReportedError) -> Json:
    message = {"message": error.message} if error.message else {}
    return {"error_code": error.error_code, **message, "count": error.count}


def _scored(members: Sequence[SpelledGroup]) -> ScoredGroup:
    first = members[0]
    means = means_of(members)
    # In order, which has no spelling first: that is the display form.
    spelled = (
        None
        if any(one.spelled_pipeline is None for one in members)
        else min(one.spelled_pipeline or "" for one in members)
    )
    return ScoredGroup(
        orchestrator=first.orchestrator,
        region=first.region,
        pipeline=first.pipeline,
        shown_pipeline=spelled or pipeline_display(first.pipeline),
        model=first.model,
        rows=means.rows,
        success_rate=means.success_rate,
        round_trip_time=means.round_trip_time,
    )


def _sums(group: SpelledGroup | TranscodingGroup) -> tuple[float, ...]:
    if isinstance(group, SpelledGroup):
        return group.success, group.time
    return group.success_rate, group.round_trip_time, group.seg_duration


def _by_orchestrator(scored: Iterable[Scored], *, of_global: bool) -> dict[str, Json]:
    shown: dict[tuple[str, str], tuple[int, Score]] = {}
    for orchestrator, region, rows, numbers in scored:
        key = (orchestrator, region)
        if (region != "GLOBAL" or of_global) and (key not in shown or rows > shown[key][0]):
            shown[key] = rows, numbers
    answer: dict[str, Json] = {}
    for (orchestrator, region), (_, numbers) in sorted(shown.items()):
        answer.setdefault(orchestrator, {})[region] = {
            "success_rate": numbers.success_rate,
            "round_trip_score": numbers.round_trip_score,
            "score": numbers.score,
        }
    return answer

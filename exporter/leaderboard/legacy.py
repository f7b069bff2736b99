"""The shapes of the leaderboard API that the Livepeer Explorer reads.

Keys are lower-case addresses, pipelines have their display form (`Text to image`), all three
numbers are always there, and an orchestrator never has an empty map of regions. Endpoints without
an ETH address do not appear.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from exporter.leaderboard.scoring import Score, score
from exporter.model import NANOSECONDS, Measurement, is_eth_address, pipeline_display, seconds
from exporter.stores import Group, Served

GLOBAL: Final = {"id": "GLOBAL", "name": "Global", "type": "ai"}

Json = dict[str, object]


def aggregated_stats(groups: Iterable[Group], median: float | None) -> dict[str, Json]:
    """`{orchestrator: {region: {success_rate, round_trip_score, score}}}`, keys in order.

    Where several models fall on one orchestrator and region, the one with the most jobs shows.
    """
    shown: dict[tuple[str, str], Group] = {}
    for group in groups:
        key = (group.orchestrator, group.region)
        if is_eth_address(group.orchestrator) and (
            key not in shown or group.rows > shown[key].rows
        ):
            shown[key] = group
    answer: dict[str, Json] = {}
    for (orchestrator, region), group in sorted(shown.items()):
        answer.setdefault(orchestrator, {})[region] = _entry(score(group, median))
    return answer


def best_group(groups: Iterable[Group]) -> Group | None:
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


def top_ai_score(group: Group | None, median: float | None) -> Json:
    """The answer about an orchestrator's best group; `{}` if there is none."""
    if group is None or not is_eth_address(group.orchestrator):
        return {}
    return {
        "region": group.region,
        "orchestrator": group.orchestrator,
        "value": score(group, median).score,
        "model": group.model,
        "pipeline": pipeline_display(group.pipeline),
    }


def raw_stats(jobs: Sequence[Measurement]) -> dict[str, list[Json]]:
    """`{region: [stat, …]}` of the jobs that count, in the order given within a region."""
    answer: dict[str, list[Json]] = {}
    for job in jobs:
        if job.counts and is_eth_address(job.orchestrator):
            answer.setdefault(job.region, []).append(stat(job))
    return dict(sorted(answer.items()))


def stat(job: Measurement) -> Json:
    """One stat, as `raw_stats` gives it; what says nothing after `timestamp` is left out."""
    optional: Json = {
        "upload_time": seconds(job.phases.upload),
        "download_time": seconds(job.phases.download),
        "model": job.model,
        "pipeline": pipeline_display(job.pipeline),
        "input_parameters": job.request,
        "response_payload": job.response,
        "model_is_warm": job.model_is_warm,
    }
    return {
        "region": job.region,
        "orchestrator": job.orchestrator,
        "success_rate": 1.0 if job.ok else 0.0,
        "round_trip_time": seconds(job.phases.round_trip) or 0.0,
        "errors": [] if job.ok else [_error(job)],
        "timestamp": job.started_at // NANOSECONDS,
        **{name: value for name, value in optional.items() if value},
    }


def pipelines(served: Iterable[Served]) -> Json:
    """`{"pipelines": [{id, models, regions}]}`, everything sorted and each once."""
    models: dict[str, set[str]] = {}
    regions: dict[str, set[str]] = {}
    for one in served:
        name = pipeline_display(one.pipeline)
        models.setdefault(name, set()).add(one.model)
        regions.setdefault(name, set()).add(one.region)
    return {
        "pipelines": [
            {"id": name, "models": sorted(models[name]), "regions": sorted(regions[name])}
            for name in sorted(models)
        ]
    }


def regions(configured: Sequence[Mapping[str, str]], served: Iterable[Served]) -> Json:
    """`{"regions": [{id, name, type}]}`: the configured ones, and those that have results.

    `GLOBAL` is always among them, first if it is not configured: the Explorer starts with it.
    """
    entries = [dict(entry) for entry in configured]
    if not any(entry["id"] == "GLOBAL" and entry["type"] == "ai" for entry in entries):
        entries.insert(0, dict(GLOBAL))
    known = {entry["id"] for entry in entries if entry["type"] == "ai"}
    found = sorted({one.region for one in served} - known)
    entries += [{"id": region, "name": region, "type": "ai"} for region in found]
    return {"regions": entries}


def _entry(numbers: Score) -> Json:
    return {
        "success_rate": numbers.success_rate,
        "round_trip_score": numbers.round_trip_score,
        "score": numbers.score,
    }


def _error(job: Measurement) -> Json:
    message = {"message": job.message} if job.message else {}
    return {"error_code": job.outcome.value, **message, "count": 1}

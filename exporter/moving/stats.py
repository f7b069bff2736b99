"""The stats of a leaderboard's `raw_stats`, and the measurements that they become."""

from collections.abc import Iterable
from typing import Final

import msgspec

from exporter.leaderboard import legacy
from exporter.leaderboard.reported import verdict
from exporter.leaderboard.stat import Key, Stat
from exporter.model import (
    NANOSECONDS,
    Measurement,
    Origin,
    Outcome,
    Reported,
    ReportedError,
    normal_orchestrator,
    pipeline_uri,
)
from exporter.moving.foreign import phases
from exporter.moving.identity import Occurrence, identity

_MESSAGE: Final = 2000


class _Told(msgspec.Struct):
    """What we told of a job of ours."""

    region: str
    orchestrator: str
    round_trip_time: float
    timestamp: int
    model: str = ""


def measurement(
    stat: Stat,
    *,
    source: str,
    tester: str,
    occurrence: Occurrence,
    origin: Origin = Origin.IMPORTED,
) -> Measurement:
    """The measurement that a stat becomes; its time is the timestamp, whatever that is."""
    orchestrator, pipeline = normal_orchestrator(stat.orchestrator), pipeline_uri(stat.pipeline)
    errors = None if stat.errors is None else tuple(e or ReportedError() for e in stat.errors)
    outcome, blame = verdict(stat.success_rate)
    return Measurement(
        id=identity(source, stat.content, occurrence),
        origin=origin,
        tester=tester,
        region=stat.region.upper(),
        orchestrator=orchestrator,
        pipeline=pipeline,
        model=stat.model,
        started_at=stat.timestamp * NANOSECONDS,
        outcome=outcome,
        blame=blame,
        message="" if outcome is Outcome.OK else _message(errors or ()),
        phases=phases({"upload_time": stat.upload_time, "download_time": stat.download_time}),
        model_is_warm=True if stat.model_is_warm else None,
        request=stat.input_parameters,
        response=stat.response_payload,
        reported=Reported(
            orchestrator=None if stat.orchestrator == orchestrator else stat.orchestrator,
            pipeline=None if stat.pipeline == pipeline else stat.pipeline,
            success_rate=stat.success_rate,
            round_trip_time=stat.round_trip_time,
            timestamp=stat.timestamp,
            errors=errors,
            upload_time=stat.upload_time or None,
            download_time=stat.download_time or None,
            transcode_time=stat.transcode_time or None,
            seg_duration=stat.seg_duration or None,
            segments_sent=stat.segments_sent or None,
            segments_received=stat.segments_received or None,
        ),
    )


def own_keys(jobs: Iterable[Measurement]) -> set[Key]:
    """What our own jobs look like on a leaderboard that has them from us."""
    ours = [job for job in jobs if job.origin is Origin.OWN]
    plain = legacy.raw_stats(ours)
    told = msgspec.convert(plain, dict[str, list[_Told]])
    return {
        (stat.orchestrator, stat.model, stat.region.upper(), stat.timestamp, stat.round_trip_time)
        for stats in told.values()
        for stat in stats
    }


def _message(errors: tuple[ReportedError, ...]) -> str:
    first = next(iter(errors), ReportedError())
    return (first.message or first.error_code)[:_MESSAGE]

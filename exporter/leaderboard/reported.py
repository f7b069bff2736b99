"""What others report about a job, as a measurement."""

from typing import Final

from exporter.leaderboard.go_json_reader import PostedStat
from exporter.leaderboard.stat import Stat
from exporter.model import (
    NANOSECONDS,
    Blame,
    Measurement,
    Origin,
    Outcome,
    Phases,
    Reported,
    ReportedError,
    normal_orchestrator,
    pipeline_uri,
)

_MESSAGE: Final = 2000
_LONGEST_PHASE: Final = 30 * 86400.0


def verdict(success_rate: float) -> tuple[Outcome, Blame | None]:
    """Outcome and blame of a job that others report.

    Who reports a failure says that the orchestrator failed: that is what a leaderboard is for. Of
    a job that succeeded in part it is not known whether it was the orchestrator.
    """
    if success_rate >= 1:
        return Outcome.OK, None
    return Outcome.REPORTED_FAILURE, (Blame.ORCHESTRATOR if success_rate <= 0 else Blame.UNKNOWN)


def measurement(
    stat: Stat | PostedStat,
    errors: tuple[ReportedError, ...] | None,
    *,
    id_: str,
    origin: Origin,
    tester: str,
    started_at: int,
) -> Measurement:
    """The measurement that a stat becomes, with its errors; nothing of it is corrected.

    `started_at` is Unix nanoseconds.
    """
    orchestrator, pipeline = normal_orchestrator(stat.orchestrator), pipeline_uri(stat.pipeline)
    outcome, blame = verdict(stat.success_rate)
    return Measurement(
        id=id_,
        origin=origin,
        tester=tester,
        region=stat.region.upper(),
        orchestrator=orchestrator,
        pipeline=pipeline,
        model=stat.model,
        started_at=started_at,
        outcome=outcome,
        blame=blame,
        message="" if outcome is Outcome.OK else _message(errors or ()),
        phases=Phases(upload=_phase(stat.upload_time), download=_phase(stat.download_time)),
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


def _phase(seconds: float) -> int | None:
    """A time as a phase in nanoseconds; what cannot be one is only kept as it was reported."""
    return round(seconds * NANOSECONDS) if 0 < seconds <= _LONGEST_PHASE else None


def _message(errors: tuple[ReportedError, ...]) -> str:
    first = next(iter(errors), ReportedError())
    return (first.message or first.error_code)[:_MESSAGE]

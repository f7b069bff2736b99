"""From a stat that somebody posted to a measurement, and what of it cannot be taken."""

from typing import Final

from exporter.leaderboard.go_json_reader import PostedStat
from exporter.leaderboard.reported import verdict
from exporter.model import (
    NANOSECONDS,
    Measurement,
    Origin,
    Outcome,
    Phases,
    Reported,
    ReportedError,
    normal_orchestrator,
    pipeline_uri,
)

ORCHESTRATOR_LIMIT: Final = 56
"""Characters of an orchestrator, as in the original."""
NAME_LIMIT: Final = 2000
"""Bytes of a pipeline, and of a model; the original takes some kilobytes."""
_MESSAGE: Final = 2000
_LONGEST_PHASE: Final = 30 * 86400.0


class UnstorableError(ValueError):
    """A stat that the original could not store, either; the message says why."""


def job_type(stat: PostedStat) -> str:
    """`ai` if it names both a pipeline and a model, else `transcoding`."""
    return "ai" if stat.model and stat.pipeline else "transcoding"


def measurement(stat: PostedStat, *, id_: str, tester: str, received_at: int) -> Measurement:
    """The measurement that a stat becomes: its time is that of receipt, Unix nanoseconds.

    Nothing of it is corrected. Raises `UnstorableError`.
    """
    _check(stat)
    orchestrator, pipeline = normal_orchestrator(stat.orchestrator), pipeline_uri(stat.pipeline)
    outcome, blame = verdict(stat.success_rate)
    errors = None
    if stat.errors is not None:
        errors = tuple(ReportedError(one.error_code, one.message, one.count) for one in stat.errors)
    return Measurement(
        id=id_,
        origin=Origin.POSTED,
        tester=tester,
        region=stat.region,
        orchestrator=orchestrator,
        pipeline=pipeline,
        model=stat.model,
        started_at=received_at,
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


def _check(stat: PostedStat) -> None:
    if len(stat.orchestrator) > ORCHESTRATOR_LIMIT:
        raise UnstorableError(f"orchestrator is longer than {ORCHESTRATOR_LIMIT} characters")
    for name in ("pipeline", "model"):
        if len(getattr(stat, name).encode()) > NAME_LIMIT:
            raise UnstorableError(f"{name} is longer than {NAME_LIMIT} bytes")
    texts = [stat.orchestrator, stat.pipeline, stat.model]
    texts += [stat.input_parameters, stat.response_payload]
    texts += [text for one in stat.errors or () for text in (one.error_code, one.message)]
    if any("\0" in text for text in texts):
        raise UnstorableError("a text holds U+0000, which cannot be stored")


def _phase(seconds: float) -> int | None:
    """A time as a phase in nanoseconds; what cannot be one is only kept as it was reported."""
    return round(seconds * NANOSECONDS) if 0 < seconds <= _LONGEST_PHASE else None


def _message(errors: tuple[ReportedError, ...]) -> str:
    first = errors[0] if errors else ReportedError()
    return (first.message or first.error_code)[:_MESSAGE]

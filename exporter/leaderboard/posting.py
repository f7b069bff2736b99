"""From a stat that somebody posted to a measurement, and what of it cannot be taken."""

from typing import Final

from exporter.leaderboard import reported
from exporter.leaderboard.go_json_reader import PostedStat
from exporter.model import Measurement, Origin, ReportedError

ORCHESTRATOR_LIMIT: Final = 56
"""Characters of an orchestrator, as in the original."""
NAME_LIMIT: Final = 2000
"""Bytes of a pipeline, and of a model; the original takes some kilobytes."""


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
    errors = None
    if stat.errors is not None:
        errors = tuple(ReportedError(one.error_code, one.message, one.count) for one in stat.errors)
    return reported.measurement(
        stat, errors, id_=id_, origin=Origin.POSTED, tester=tester, started_at=received_at
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

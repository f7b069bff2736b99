"""Bringing the embedded store's file from an older format to the present one, where it lies."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

log = logging.getLogger(__name__)

FORMAT: Final = 5
"""The format that this version writes; it stands in the file's table `meta`."""

_COUNTS: Final = "(outcome = 'ok' AND blame IS NULL) OR blame = 'orchestrator' OR origin <> 'own'"
_SCORED_SUCCESS: Final = f"CASE WHEN {_COUNTS} THEN success_rate END"
_SCORED_TIME: Final = f"CASE WHEN {_COUNTS} THEN scored_time END"
_MEDIAN_TIME: Final = "CASE WHEN success_rate = 1 AND scored_time <> 0 THEN scored_time END"
_SUCCEEDED_AT: Final = "CASE WHEN outcome = 'ok' AND blame IS NULL THEN time END"
_TRANSCODING: Final = (
    "time BIGINT NOT NULL, outbox VARCHAR NOT NULL, seq BIGINT NOT NULL, "
    "orchestrator VARCHAR NOT NULL, region VARCHAR NOT NULL, pipeline VARCHAR NOT NULL, "
    "model VARCHAR NOT NULL, outcome VARCHAR NOT NULL, tester VARCHAR NOT NULL, "
    "origin VARCHAR NOT NULL, job_id VARCHAR, success_rate DOUBLE, round_trip_time DOUBLE, "
    "seg_duration DOUBLE, upload_time DOUBLE, download_time DOUBLE, transcode_time DOUBLE, "
    "segments_sent BIGINT, segments_received BIGINT, error_message VARCHAR, "
    "payload VARCHAR NOT NULL USING COMPRESSION zstd"
)

_TOLD: Final = "json_extract_string(payload, '$.reported.{}')"
_SPELLED_ORCHESTRATOR: Final = f"nullif({_TOLD.format('orchestrator')}, orchestrator)"
_SPELLED_PIPELINE: Final = (
    f"nullif(coalesce({_TOLD.format('pipeline')}, "
    f"CASE WHEN {_TOLD.format('timestamp')} IS NOT NULL THEN pipeline END), "
    "upper(left(replace(pipeline, '-', ' '), 1)) || lower(substr(replace(pipeline, '-', ' '), 2)))"
)

_UPDATE: Final = (
    "UPDATE {} SET spelled_orchestrator = {}, spelled_pipeline = {} WHERE origin <> 'own'"
)

_STEPS: Final[Mapping[int, tuple[str, ...]]] = {
    1: (
        "ALTER TABLE ai_job ADD COLUMN scored_time DOUBLE",
        "ALTER TABLE ai_job ADD COLUMN session_setup_time DOUBLE",
        "ALTER TABLE ai_job ADD COLUMN attempts BIGINT",
        "ALTER TABLE ai_job ADD COLUMN fee DOUBLE",
        "ALTER TABLE ai_job ADD COLUMN lane_version VARCHAR",
        # Rewriting the column takes less than half the time of an UPDATE, and less memory.
        "ALTER TABLE ai_job ALTER scored_time SET DATA TYPE DOUBLE USING round_trip_time",
    ),
    2: (
        "ALTER TABLE ai_job ADD COLUMN proof VARCHAR",
        "ALTER TABLE ai_job ADD COLUMN exempt VARCHAR",
    ),
    3: (
        "ALTER TABLE ai_job ADD COLUMN scored_success DOUBLE",
        "ALTER TABLE ai_job ADD COLUMN median_time DOUBLE",
        "ALTER TABLE ai_job ADD COLUMN succeeded_at BIGINT",
        f"ALTER TABLE ai_job ALTER scored_success SET DATA TYPE DOUBLE USING {_SCORED_SUCCESS}",
        f"ALTER TABLE ai_job ALTER scored_time SET DATA TYPE DOUBLE USING {_SCORED_TIME}",
        f"ALTER TABLE ai_job ALTER median_time SET DATA TYPE DOUBLE USING {_MEDIAN_TIME}",
        f"ALTER TABLE ai_job ALTER succeeded_at SET DATA TYPE BIGINT USING {_SUCCEEDED_AT}",
        f"CREATE TABLE transcoding_job ({_TRANSCODING})",
    ),
    4: tuple(
        statement
        for table, pipeline in (("ai_job", _SPELLED_PIPELINE), ("transcoding_job", "NULL"))
        for statement in (
            f"ALTER TABLE {table} ADD COLUMN spelled_orchestrator VARCHAR",
            f"ALTER TABLE {table} ADD COLUMN spelled_pipeline VARCHAR",
            _UPDATE.format(table, _SPELLED_ORCHESTRATOR, pipeline),
        )
    ),
}
"""What makes a file of a format one of the next. Never changed once released."""


def can_be_upgraded(found: int) -> bool:
    """Whether this version knows the way from that format to its own."""
    return all(step in _STEPS for step in range(found, FORMAT))


def upgrade(connection: "DuckDBPyConnection", path: Path, found: int) -> None:
    """Bring the file from the format found to `FORMAT`, in one transaction.

    Raises `duckdb.Error` if it cannot be done; the file then has the format that it had.
    """
    log.warning(
        "the store has an older format and is being upgraded; older versions of this program will "
        "refuse it",
        extra={"store": str(path), "format": found, "to": FORMAT},
    )
    connection.begin()
    for number in range(found, FORMAT):
        for statement in _STEPS[number]:
            connection.execute(statement)
    connection.execute("UPDATE meta SET value = $format WHERE key = 'format'", {"format": FORMAT})
    connection.commit()
    log.info("the store is upgraded", extra={"store": str(path)})

"""Bringing the embedded store's file from an older format to the present one, where it lies."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

log = logging.getLogger(__name__)

FORMAT: Final = 3
"""The format that this version writes; it stands in the file's table `meta`."""

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

"""Moments as people write them, on the command line and in queries."""

import re
from datetime import UTC, datetime
from typing import Final

from exporter.model import NANOSECONDS

_AGO: Final = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_SECONDS: Final = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?", re.ASCII)
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: str, *, now: int) -> int | None:
    """Unix nanoseconds of Unix seconds (`1790000000.5`) or of a time ago (`30m`, `24h`, `7d`).

    `now` is Unix nanoseconds; `None` for anything else.
    """
    if ago := _AGO.fullmatch(text):
        return now - int(ago[1]) * _UNITS[ago[2]] * NANOSECONDS
    if written := _SECONDS.fullmatch(text):
        size = int(written[2]) * NANOSECONDS + int((written[3] or "").ljust(9, "0"))
        return -size if written[1] else size
    return None


def iso_moment(text: str) -> int | None:
    """Unix nanoseconds of an ISO 8601 date or time, UTC where it names no zone; else `None`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return of_datetime(found)


def of_datetime(found: datetime) -> int:
    """Unix nanoseconds of a point in time, UTC where it has no zone."""
    since = (found if found.tzinfo else found.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86400 + since.seconds) * NANOSECONDS + since.microseconds * 1000


def seconds_text(moment: int) -> str:
    """Unix nanoseconds as Unix seconds that `moment` reads back exactly."""
    sign, size = ("-", -moment) if moment < 0 else ("", moment)
    return f"{sign}{size // NANOSECONDS}.{size % NANOSECONDS:09d}"

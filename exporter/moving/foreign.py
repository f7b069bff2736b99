"""Records of files of others: results without the measurement itself."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

import msgspec
from pydantic import TypeAdapter, ValidationError

from exporter.model import (
    NANOSECONDS,
    Measurement,
    Origin,
    Outcome,
    Phases,
    Reported,
    normal_orchestrator,
    pipeline_uri,
)
from exporter.moments import iso_moment, moment, of_datetime
from exporter.moving import MovingError
from exporter.moving.conversion import Reader
from exporter.moving.days import DAY
from exporter.moving.identity import Occurrence, identity
from exporter.moving.table import Record, Table
from exporter.moving.whole import MARK
from exporter.settings.types import TesterName
from exporter.stores import Row

REQUIRED: Final = ("orchestrator", "region", "pipeline", "model")
TIMES: Final = ("time", "timestamp")
RESULTS: Final = ("success_rate", "outcome")
PHASES: Final = (
    *("dns_time", "connect_time", "tls_time", "upload_time", "inference_time", "download_time"),
    "tester_time",
)
_NUMBERS: Final = ("round_trip_time", "transcode_time", "seg_duration")
_COUNTS: Final = ("segments_sent", "segments_received")
KNOWN: Final = (
    *(*TIMES, *REQUIRED, *RESULTS, *_NUMBERS[:1], *PHASES),
    *("error_message", "model_is_warm", *_NUMBERS[1:], *_COUNTS),
)
"""Columns that are read; others are passed over."""

EARLIEST: Final = 946_684_800 * NANOSECONDS
"""The year 2000: an earlier time is taken for one in another unit."""
NAME_LIMIT: Final = 300
_TESTER: Final = TypeAdapter[str](TesterName)
_LONGEST_PHASE: Final = 30 * 86400.0


class Origins(NamedTuple):
    """What the measurements of a file are made of besides the file."""

    tester: str
    now: int
    """Unix nanoseconds."""
    occurrence: Occurrence


def unknown(table: Table) -> list[str]:
    """The columns that are passed over."""
    return [name for name in table.columns if name not in KNOWN]


def rows(table: Table, name: str, origins: Origins) -> Iterator[tuple[str, Row]]:
    """Each row as a measurement, with its place. Raises `MovingError`."""
    _check(table, name)
    reader = _Foreign(name, origins)
    columns = [column for column in KNOWN if column in table.columns]
    for number, record in enumerate(table.records(columns), 1):
        yield record.place, Row(f"imported:{origins.tester}", number, reader.measurement(record))


def _check(table: Table, name: str) -> None:
    needed = [
        *(
            " or ".join(group)
            for group in (TIMES, RESULTS)
            if not any(column in table.columns for column in group)
        ),
        *(column for column in REQUIRED if column not in table.columns),
    ]
    if needed:
        noun = "column" if len(needed) == 1 else "columns"
        raise MovingError(
            f"{name}: lacks the {noun} {', '.join(needed)}; it has "
            f"{', '.join(table.columns)[:500] or 'none'}. Known are {', '.join(KNOWN)}; an export "
            f"of this program has {MARK}"
        )


class _Foreign(Reader):
    def __init__(self, name: str, origins: Origins) -> None:
        super().__init__(name)
        self._origins = origins

    def measurement(self, record: Record) -> Measurement:
        rate, outcome = self.number(record, "success_rate"), self._outcome(record)
        if outcome is None:
            if rate is None:
                raise self.wrong(record, "success_rate or outcome: both are empty")
            outcome = Outcome.OK if rate >= 1 else Outcome.REPORTED_FAILURE
        orchestrator, pipeline = (
            self._label(record, "orchestrator"),
            self._label(record, "pipeline"),
        )
        region, model = self._label(record, "region").upper(), self._label(record, "model")
        if not orchestrator or not region:
            raise self.wrong(record, f"{'region' if orchestrator else 'orchestrator'}: is empty")
        canonical = normal_orchestrator(orchestrator), pipeline_uri(pipeline)
        numbers = {name: self.number(record, name) for name in (*PHASES, *_NUMBERS)}
        reported = Reported(
            orchestrator=None if orchestrator == canonical[0] else orchestrator,
            pipeline=None if pipeline == canonical[1] else pipeline,
            success_rate=rate,
            round_trip_time=numbers["round_trip_time"],
            upload_time=numbers["upload_time"],
            download_time=numbers["download_time"],
            transcode_time=numbers["transcode_time"],
            seg_duration=numbers["seg_duration"],
            segments_sent=self.integer(record, "segments_sent"),
            segments_received=self.integer(record, "segments_received"),
        )
        made = Measurement(
            id="",
            origin=Origin.IMPORTED,
            tester=self._origins.tester,
            region=region.upper(),
            orchestrator=canonical[0],
            pipeline=canonical[1],
            model=model,
            started_at=self._time(record),
            outcome=outcome,
            message=self.text(record, "error_message") or "",
            model_is_warm=self.flag(record, "model_is_warm"),
            phases=phases({name: numbers[name] for name in PHASES}),
            reported=reported,
        )
        content = msgspec.json.encode(made)
        own = identity(self._origins.tester, content, self._origins.occurrence)
        return msgspec.structs.replace(made, id=own)

    def _outcome(self, record: Record) -> Outcome | None:
        text = self.text(record, "outcome")
        if text is None:
            return None
        try:
            return Outcome(text)
        except ValueError:
            raise self.mistyped(record, "outcome", f"one of {', '.join(Outcome)}") from None

    def _label(self, record: Record, column: str) -> str:
        text = (self.text(record, column) or "").strip()
        if len(text) > NAME_LIMIT:
            raise self.wrong(record, f"{column}: is longer than {NAME_LIMIT} characters")
        return text

    def _time(self, record: Record) -> int:
        column = next((name for name in TIMES if record.values.get(name) is not None), None)
        if column is None:
            raise self.wrong(record, f"{' or '.join(TIMES)}: is empty")
        found = self._moment(record, column)
        if not EARLIEST <= found <= self._origins.now + DAY:
            unit = "nanoseconds" if column == "time" else "seconds"
            raise self.wrong(
                record,
                f"{column}: {record.values[column]} is not between the year 2000 and tomorrow, as "
                f"Unix {unit}",
            )
        return found

    def _moment(self, record: Record, column: str) -> int:
        """Of `time` nanoseconds, of `timestamp` seconds, of both ISO 8601."""
        value = record.values[column]
        if isinstance(value, datetime):
            return of_datetime(value)
        if isinstance(value, str) and (iso := iso_moment(value)) is not None and "-" in value:
            return iso
        if column == "time":
            return self.integer(record, column) or 0
        if isinstance(value, str) and (exact := moment(value, now=self._origins.now)) is not None:
            return exact
        seconds = self.number(record, column)
        return round((seconds or 0.0) * 1_000_000) * 1000


def phases(reported: dict[str, float | None]) -> Phases:
    """Phases that others report in seconds, by column; what cannot be one is left out."""
    return Phases(
        **{
            name.removesuffix("_time"): round(seconds * NANOSECONDS)
            for name, seconds in reported.items()
            if seconds is not None and 0 < seconds <= _LONGEST_PHASE
        }
    )


def tester_name(text: str) -> str:
    """A tester's name, as the settings have it. Raises `MovingError`."""
    try:
        return _TESTER.validate_python(text)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise MovingError(f"--tester: {said}") from error

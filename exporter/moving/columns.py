"""The columns of an exported file: those of both series, and what makes the way back lossless."""

from typing import Final

from exporter.moving.tally import canonical
from exporter.stores import Row
from exporter.stores.schema import FIELDS, TRANSCODING_FIELDS, Kind, Value, fields_of

_MERGED: Final = {field.name: field.kind for field in (*FIELDS, *TRANSCODING_FIELDS)}

COLUMNS: Final[dict[str, Kind]] = {
    "series": "text",
    "time": "integer",
    "outbox": "text",
    "seq": "integer",
    **_MERGED,
    "payload": "text",
}
"""Every column in order, with its type."""

WHOLE: Final[dict[str, Kind]] = {name: COLUMNS[name] for name in ("outbox", "seq", "payload")}
"""The columns that are read back."""


def values(row: Row) -> list[Value]:
    """What a row has in each of `COLUMNS`; `None` where its series has no such column."""
    one = row.measurement
    series, fields = fields_of(one)
    found = {field.name: field.value(one) for field in fields}
    return [
        series,
        one.started_at,
        row.outbox,
        row.seq,
        *(found.get(name) for name in _MERGED),
        canonical(one).decode(),
    ]

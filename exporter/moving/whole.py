"""Records of an exported file: each has the very measurement."""

from collections.abc import Iterator
from typing import Final

import msgspec

from exporter.model import decode
from exporter.moving import MovingError
from exporter.moving.columns import WHOLE
from exporter.moving.conversion import Reader
from exporter.moving.table import Record, Table
from exporter.stores import Row
from exporter.stores.schema import OUT_OF_RANGE, storable

MARK: Final = "payload"
"""The column that only exported files have."""


def rows(table: Table, name: str) -> Iterator[tuple[str, Row]]:
    """Each row with its place. Raises `MovingError`."""
    if lacking := [column for column in WHOLE if column not in table.columns]:
        raise MovingError(
            f"{name}: has the column {MARK} of an export, and lacks {', '.join(lacking)}"
        )
    reader = Reader(name)
    for record in table.records(tuple(WHOLE)):
        yield record.place, _row(reader, record)


def _row(reader: Reader, record: Record) -> Row:
    payload, seq = reader.text(record, "payload"), reader.integer(record, "seq")
    outbox = reader.text(record, "outbox") or ""
    if payload is None or seq is None:
        raise reader.wrong(record, f"{'seq' if payload else 'payload'}: is empty")
    try:
        measurement = decode(payload.encode())
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise reader.wrong(record, f"payload: is not a measurement ({error})") from error
    if not storable(measurement):
        raise reader.wrong(record, OUT_OF_RANGE)
    return Row(outbox, seq, measurement)

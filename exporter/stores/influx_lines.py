"""Line protocol: what a measurement looks like as a point of InfluxDB.

A point is known by its series (the tags) and its time; another one with the same overwrites it
without a word. So the time of a point is the second in which its job started, and within that a
place that is made of the measurement's id. Two of one series that start in the same second fall
together once in a billion. The start itself is the field `started_at`, which windows compare.

A point is made of the measurement alone: writing it again, from wherever, leaves one.
"""

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from exporter.model import Measurement, encode
from exporter.stores import Row
from exporter.stores.schema import INT64, Field, Kind, Value, failed, fields_of, succeeded

SLACK: Final = 1_000_000_000
"""Nanoseconds of a second: the time of a point lies in the same one as the start of its job."""
EMPTY: Final = "%"
"""The value of a tag that is empty, which line protocol cannot say."""

ROW_FIELDS: Final[dict[str, Kind]] = {
    "started_at": "integer",
    "outbox": "text",
    "seq": "integer",
    "success_seq": "integer",
    "failure_seq": "integer",
    "payload": "text",
}
"""The fields of every point beside those of the field list. `success_seq` and `failure_seq` repeat
`seq` where a job ends a streak of failures, or makes it longer."""

_ENCODED: Final = re.compile(r"[\x00-\x1f\x7f%\\]")
_DECODED: Final = re.compile(r"%([0-9A-F]{2})")


class _Layout(NamedTuple):
    """The columns of a series: its tags, in the order that the server likes best, and the rest."""

    tags: tuple[Field, ...]
    fields: tuple[tuple[str, Callable[[Any], str | None], Callable[[Measurement], Value]], ...]
    """What the value stands behind, how it is written, and where it comes from."""


@cache
def _layout(fields: tuple[Field, ...]) -> _Layout:
    return _Layout(
        tuple(sorted((field for field in fields if field.tag), key=lambda field: field.name)),
        tuple(
            (f"{field.name}=", _WRITERS[field.kind], field.get) for field in fields if not field.tag
        ),
    )


def line(row: Row) -> str:
    """The point of a row, without the end of the line."""
    one = row.measurement
    series, fields = fields_of(one)
    layout = _layout(fields)
    tags = ",".join(
        [_tag(tag.name, str(text)) for tag in layout.tags if (text := tag.get(one)) is not None]
    )
    values = [
        begin + text
        for begin, write, get in layout.fields
        if (value := get(one)) is not None and (text := write(value)) is not None
    ]
    payload = _text(encode(msgspec.structs.replace(one, steps=())).decode())
    values.append(f"started_at={one.started_at}i,outbox={_text(row.outbox)},seq={row.seq}i")
    if succeeded(one):
        values.append(f"success_seq={row.seq}i")
    if failed(one):
        values.append(f"failure_seq={row.seq}i")
    return f"{series},{tags} {','.join(values)},payload={payload} {point_time(one)}"


def point_time(measurement: Measurement) -> int:
    """The time of its point, Unix nanoseconds."""
    digest = hashlib.blake2b(measurement.id.encode(), digest_size=8).digest()
    return measurement.started_at // SLACK * SLACK + int.from_bytes(digest) % SLACK


def tag_value(text: str) -> str:
    """A tag as it is stored.

    What line protocol has no escape for, control characters and backslashes, is percent-encoded.
    """
    if not text:
        return EMPTY
    return _ENCODED.sub(lambda found: f"%{ord(found.group()):02X}", text)


def tag_text(value: str) -> str:
    """The text that `tag_value` made a tag of."""
    if value == EMPTY:
        return ""
    return _DECODED.sub(lambda found: chr(int(found.group(1), 16)), value)


def tags_of(tags: Mapping[str, str]) -> str:
    """Tags as line protocol writes them; in order of their names the server takes them best."""
    return ",".join(_tag(name, text) for name, text in tags.items())


@lru_cache(maxsize=10_000)
def _tag(name: str, text: str) -> str:
    value = tag_value(text).replace(",", r"\,").replace("=", r"\=").replace(" ", r"\ ")
    return f"{name}={value}"


def _text(value: str) -> str:
    escaped = value.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _float(value: float) -> str | None:
    """The number, or `None` for one that no store can hold; as `Field.value`."""
    value = float(value)
    return repr(value) if math.isfinite(value) else None


def _integer(value: int) -> str | None:
    return f"{value}i" if value in INT64 else None


def _boolean(value: bool) -> str:  # noqa: FBT001 - it is the value that is written
    return "true" if value else "false"


_WRITERS: Final[Mapping[Kind, Callable[[Any], str | None]]] = {
    "text": _text,
    "float": _float,
    "integer": _integer,
    "boolean": _boolean,
}

"""A row in InfluxDB's line protocol."""

import re
from typing import Final

from exporter.moving.tally import canonical
from exporter.stores import Row
from exporter.stores.schema import Value, fields_of

_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f%\\]")
_SPECIAL: Final = re.compile(r"[,= ]")


def line(row: Row) -> str:
    """The line, without a line feed."""
    one = row.measurement
    series, fields = fields_of(one)
    tags = "".join(f",{field.name}={_tag(str(field.value(one)))}" for field in fields if field.tag)
    facts: dict[str, Value] = {
        **{field.name: field.value(one) for field in fields if not field.tag},
        "started_at": one.started_at,
        "outbox": row.outbox,
        "seq": row.seq,
        "payload": canonical(one).decode(),
    }
    known = ",".join(
        f"{name}={_field(value)}" for name, value in facts.items() if value is not None
    )
    return f"{series}{tags} {known} {one.started_at}"


def _tag(text: str) -> str:
    if not text:
        return "%"
    encoded = _UNFIT.sub(lambda found: f"%{ord(found[0]):02X}", text)
    return _SPECIAL.sub(lambda found: "\\" + found[0], encoded)


def _field(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    if isinstance(value, float):
        return repr(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

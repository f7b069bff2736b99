"""Measurements as rows: how they are written, read, and read around where that is impossible."""

import sqlite3
from collections.abc import Callable, Iterable

import msgspec

from exporter.model import Measurement, decode, encode
from exporter.outbox.dead_letters import Letter

Report = Callable[[int, str], None]
"""Is told the number of a row that cannot be decoded, and why."""


def payload_of(measurement: Measurement) -> bytes:
    """What is stored; raises `ValueError` for a measurement that could not be read back."""
    payload = encode(measurement)
    try:
        decode(payload)
    except msgspec.MsgspecError as error:
        raise ValueError(f"measurement {measurement.id} cannot be stored: {error}") from error
    return payload


def decoded(payload: bytes) -> Measurement | str:
    """The measurement of a payload, or why this version cannot read it."""
    try:
        return decode(payload)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        return str(error)


def read(
    connection: sqlite3.Connection, after: int, limit: int, report: Report
) -> list[tuple[int, Measurement]]:
    """Up to `limit` measurements with a number above `after`, ascending; fewer only at the end."""
    found: list[tuple[int, Measurement]] = []
    # A stretch of rows that cannot be decoded must not look like the end.
    while len(found) < limit:
        rows = connection.execute(
            "SELECT seq, payload FROM measurement WHERE seq > ? ORDER BY seq LIMIT ?",
            (after, limit - len(found)),
        ).fetchall()
        if not rows:
            break
        found += _readable(rows, report)
        after = rows[-1][0]
    return found


def newest(
    connection: sqlite3.Connection, limit: int, report: Report
) -> list[tuple[int, Measurement]]:
    """The newest `limit` rows that can be decoded, ascending."""
    rows = connection.execute(
        "SELECT seq, payload FROM measurement ORDER BY seq DESC LIMIT ?", (limit,)
    ).fetchall()
    return _readable(reversed(rows), report)


def unreadable(connection: sqlite3.Connection, after: int, upto: int, limit: int) -> list[Letter]:
    """The first `limit` rows above `after`, and up to `upto`, that cannot be decoded, and why."""
    found: list[Letter] = []
    while len(found) < limit:
        rows = connection.execute(
            "SELECT seq, id, payload FROM measurement WHERE seq > ? AND seq <= ? "
            "ORDER BY seq LIMIT ?",
            (after, upto, limit),
        ).fetchall()
        if not rows:
            break
        found += (
            Letter(seq, one, payload, f"cannot be decoded: {why}")
            for seq, one, payload in rows
            if not isinstance(why := decoded(payload), Measurement)
        )
        after = rows[-1][0]
    return found[:limit]


def _readable(rows: Iterable[tuple[int, bytes]], report: Report) -> list[tuple[int, Measurement]]:
    found = []
    for seq, payload in rows:
        measurement = decoded(payload)
        if isinstance(measurement, Measurement):
            found.append((seq, measurement))
        else:
            report(seq, measurement)
    return found

"""What is in an outbox, for somebody who looks at it from outside of the service."""

import sqlite3
from pathlib import Path

import msgspec

from exporter.outbox.numbering import Numbers, numbers
from exporter.outbox.room import Losses, losses

_UNDELIVERED = "seq > coalesce((SELECT min(seq) FROM cursor), 0)"


class Place(msgspec.Struct, frozen=True):
    """How far a consumer has told the outbox that it came."""

    consumer: str
    position: int
    lag: int
    """Measurements that it has not."""


class Reason(msgspec.Struct, frozen=True):
    """Dead letters of one consumer with the same reason."""

    consumer: str
    reason: str
    dead_letters: int
    to_retry: int
    """Those that wait to be offered again."""


class Kept(msgspec.Struct, frozen=True):
    """A measurement in the outbox."""

    seq: int
    id: str
    payload: bytes
    delivered: bool
    """Whether every consumer has it; false as long as there is none."""


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about an outbox but for the measurements themselves."""

    id: str
    bytes: int
    numbers: Numbers
    undelivered: int
    places: list[Place]
    reasons: list[Reason]
    losses: Losses


def overview(connection: sqlite3.Connection, path: Path) -> Overview:
    """How the outbox is doing, as of one moment."""
    connection.execute("BEGIN")
    try:
        there = numbers(connection)
        ((identity,),) = connection.execute("SELECT value FROM meta WHERE key = 'id'")
        cursors = connection.execute("SELECT consumer, seq FROM cursor ORDER BY consumer")
        places = [Place(consumer, seq, there.above(seq)) for consumer, seq in cursors.fetchall()]
        reasons = connection.execute(
            "SELECT consumer, reason, count(*), count(retry) FROM dead_letter "
            "GROUP BY consumer, reason ORDER BY consumer, count(*) DESC, reason"
        )
        return Overview(
            id=identity,
            bytes=bytes_on_disk(path),
            numbers=there,
            undelivered=max((place.lag for place in places), default=there.above(0)),
            places=places,
            reasons=[Reason(*row) for row in reasons.fetchall()],
            losses=losses(connection),
        )
    finally:
        connection.execute("ROLLBACK")


def undelivered(connection: sqlite3.Connection, limit: int) -> list[Kept]:
    """The measurements that some consumer has not, the oldest first."""
    return _kept(connection, f"WHERE {_UNDELIVERED} ORDER BY seq LIMIT ?", limit)


def kept(connection: sqlite3.Connection, measurement: str) -> Kept | None:
    """One measurement, if it is still there."""
    return next(iter(_kept(connection, "WHERE id = ?", measurement)), None)


def bytes_on_disk(path: Path) -> int:
    """The size of the file and its WAL."""
    total = 0
    for file in (path, path.with_name(path.name + "-wal")):
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            continue
    return total


def _kept(connection: sqlite3.Connection, which: str, parameter: str | int) -> list[Kept]:
    query = f"SELECT seq, id, payload, NOT {_UNDELIVERED} FROM measurement {which}"  # noqa: S608 - only text of this module
    return [
        Kept(seq, one, payload, bool(delivered))
        for seq, one, payload, delivered in connection.execute(query, (parameter,)).fetchall()
    ]

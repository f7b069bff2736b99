"""The room that the outbox takes on the disk: what is trimmed, what goes, and what was lost."""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from exporter.outbox.counters import (
    LETTERS_DROPPED,
    LOST,
    LOST_AT,
    SPELL_LOST,
    SPELL_SINCE,
    counters,
    raise_counter,
    set_counters,
)

SPELL: Final = 3600 * 10**9
"""Nanoseconds without a loss after which the next one is news again."""
_STEP: Final = 64
"""A put that finds no room makes at least this fraction of the bound, so that few have to."""

_TRIM_ROWS: Final = 500
_SHRINK_PAGES: Final = 256

Delete = Callable[[sqlite3.Connection, int], int]


class Losses(msgspec.Struct, frozen=True, kw_only=True):
    """What was deleted for want of room before it was delivered."""

    measurements: int = 0
    """In all, since the file was made."""
    dead_letters: int = 0
    """In all, for want of room in the file or in their table."""
    last: int | None = None
    """When a measurement was lost last, Unix nanoseconds; `None` if none ever was."""
    since: int | None = None
    """When the spell of losses began that the last one belongs to."""
    lately: int = 0
    """Measurements lost in that spell."""

    def recent(self, now: int) -> bool:
        """Whether a measurement was lost within the last hour."""
        return self.last is not None and now - self.last < SPELL


class NoRoom(Exception):
    """Even without everything that may go there is no room."""


def losses(connection: sqlite3.Connection) -> Losses:
    """The account of what was lost."""
    kept = counters(connection)
    return Losses(
        measurements=kept.get(LOST, 0),
        dead_letters=kept.get(LETTERS_DROPPED, 0),
        last=kept.get(LOST_AT),
        since=kept.get(SPELL_SINCE),
        lately=kept.get(SPELL_LOST, 0),
    )


def make_room(connection: sqlite3.Connection, more: int, *, max_bytes: int, now: int) -> bool:
    """See that `more` bytes fit, inside the transaction that there is.

    Where they do not, first goes what all consumers have, then dead letters, then what is not
    delivered yet, the oldest of each first, until there is room for many. What is lost by it is
    counted. Gives whether a new spell of losses began. Raises `NoRoom`, and deletes nothing, if
    that would not be enough.
    """
    if _used(connection) + more <= max_bytes:
        return False
    connection.execute("SAVEPOINT room")
    try:
        began = _delete(connection, more, max_bytes, now)
    except BaseException:
        with suppress(sqlite3.Error):  # a disk that is full has undone everything already
            connection.execute("ROLLBACK TO room")
            connection.execute("RELEASE room")
        raise
    connection.execute("RELEASE room")
    return began


def delete_delivered(connection: sqlite3.Connection, keep: int) -> int:
    """Delete some of what all known consumers have, but for the newest `keep`; how many went."""
    gone = connection.execute(
        """DELETE FROM measurement WHERE seq IN (
            SELECT seq FROM measurement WHERE seq <= (
                SELECT seq FROM measurement
                WHERE seq <= (SELECT min(seq) FROM cursor)
                ORDER BY seq DESC LIMIT 1 OFFSET ?
            ) ORDER BY seq LIMIT ?
        )""",
        (keep, _TRIM_ROWS),
    )
    return gone.rowcount


def shrink(connection: sqlite3.Connection) -> bool:
    """Give some free pages back; whether there is more to give.

    Three quarters may stay for reuse: the more are free, the fewer rows have to be moved.
    """
    ((pages, free),) = connection.execute(
        "SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count"
    )
    if free <= max(_SHRINK_PAGES, pages * 3 // 4):
        return False
    connection.execute(f"PRAGMA incremental_vacuum({_SHRINK_PAGES})").fetchall()
    return True


def _delete(connection: sqlite3.Connection, more: int, max_bytes: int, now: int) -> bool:
    room, gone = max(more, max_bytes // _STEP), []
    for delete in (_delete_delivered, _delete_letters, _delete_oldest):
        deleted = 0
        while (lacking := _used(connection) + room - max_bytes) > 0:
            rows = delete(connection, lacking)
            if not rows:
                break
            deleted += rows
        gone.append(deleted)
    if _used(connection) + more > max_bytes:
        raise NoRoom
    _, letters, measurements = gone
    if letters:
        raise_counter(connection, LETTERS_DROPPED, letters)
    return bool(measurements) and _count_lost(connection, measurements, now)


def _count_lost(connection: sqlite3.Connection, rows: int, now: int) -> bool:
    before = losses(connection)
    begins = not before.recent(now)
    set_counters(
        connection,
        **{
            LOST: before.measurements + rows,
            LOST_AT: now,
            SPELL_LOST: rows if begins else before.lately + rows,
            SPELL_SINCE: now if begins or before.since is None else before.since,
        },
    )
    return begins


def _used(connection: sqlite3.Connection) -> int:
    """Bytes of the pages that hold something."""
    ((pages, free, page_size),) = connection.execute(
        "SELECT page_count, freelist_count, page_size "
        "FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
    )
    return int((pages - free) * page_size)


def _delete_delivered(connection: sqlite3.Connection, room: int) -> int:
    rows = connection.execute(
        "SELECT seq, length(payload) FROM measurement "
        "WHERE seq <= (SELECT min(seq) FROM cursor) ORDER BY seq"
    )
    return _delete_upto(connection, rows, room, "DELETE FROM measurement WHERE seq <= ?")


def _delete_letters(connection: sqlite3.Connection, room: int) -> int:
    rows = connection.execute("SELECT number, length(payload) FROM dead_letter ORDER BY number")
    return _delete_upto(connection, rows, room, "DELETE FROM dead_letter WHERE number <= ?")


def _delete_oldest(connection: sqlite3.Connection, room: int) -> int:
    rows = connection.execute("SELECT seq, length(payload) FROM measurement ORDER BY seq")
    return _delete_upto(connection, rows, room, "DELETE FROM measurement WHERE seq <= ?")


def _delete_upto(
    connection: sqlite3.Connection, oldest: sqlite3.Cursor, room: int, statement: str
) -> int:
    """Delete so many of the oldest rows that their payloads come to `room`; gives how many."""
    last, size = None, 0
    for number, length in oldest:
        last, size = number, size + length
        if size >= room:
            break
    oldest.close()
    return 0 if last is None else connection.execute(statement, (last,)).rowcount

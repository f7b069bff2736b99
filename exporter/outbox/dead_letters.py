"""Dead letters: measurements that a consumer will not take, set aside with the reason.

They stay until somebody has them offered again or drops them. A letter that is to be offered
again gets the next number of a counter, by which its consumer's second feed finds it.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from exporter.outbox.counters import LETTERS_DROPPED, RETRIES, raise_counter

MOST: Final = 100_000
"""Letters kept; the oldest go first."""
_COLUMNS: Final = "number, consumer, seq, id, payload, reason, at, retry"


class Letter(NamedTuple):
    """What a consumer sets aside: a row of the outbox, and why it cannot be taken."""

    seq: int
    id: str
    payload: bytes
    reason: str


class DeadLetter(msgspec.Struct, frozen=True):
    """A letter as it is kept."""

    number: int
    consumer: str
    seq: int
    id: str
    payload: bytes
    reason: str
    at: int
    """When it was set aside last, Unix nanoseconds."""
    retry: int | None
    """Its place among those that are to be offered again; `None` if it is not to be."""


def set_aside(connection: sqlite3.Connection, consumer: str, letter: Letter, now: int) -> None:
    """Keep a letter, each id once, inside the transaction that there is."""
    connection.execute(
        "INSERT INTO dead_letter (consumer, seq, id, payload, reason, at) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (consumer, id) "
        "DO UPDATE SET reason = excluded.reason, at = excluded.at, retry = NULL",
        (consumer, *letter, now),
    )


def keep_most(connection: sqlite3.Connection) -> None:
    """Delete the oldest letters where there are more than `MOST`, and count them."""
    ((kept,),) = connection.execute("SELECT count(*) FROM dead_letter")
    if kept > MOST:
        connection.execute(
            "DELETE FROM dead_letter WHERE number IN "
            "(SELECT number FROM dead_letter ORDER BY number LIMIT ?)",
            (kept - MOST,),
        )
        raise_counter(connection, LETTERS_DROPPED, kept - MOST)


def to_retry(
    connection: sqlite3.Connection, consumer: str, after: int, limit: int
) -> list[DeadLetter]:
    """The consumer's letters that are to be offered again, by their place, after one."""
    return _letters(
        connection,
        "WHERE retry > ? AND consumer = ? ORDER BY retry LIMIT ?",
        (after, consumer, limit),
    )


def count_to_retry(connection: sqlite3.Connection, consumer: str, after: int) -> int:
    """How many of them there are."""
    ((waiting,),) = connection.execute(
        "SELECT count(*) FROM dead_letter WHERE retry > ? AND consumer = ?", (after, consumer)
    )
    return int(waiting)


def settle(
    connection: sqlite3.Connection,
    letters: Iterable[DeadLetter],
    refused: Mapping[int, str],
    now: int,
) -> None:
    """Keep the letters that were refused again, by their number, with the new reason.

    The others are deleted: their consumer has them. One that has another place by now, since it was
    set aside anew in the meantime, stays as it is.
    """
    for letter in letters:
        reason = refused.get(letter.number)
        if reason is None:
            connection.execute("DELETE FROM dead_letter WHERE number = ?", (letter.number,))
        else:
            connection.execute(
                "UPDATE dead_letter SET reason = ?, at = ?, retry = NULL "
                "WHERE number = ? AND retry = ?",
                (reason, now, letter.number, letter.retry),
            )


def retry(connection: sqlite3.Connection, ids: Sequence[str] | None) -> int:
    """Have the letters of these measurements, or all, offered again; gives how many those are.

    One that waits for that already keeps its place: under a second one it would look like another
    letter to a consumer that has it in hand, and that must not hand on anything twice.
    """
    numbers = _numbers(connection, ids)
    waiting = {
        number
        for (number,) in connection.execute("SELECT number FROM dead_letter WHERE retry NOTNULL")
    }
    new = [number for number in numbers if number not in waiting]
    last = raise_counter(connection, RETRIES, len(new))
    places = range(last - len(new) + 1, last + 1)
    connection.executemany(
        "UPDATE dead_letter SET retry = ? WHERE number = ?", list(zip(places, new, strict=True))
    )
    return len(numbers)


def drop(connection: sqlite3.Connection, ids: Sequence[str] | None) -> int:
    """Delete the letters of these measurements, or all; gives how many those were."""
    numbers = _numbers(connection, ids)
    connection.executemany(
        "DELETE FROM dead_letter WHERE number = ?", [(number,) for number in numbers]
    )
    return len(numbers)


def count(connection: sqlite3.Connection, ids: Sequence[str] | None) -> int:
    """How many letters of these measurements, or in all, there are."""
    return len(_numbers(connection, ids))


def letters_of(connection: sqlite3.Connection, measurement: str) -> list[DeadLetter]:
    """The letters of one measurement, one for each consumer that would not take it."""
    return _letters(connection, "WHERE id = ? ORDER BY number", (measurement,))


def newest(connection: sqlite3.Connection, limit: int) -> list[DeadLetter]:
    """The letters that were first set aside last, the newest first."""
    return _letters(connection, "ORDER BY number DESC LIMIT ?", (limit,))


def by_consumer(connection: sqlite3.Connection) -> dict[str, int]:
    """How many letters each consumer has; those that have one."""
    return dict(
        connection.execute(
            "SELECT consumer, count(*) FROM dead_letter GROUP BY consumer ORDER BY consumer"
        ).fetchall()
    )


def _letters(
    connection: sqlite3.Connection, which: str, parameters: tuple[Any, ...]
) -> list[DeadLetter]:
    query = f"SELECT {_COLUMNS} FROM dead_letter {which}"  # noqa: S608 - only text of this module
    return [DeadLetter(*row) for row in connection.execute(query, parameters).fetchall()]


def _numbers(connection: sqlite3.Connection, ids: Sequence[str] | None) -> list[int]:
    if ids is None:
        rows = connection.execute("SELECT number FROM dead_letter ORDER BY number").fetchall()
        return [number for (number,) in rows]
    return sorted(
        {
            number
            for one in ids
            for (number,) in connection.execute(
                "SELECT number FROM dead_letter WHERE id = ?", (one,)
            )
        }
    )

"""The sequence numbers of an outbox: which are there, and how they are given anew."""

import sqlite3
from typing import NamedTuple

from exporter.outbox.file import new_id


class Numbers(NamedTuple):
    """Numbers of the rows that are in the file, both inclusive; they have no gaps."""

    first: int
    """Of an empty file, the one that will be given next."""
    last: int
    """The highest ever given, or the one that a new file begins above."""

    def above(self, seq: int) -> int:
        """How many rows have a number above this one."""
        return self.last - max(seq, self.first - 1) if seq < self.last else 0


def numbers(connection: sqlite3.Connection) -> Numbers:
    """The numbers now."""
    ((first, last),) = connection.execute(
        "SELECT (SELECT min(seq) FROM measurement), "
        "(SELECT seq FROM sqlite_sequence WHERE name = 'measurement')"
    )
    last = last or 0
    return Numbers(last + 1 if first is None else first, last)


def renumber(connection: sqlite3.Connection, above: int) -> tuple[str, Numbers]:
    """Give the file a new id and its rows new numbers above one, and forget every cursor.

    Inside the transaction that there is; gives the id and the numbers.
    """
    there = numbers(connection)
    base = max(above, there.last)
    after = Numbers(base + 1, base + there.above(0))
    identity = new_id()
    # No new number is an old one, so that no row is in another's way.
    connection.execute("UPDATE measurement SET seq = seq + ?", (after.first - there.first,))
    connection.execute(
        "UPDATE sqlite_sequence SET seq = ? WHERE name = 'measurement'", (after.last,)
    )
    connection.execute("DELETE FROM cursor")
    connection.execute("UPDATE meta SET value = ? WHERE key = 'id'", (identity,))
    return identity, after

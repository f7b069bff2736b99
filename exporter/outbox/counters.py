"""Whole numbers that the outbox keeps beside its rows."""

import sqlite3
from typing import Final

RETRIES: Final = "retries"
"""Times that a dead letter was to be offered again; the last number given to one."""
LETTERS_DROPPED: Final = "dead_letters_dropped"
LOST: Final = "lost"
LOST_AT: Final = "lost_at"
SPELL_LOST: Final = "spell_lost"
SPELL_SINCE: Final = "spell_since"


def counters(connection: sqlite3.Connection) -> dict[str, int]:
    """Every counter that was ever set."""
    rows = connection.execute("SELECT key, value FROM meta WHERE key <> 'id'").fetchall()
    return {key: int(value) for key, value in rows}


def counter(connection: sqlite3.Connection, key: str) -> int:
    """One counter; 0 if it was never set."""
    return counters(connection).get(key, 0)


def set_counters(connection: sqlite3.Connection, **values: int) -> None:
    """Set some counters, inside the transaction that there is."""
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items()))


def raise_counter(connection: sqlite3.Connection, key: str, more: int) -> int:
    """Raise a counter; gives what it is now."""
    value = counter(connection, key) + more
    set_counters(connection, **{key: value})
    return value

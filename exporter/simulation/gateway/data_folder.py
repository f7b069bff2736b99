"""The data folder of a gateway: a database that remembers the chain and refuses another."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

_FILE: Final = "lpdb.sqlite3"
_CREATE: Final = "CREATE TABLE IF NOT EXISTS kv (key STRING PRIMARY KEY, value STRING)"


def stored_chain(folder: Path, chain: int) -> int:
    """Store the chain id in a new folder; give back the one that is stored.

    Raises `sqlite3.Error` or `OSError` where the folder cannot be used.
    """
    with closing(sqlite3.connect(folder / _FILE)) as database, database:
        database.execute(_CREATE)
        insert = "INSERT OR IGNORE INTO kv (key, value) VALUES ('chainID', ?)"
        database.execute(insert, (str(chain),))
        row = database.execute("SELECT value FROM kv WHERE key = 'chainID'").fetchone()
    return int(row[0])

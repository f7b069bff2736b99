"""What a file holds, by UTC day, in a temporary file: checked as a whole before it is used."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from exporter.model import decode
from exporter.moving import MovingError
from exporter.moving.days import DAY
from exporter.moving.tally import Tally, canonical
from exporter.stores import Row

_BATCH: Final = 500
_SCHEMA: Final = """
CREATE TABLE row (
    digest BLOB PRIMARY KEY, day INTEGER, place TEXT, outbox TEXT, seq INTEGER, payload BLOB
) WITHOUT ROWID;
CREATE INDEX by_day ON row (day);
CREATE TABLE seen (digest BLOB PRIMARY KEY, times INTEGER) WITHOUT ROWID;
"""


class Spool:
    """Rows by day, each measurement once; bounded by the disk and not by memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.tally = Tally()
        """Of what is in it."""
        self.repeated = 0
        """How many rows were in it already."""

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        """An empty one, gone after the block. Raises `MovingError` when the disk is full."""
        with (
            tempfile.TemporaryDirectory(prefix="livepeer-exporter-") as folder,
            closing(
                sqlite3.connect(Path(folder) / "spool.sqlite", isolation_level=None)
            ) as connection,
        ):
            try:
                connection.execute("PRAGMA journal_mode = OFF")
                connection.execute("PRAGMA synchronous = OFF")
                connection.executescript(_SCHEMA)
                yield cls(connection)
            except sqlite3.Error as error:
                raise MovingError(f"the temporary file {folder} cannot be used: {error}") from error

    def put(self, place: str, row: Row) -> None:
        """Add a row that stands at a place of the file."""
        payload = canonical(row.measurement)
        digest = sha256(payload).digest()
        day = row.measurement.started_at // DAY
        added = self._connection.execute(
            "INSERT OR IGNORE INTO row VALUES (?, ?, ?, ?, ?, ?)",
            (digest, day, place, row.outbox, row.seq, payload),
        )
        if added.rowcount:
            self.tally.add(digest)
        else:
            self.repeated += 1

    def occurrence(self, digest: bytes) -> int:
        """How often it was called with this digest before."""
        query = (
            "INSERT INTO seen VALUES (?, 0) ON CONFLICT DO UPDATE SET times = times + 1 "
            "RETURNING times"
        )
        ((times,),) = self._connection.execute(query, (digest,)).fetchall()
        return int(times)

    def days(self) -> list[int]:
        """The days with rows, in order."""
        found = self._connection.execute("SELECT DISTINCT day FROM row ORDER BY day")
        return [day for (day,) in found]

    def digests(self, day: int) -> set[bytes]:
        """What the rows of a day are known by."""
        found = self._connection.execute("SELECT digest FROM row WHERE day = ?", (day,))
        return {digest for (digest,) in found}

    def batches(self, day: int, without: set[bytes]) -> Iterator[list[tuple[str, Row]]]:
        """The rows of a day with their places, but for some, in batches."""
        found = self._connection.execute(
            "SELECT digest, place, outbox, seq, payload FROM row WHERE day = ?", (day,)
        )
        while rows := found.fetchmany(_BATCH):
            batch = [
                (place, Row(outbox, seq, decode(payload)))
                for digest, place, outbox, seq, payload in rows
                if digest not in without
            ]
            if batch:
                yield batch

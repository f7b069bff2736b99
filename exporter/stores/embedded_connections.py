"""The embedded store's connections: one that writes, one for each question, opened anew if need be.

DuckDB gives a database up for good when something fails in the middle of a checkpoint, a full disk
for instance. What was committed is safe, but the file has to be opened again before it can be used.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.stores.embedded_file import INCOMING, explained, open_file

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

log = logging.getLogger(__name__)


class Connections:
    """Hands out connections to threads. Only one thread may write at a time."""

    def __init__(self, path: Path, memory_limit: int) -> None:
        self._path = path
        self._memory_limit = memory_limit
        self._lock = threading.Condition()
        self._users = 0
        self._given_up = False
        self._root, self._writing = self._open()

    @contextmanager
    def reading(self) -> "Iterator[DuckDBPyConnection]":
        """A connection of its own for one question. Raises `StoreError` for what goes wrong."""
        with self._using():
            with self._lock:
                connection = self._root.cursor()
            try:
                yield connection
            finally:
                connection.close()

    @contextmanager
    def writing(self) -> "Iterator[DuckDBPyConnection]":
        """The connection that writes, with the tables `incoming_…`. Raises as `reading` does."""
        with self._using():
            yield self._writing

    def close(self) -> None:
        """Fold the log into the file and close; nobody may be using a connection."""
        import duckdb

        try:
            self._writing.close()
            self._root.checkpoint()
        except duckdb.Error as error:
            log.warning("store not checkpointed", extra={"error": str(error).split("\n", 1)[0]})
        self._root.close()

    @contextmanager
    def _using(self) -> Iterator[None]:
        import duckdb

        with explained(self._path):
            with self._lock:
                if self._given_up:
                    self._open_again()
                self._users += 1
            try:
                yield
            except duckdb.FatalException:
                self._given_up = True
                raise
            finally:
                with self._lock:
                    self._users -= 1
                    self._lock.notify_all()

    def _open_again(self) -> None:
        import duckdb

        # While one old connection is open, a new one would join the database that was given up.
        self._lock.wait_for(lambda: self._users == 0)
        if not self._given_up:
            return
        for connection in (self._writing, self._root):
            with suppress(duckdb.Error):
                connection.close()
        self._root, self._writing = self._open()
        self._given_up = False
        log.warning("store opened again after a failure", extra={"store": str(self._path)})

    def _open(self) -> "tuple[DuckDBPyConnection, DuckDBPyConnection]":
        root = open_file(self._path, self._memory_limit)
        with explained(self._path):
            writing = root.cursor()
            for statement in INCOMING:
                writing.execute(statement)
        return root, writing

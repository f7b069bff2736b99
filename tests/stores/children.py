"""Processes that use one embedded store: `python -m tests.stores.children WHAT PATH [NUMBER]`."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import duckdb

from exporter.stores.embedded import EmbeddedStore
from exporter.stores.embedded_upgrade import upgrade
from tests.measurements import START, good

BATCH = 250


async def write_for_ever(path: Path) -> None:
    """Write batch after batch from the cursor on; print each cursor once it is stored."""
    store = EmbeddedStore.open(path)
    cursor = await store.cursor("box")
    while True:
        batch = [
            (seq, good(f"m{seq}", started_at=START + seq, response=f"{seq} " * 50))
            for seq in range(cursor + 1, cursor + BATCH + 1)
        ]
        await store.write("box", batch)
        cursor += BATCH
        sys.stdout.write(f"{cursor}\n")
        sys.stdout.flush()


async def hold(path: Path) -> None:
    """Keep the store open until killed."""
    store = EmbeddedStore.open(path)
    sys.stdout.write("open\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    await store.close()


class DoomedConnection:
    """A connection in whose process nothing happens after so many statements, as after a kill."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, statements: int) -> None:
        self._connection = connection
        self._left = statements

    def begin(self) -> None:
        self._connection.begin()

    def execute(self, *statement: Any) -> None:
        self._connection.execute(*statement)
        self._one_less()

    def commit(self) -> None:
        self._connection.commit()
        self._one_less()

    def _one_less(self) -> None:
        self._left -= 1
        if self._left == 0:
            os._exit(9)


async def upgrade_and_die(path: Path) -> None:
    """Upgrade a file of the first format and end after so many statements."""
    doomed: Any = DoomedConnection(duckdb.connect(path), int(sys.argv[3]))
    upgrade(doomed, path, 1)


CHILDREN = {"write-for-ever": write_for_ever, "hold": hold, "upgrade-and-die": upgrade_and_die}

if __name__ == "__main__":
    asyncio.run(CHILDREN[sys.argv[1]](Path(sys.argv[2])))

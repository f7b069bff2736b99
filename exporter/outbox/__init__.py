"""The durable queue between the processes: a job counts as done when it is committed here.

One SQLite file in WAL mode with `synchronous=FULL`. Any number of processes may have it open at
once: the probe puts measurements, the station reads them, moves its cursors and trims.
"""

import asyncio
import logging
import shutil
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from exporter.model import Measurement
from exporter.outbox import dead_letters, rows
from exporter.outbox.counters import RETRIES, counter
from exporter.outbox.dead_letters import DeadLetter, Letter
from exporter.outbox.file import (
    Connections,
    OutboxError,
    OutboxFull,
    beginning,
    explain,
    open_file,
)
from exporter.outbox.inspection import bytes_on_disk
from exporter.outbox.numbering import Numbers, numbers, renumber
from exporter.outbox.room import Losses, NoRoom, delete_delivered, losses, make_room, shrink
from exporter.outbox.rows import decoded, payload_of
from exporter.outbox.writer import Writer

__all__ = [
    "DeadLetter",
    "Letter",
    "Losses",
    "Numbers",
    "Outbox",
    "OutboxError",
    "OutboxFull",
    "decoded",
]

log = logging.getLogger(__name__)

T = TypeVar("T")


class Outbox:
    """The queue. All methods may be called from any event loop; none blocks it.

    A committed sequence number is never given again, not even after trimming. The numbers of a
    new file begin at the moment it is made, in microseconds since 1970, and have no gaps; rows
    leave the file from the lowest number on. Every method raises `OutboxError` when the file cannot
    be used, or after `close`.
    """

    def __init__(
        self,
        path: Path,
        connections: Connections,
        *,
        max_bytes: int,
        keep_delivered: int,
        clock: Callable[[], int],
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep_delivered = keep_delivered
        self._clock = clock
        self._reader = connections.reader
        self.id = connections.id
        """Random, made with the file: cursors that are kept elsewhere are keyed by it. `renew`
        changes it."""
        self._data_version: int | None = None
        self._unreadable = 0
        self._closed = False
        self._writer = Writer(connections.writer, path)
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="outbox-reader")

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        max_bytes: int,
        keep_delivered: int,
        clock: Callable[[], int] = time.time_ns,
    ) -> Self:
        """Open the file, making it if it is not there.

        The file may hold `max_bytes` of measurements and dead letters, and keeps the newest
        `keep_delivered` of those that all consumers have passed. `clock` gives Unix nanoseconds. A
        file of an older version is upgraded. Raises `OutboxError` for a folder that is missing or
        read-only, and for a file that is damaged, of another program, or of a newer version; such a
        file stays untouched.
        """
        return cls(
            path,
            open_file(path, max_bytes, clock),
            max_bytes=max_bytes,
            keep_delivered=keep_delivered,
            clock=clock,
        )

    async def put(self, measurement: Measurement) -> int:
        """Store a measurement and give its sequence number once it is on the disk.

        The same id again gives the first number and stores nothing, as long as the first is still
        here. A put that is cancelled while it waits may be stored all the same. Where the file
        holds `max_bytes`, room is made (see `room.make_room`), if need be by deleting the oldest
        measurements that were not delivered, which is counted (`losses`). Raises `OutboxFull` when
        nothing was stored for want of room on the disk, and `ValueError` for a measurement that
        could not be read back.
        """
        payload = payload_of(measurement)

        def work(connection: sqlite3.Connection) -> tuple[int, bool]:
            known = connection.execute(
                "SELECT seq FROM measurement WHERE id = ?", (measurement.id,)
            ).fetchone()
            if known:
                return int(known[0]), False
            began = self._make_room(connection, len(payload))
            added = connection.execute(
                "INSERT INTO measurement (id, payload) VALUES (?, ?)", (measurement.id, payload)
            )
            return int(added.lastrowid or 0), began

        seq, losing = await self._writer.do(work)
        if losing:
            self._report_losing()
        return seq

    async def read(self, after: int, limit: int) -> list[tuple[int, Measurement]]:
        """Give up to `limit` measurements with a number above `after`, ascending.

        A row that this version cannot decode is logged and left out, but stays in the file.
        """
        return await self._in_reader(
            lambda: rows.read(self._reader, after, limit, self._report_unreadable)
        )

    async def tail(self, limit: int) -> list[tuple[int, Measurement]]:
        """Give the newest `limit`, ascending, delivered ones that are kept included."""
        return await self._in_reader(
            lambda: rows.newest(self._reader, limit, self._report_unreadable)
        )

    async def numbers(self) -> Numbers:
        """Give the numbers of the rows that are in the file."""
        return await self._in_reader(lambda: numbers(self._reader))

    async def last(self) -> int:
        """Give the highest number ever given; of a new file, the one that it begins above."""
        return (await self.numbers()).last

    async def pending(self, after: int) -> int:
        """Give how many measurements in the file have a number above `after`."""
        return (await self.numbers()).above(after)

    async def cursor(self, consumer: str) -> int:
        """Give the number up to which this consumer has everything; 0 for an unknown one."""
        return await self._number("SELECT seq FROM cursor WHERE consumer = ?", (consumer,))

    async def advance(self, consumer: str, seq: int) -> None:
        """Note that the consumer has everything up to `seq`; a cursor never moves back.

        The first call makes the consumer known: from then on `trim` waits for it.
        """

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO cursor VALUES (?, ?) ON CONFLICT (consumer) "
                "DO UPDATE SET seq = max(seq, excluded.seq)",
                (consumer, seq),
            )

        await self._writer.do(work)

    async def forget_others(self, prefix: str, names: Collection[str]) -> list[str]:
        """Forget the consumers whose name begins with `prefix`, but for `names`; gives which.

        `trim` does not wait for them any more. The notice that has a consumer's name goes with it.
        """

        def work(connection: sqlite3.Connection) -> list[str]:
            known = connection.execute("SELECT consumer FROM cursor UNION SELECT topic FROM notice")
            others = [one for (one,) in known if one.startswith(prefix) and one not in names]
            for one in others:
                connection.execute("DELETE FROM cursor WHERE consumer = ?", (one,))
                connection.execute("DELETE FROM notice WHERE topic = ?", (one,))
            return sorted(others)

        return await self._writer.do(work)

    async def renew(self, above: int) -> None:
        """Make another outbox of this one, whose numbers begin above `above` and above this moment.

        For a file that was restored from a backup beside a store that is newer: the numbers that it
        gives are known there, and what they are given to would be skipped. It gets a new id, all
        its cursors are forgotten, and its rows get new numbers in the same order.
        """

        def work(connection: sqlite3.Connection) -> tuple[str, Numbers]:
            return renumber(connection, max(above, beginning(self._clock())))

        before = self.id
        self.id, now = await self._writer.do(work)
        log.warning(
            "the outbox is older than the store, as if restored from a backup: it got a new id and "
            "new numbers, and everything in it is delivered again",
            extra={
                "outbox": str(self._path),
                "id_before": before,
                "id": self.id,
                "store_has_up_to": above,
                "first": now.first,
                "measurements": now.above(0),
            },
        )

    async def losses(self) -> Losses:
        """Give the account of what was deleted for want of room before it was delivered."""
        return await self._in_reader(lambda: losses(self._reader))

    async def set_aside(self, consumer: str, letters: Sequence[Letter]) -> None:
        """Keep what a consumer will not take as dead letters; again, with the newer reason.

        The oldest go where there are too many (`dead_letters.MOST`), which is counted.
        """

        def work(connection: sqlite3.Connection) -> bool:
            began = False
            for letter in letters:
                began |= self._make_room(connection, len(letter.payload))
                dead_letters.set_aside(connection, consumer, letter, self._clock())
            dead_letters.keep_most(connection)
            return began

        if await self._writer.do(work):
            self._report_losing()

    async def unreadable(self, after: int, upto: int, limit: int) -> list[Letter]:
        """Give the first `limit` rows that `read` leaves out between two numbers, with the reason.

        `after` is exclusive, `upto` inclusive.
        """
        return await self._in_reader(lambda: rows.unreadable(self._reader, after, upto, limit))

    async def dead_letters(self) -> dict[str, int]:
        """Give how many dead letters each consumer has, without those who have none."""
        return await self._in_reader(lambda: dead_letters.by_consumer(self._reader))

    async def to_retry(self, consumer: str, after: int, limit: int) -> list[DeadLetter]:
        """Give up to `limit` dead letters that are to be offered again, by `retry`, above one."""
        return await self._in_reader(
            lambda: dead_letters.to_retry(self._reader, consumer, after, limit)
        )

    async def count_to_retry(self, consumer: str, after: int) -> int:
        """Give how many of them there are."""
        return await self._in_reader(
            lambda: dead_letters.count_to_retry(self._reader, consumer, after)
        )

    async def last_retry(self) -> int:
        """Give the last place among those to offer again that was ever given."""
        return await self._in_reader(lambda: counter(self._reader, RETRIES))

    async def settle(self, letters: Sequence[DeadLetter], refused: Mapping[int, str]) -> None:
        """Delete letters that were taken, and keep those `refused`: their numbers with reasons."""
        await self._writer.do(
            lambda connection: dead_letters.settle(connection, letters, refused, self._clock())
        )

    async def rewind(self, consumer: str, seq: int) -> None:
        """Note that the consumer does not have any more what comes after `seq`.

        What of it is still here counts as undelivered again.
        """

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE cursor SET seq = min(seq, ?) WHERE consumer = ?", (seq, consumer)
            )

        await self._writer.do(work)

    async def trim(self, *, shrink_too: bool = True) -> int:
        """Delete what every known consumer has passed, but for the newest `keep_delivered`.

        Gives how many rows went. Without a known consumer nothing goes. Works in small steps, so
        that puts are not held up, and gives pages back to the disk when many are free; who still
        has much to deliver leaves that for later, since it takes longer than the rest.
        """
        deleted = 0
        while gone := await self._writer.do(lambda to: delete_delivered(to, self._keep_delivered)):
            deleted += gone
        while shrink_too and await self._writer.do(shrink):
            pass
        return deleted

    async def publish(self, topic: str, payload: bytes) -> None:
        """Set the latest value of a topic."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO notice VALUES (?, ?, ?)", (topic, self._clock(), payload)
            )

        await self._writer.do(work)

    async def notice(self, topic: str) -> bytes | None:
        """Give the latest value of a topic; `None` if there never was one."""

        def latest() -> bytes | None:
            found = self._select("SELECT payload FROM notice WHERE topic = ?", (topic,))
            return bytes(found[0][0]) if found else None

        return await self._in_reader(latest)

    async def changed(self) -> bool:
        """Whether anything was committed, here or elsewhere, since the last call. Cheap.

        The first call gives True.
        """

        def look() -> bool:
            version = int(self._select("PRAGMA data_version", ())[0][0])
            changed = version != self._data_version
            self._data_version = version
            return changed

        return await self._in_reader(look)

    async def size(self) -> int:
        """Bytes on the disk, the WAL included."""
        return await self._in_reader(lambda: bytes_on_disk(self._path))

    async def free(self) -> int:
        """Bytes that are left on its disk."""
        return await self._in_reader(lambda: shutil.disk_usage(self._path.parent).free)

    async def close(self) -> None:
        """Commit what is queued, then close. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._reading.shutdown)
        self._reader.close()
        await self._writer.close()

    def _make_room(self, connection: sqlite3.Connection, more: int) -> bool:
        """Whether a new spell of losses began."""
        try:
            return make_room(connection, more, max_bytes=self._max_bytes, now=self._clock())
        except NoRoom:
            raise OutboxFull(
                f"{self._path}: {more} bytes do not fit into the {self._max_bytes} that it may "
                "hold (`outbox.max_bytes`), whatever is deleted; nothing was stored; allow it more"
            ) from None

    def _report_losing(self) -> None:
        log.error(
            "the outbox holds as much as it may: the oldest measurements that were not delivered "
            "are lost; see why the consumers do not take from it, or allow it more",
            extra={"outbox": str(self._path), "max_bytes": self._max_bytes},
        )

    def _report_unreadable(self, seq: int, error: str) -> None:
        if seq > self._unreadable:  # once each, however often it is passed over
            self._unreadable = seq
            log.error(
                "a measurement in the outbox cannot be decoded and is left out",
                extra={"outbox": str(self._path), "seq": seq, "error": error},
            )

    async def _number(self, query: str, parameters: tuple[object, ...]) -> int:
        found = await self._in_reader(lambda: self._select(query, parameters))
        return int(found[0][0]) if found else 0

    def _select(self, query: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        return self._reader.execute(query, parameters).fetchall()

    async def _in_reader(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise OutboxError(f"{self._path}: the outbox is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reading, work)
        except sqlite3.Error as error:
            raise explain(error, self._path) from error

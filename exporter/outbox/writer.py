"""The outbox's writing thread: what is queued while one commit runs goes into the next one."""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from exporter.outbox.file import (
    LOCK_MILLISECONDS,
    OutboxError,
    OutboxFull,
    explain,
    primary_code,
    transaction,
)

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""One piece of work inside a transaction. It may raise `OutboxError` before it changes anything."""

_GROUP: Final = 1000
_CHECKPOINT_MILLISECONDS: Final = 500


class _Job(NamedTuple):
    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class Writer:
    """Runs pieces of work in one thread, as many as are waiting in one transaction."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._checkpoints = True
        self._path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="outbox-writer", daemon=True)
        self._thread.start()

    async def do(self, work: Work[T]) -> T:
        """Give what the work gives, once it is committed.

        Raises `OutboxError`. Whoever is cancelled while waiting does not undo the work.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._closing:
            if self._closed:
                raise OutboxError(f"{self._path}: the outbox is closed")
            self._jobs.put(_Job(work, loop, future))
        return await future

    async def close(self) -> None:
        """Commit what is queued, fold the WAL into the file and close."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while group := self._take():
            _settle(group, self._commit(group))
        self._checkpoint()
        self._connection.close()

    def _take(self) -> list[_Job]:
        """Wait for work, then take all that is waiting; nothing when the end has come."""
        group: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == _GROUP or self._jobs.empty():
                return group
            job = self._jobs.get()
        if group:
            self._jobs.put(None)
        return group

    def _commit(self, group: list[_Job]) -> list[Any]:
        try:
            return self._transaction(group)
        except sqlite3.Error as error:
            reason = explain(error, self._path)
            locked = primary_code(error) == sqlite3.SQLITE_BUSY
            if isinstance(reason, OutboxFull):
                self._checkpoint()  # what the WAL takes may be the room that is wanting
        except Exception as error:  # the thread must outlive any mistake
            log.exception("outbox work failed")
            reason = OutboxError(f"{self._path}: {type(error).__name__}: {error}")
            locked = False
        if locked or len(group) == 1:
            return [reason] * len(group)
        # One that fails must not take the others with it.
        return [result for job in group for result in self._commit([job])]

    def _checkpoint(self) -> None:
        """Fold the WAL into the file and empty it, if nobody is in the way."""
        try:
            self._connection.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_MILLISECONDS}")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            if self._checkpoints:
                log.warning("outbox not checkpointed", extra={"error": str(error)})
            self._checkpoints = False
        else:
            self._checkpoints = True
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {LOCK_MILLISECONDS}")

    def _transaction(self, group: list[_Job]) -> list[Any]:
        with transaction(self._connection):
            return [self._result(job) for job in group]

    def _result(self, job: _Job) -> Any:  # noqa: ANN401 - whatever the work gives
        try:
            return job.work(self._connection)
        except OutboxError as refused:
            return refused


def _settle(group: list[_Job], results: list[Any]) -> None:
    """Hand the results over, waking each event loop once a commit and not once a result."""
    outcomes: defaultdict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]]
    outcomes = defaultdict(list)
    for job, result in zip(group, results, strict=True):
        outcomes[job.loop].append((job.future, result))
    for loop, settled in outcomes.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_wake, settled)


def _wake(settled: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in settled:
        if future.done():
            continue
        if isinstance(result, OutboxError):
            future.set_exception(result)
        else:
            future.set_result(result)

"""Keeps a snapshot for the leaderboard's answers ready, so that nobody waits for the store."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from exporter.leaderboard.ranking import Ranked
from exporter.leaderboard.snapshot import Read, Snapshot, read
from exporter.model import NANOSECONDS
from exporter.stores import Store, StoreError, recent

log = logging.getLogger(__name__)

AT_LATEST: Final = 12
"""Intervals after which it is read again though nothing is new here: others write to the store,
too, and the window moves on."""
REST: Final = 9.0
"""Times as long as a reading took that the store is left alone afterwards."""
OLDEST: Final = 3600.0
"""Seconds beyond which a snapshot is not served any more."""
PATIENCE: Final = 20.0
"""Seconds that one waits for the first snapshot."""
_POLL: Final = 0.5
_SAVED: Final = 60.0
"""Least seconds between two savings."""


def pauses(interval: float, took: float) -> tuple[float, float]:
    """Seconds from the end of a reading to the next, at least, and from its beginning, at most.

    Neither is so long that the snapshot is too old before there is another.
    """
    return (
        min(max(interval, REST * took), OLDEST / 4),
        min(AT_LATEST * interval, OLDEST / 2),
    )


class Preparing:
    """Reads the default window when something is new, or from time to time, one reading at a time.

    What was read is kept in a file, too, so that after a restart there is an answer at once,
    however long the store takes to come up. `window` and `interval` are seconds, `now` gives Unix
    nanoseconds, `progress` something that changes when the store gets something new from here.
    """

    def __init__(
        self,
        store: Store,
        *,
        window: float,
        interval: float,
        now: Callable[[], int],
        progress: Callable[[], int],
        file: Path | None = None,
    ) -> None:
        self.snapshot: Snapshot | None = None
        self.problem: str | None = None
        """Why the last reading failed; `None` if it did not."""
        self.readings = 0
        self._store = store
        self._window = window
        self._interval = interval
        self._now = now
        self._progress = progress
        self._file = file
        self._reading = asyncio.Lock()
        self._tried = asyncio.Event()
        self._saved: float | None = None
        self._saving = threading.Lock()
        self._load()

    @property
    def age(self) -> float | None:
        """Seconds since the snapshot was taken; `None` without one."""
        if self.snapshot is None:
            return None
        return self.snapshot.age(self._now())

    @property
    def ranking(self) -> Sequence[Ranked]:
        """The ranking of the snapshot; empty without one, or where it is too old."""
        if self.snapshot is None or (self.age or 0.0) > OLDEST:
            return ()
        return self.snapshot.ranking

    async def current(self) -> Snapshot:
        """The snapshot; only for what the first reading brings it waits.

        Raises `StoreError`: there is none, or it is too old.
        """
        if self.snapshot is None:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._tried.wait()
            except TimeoutError:
                raise StoreError(self.problem or "it has not answered yet") from None
        if self.snapshot is None or (self.age or 0.0) > OLDEST:
            raise StoreError(self.problem or "it has not answered for an hour")
        return self.snapshot

    async def refresh(self) -> None:
        """Read again now. Raises `StoreError`."""
        async with self._reading:
            now = self._now()
            found = Snapshot(await read(self._store, recent(now, self._window), now=now))
            self.snapshot = await asyncio.to_thread(found.work_out)
            self.readings += 1
            self._tried.set()

    async def run(self) -> None:
        """Read again and again until cancelled; then save what was read last."""
        try:
            while True:
                await self._round()
        finally:
            self._save()

    async def _round(self) -> None:
        loop = asyncio.get_running_loop()
        started, seen = loop.time(), self._progress()
        try:
            await self.refresh()
        except Exception as error:  # noqa: BLE001 - whatever ails the store is tried again
            self._failed(error)
        else:
            self.problem = None
            if self._saved is None or loop.time() - self._saved >= _SAVED:
                self._saved = loop.time()
                await asyncio.to_thread(self._save)
        rest, at_latest = pauses(self._interval, loop.time() - started)
        await asyncio.sleep(rest)
        at_latest += started
        while self._progress() == seen and loop.time() < at_latest:  # noqa: ASYNC110 - no feed tells
            await asyncio.sleep(min(_POLL, self._interval))

    def _failed(self, error: Exception) -> None:
        if str(error) != self.problem:
            log.warning("answers cannot be prepared", extra={"problem": str(error)})
        self.problem = str(error)
        self._tried.set()

    def _load(self) -> None:
        if self._file is None or not self._file.exists():
            return
        try:
            found = msgspec.msgpack.decode(self._file.read_bytes(), type=Read)
        except (OSError, msgspec.MsgspecError, ValueError) as error:
            log.warning(
                "the answers of before cannot be read",
                extra={"file": str(self._file), "problem": str(error)},
            )
            return
        as_now = recent(found.taken_at, self._window).since == found.since
        if as_now and 0 <= self._now() - found.taken_at <= OLDEST * NANOSECONDS:
            self.snapshot = Snapshot(found)
            self._tried.set()

    def _save(self) -> None:
        if self._file is None or self.snapshot is None:
            return
        with self._saving:  # a thread may be at it when the last saving is due
            self._write(self._file, self.snapshot.read)

    def _write(self, file: Path, found: Read) -> None:
        new = file.with_suffix(".new")
        try:
            new.write_bytes(msgspec.msgpack.encode(found))
            new.replace(file)
        except OSError as error:
            log.warning(
                "the answers cannot be saved for a restart",
                extra={"file": str(file), "problem": str(error)},
            )

"""How late the event loop runs: the measure of how far a job's stamps can be trusted."""

import asyncio
import time
from collections import deque

from exporter.model import NANOSECONDS

TICK = 0.01
KEPT = 6000
NOTICED = 1_500_000
"""Nanoseconds; smaller lags are not booked on a job: the timer itself is no finer."""


class LoopLag:
    """Wakes every 10 ms and keeps by how much it came late, nanoseconds."""

    def __init__(self) -> None:
        self._ticks: deque[int] = deque(maxlen=KEPT)
        self._late: deque[tuple[int, int]] = deque(maxlen=KEPT)
        self._due: int | None = None
        self.worst = 0
        """Worst lag ever seen, nanoseconds."""

    async def watch(self) -> None:
        """Watch until cancelled."""
        while True:
            due = self._due = time.monotonic_ns() + round(TICK * NANOSECONDS)
            await asyncio.sleep(TICK)
            now = time.monotonic_ns()
            late = max(now - due, 0)
            self.worst = max(self.worst, late)
            self._ticks.append(late)
            if late > NOTICED:
                self._late.append((now, late))

    def worst_since(self, stamp: int) -> int:
        """The worst lag noticed since a stamp of the monotonic clock; 0 if none was.

        One that is not over yet counts: whoever asks may run before the watcher does.
        """
        late = 0 if self._due is None else time.monotonic_ns() - self._due
        worst = late if late > NOTICED else 0
        for at, late in reversed(self._late):
            if at < stamp:
                break
            worst = max(worst, late)
        return worst

    def recent(self) -> list[int]:
        """The lags of the last minute, oldest first, nanoseconds."""
        return list(self._ticks)

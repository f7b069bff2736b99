"""Reading what a gateway writes, within a budget: a flood must not take the tester's time."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Final

from exporter.probing.managed.output import LINES, Output

WINDOW: Final = 1.0
"""Seconds to which the budgets belong."""
LINE_BUDGET: Final = LINES
BYTE_BUDGET: Final = 2**20
"""What is kept of a window at most, in lines and bytes; the rest is counted and thrown away."""
MOST: Final = 8 * 2**20
"""Bytes of a window that are read at all; then its pipe is left full until the window ends."""
FLOOD: Final = 10.0
"""Seconds over the budget, one window after the other, after which it is a flood."""
_READ: Final = 65536
_SLICE: Final = 200
"""Lines between which others may run: together they take about a millisecond."""


class Intake:
    """Reads one pipe into `output`.

    A gateway that writes more than a budget in a window goes on, but its lines are left out.
    """

    def __init__(
        self,
        output: Output,
        *,
        lines: int = LINE_BUDGET,
        size: int = BYTE_BUDGET,
        most: int = MOST,
        window: float = WINDOW,
        flood: float = FLOOD,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.flooding = False
        """Whether it was over its budget for so long that it is not worth keeping."""
        self._output = output
        self._line_budget = lines
        self._byte_budget = size
        self._most = most
        self._window = window
        self._flood = flood
        self._now = now
        self._end = now()
        self._lines = 0
        self._size = 0
        self._over_since: float | None = None
        """When the first of the windows began that were too full, one after the other."""
        self._over = False

    async def read(self, pipe: asyncio.StreamReader) -> None:
        """Read to the end."""
        while data := await pipe.read(_READ):
            self._turn()
            await self._take(data)
            if self._size > self._most:
                await asyncio.sleep(self._end - self._now())
        self._output.end()

    async def _take(self, data: bytes) -> None:
        self._size += len(data)
        for piece, lines in _slices(data):
            if self._lines >= self._line_budget or self._size > self._byte_budget:
                self._output.skip(data)
                self._note()
                return
            self._output.feed(piece)
            self._lines += lines
            data = data[len(piece) :]
            await asyncio.sleep(0)

    def _turn(self) -> None:
        """Begin a new window if the last one is over."""
        now = self._now()
        if now < self._end:
            return
        if not self._over or now >= self._end + self._window:
            self._over_since = None
        self._end = now + self._window
        self._lines = self._size = 0
        self._over = False

    def _note(self) -> None:
        """The budget of this window is used up."""
        if self._over:
            return
        self._over = True
        if self._over_since is None:
            self._over_since = self._end - self._window
        self.flooding = self.flooding or self._end - self._over_since >= self._flood


def _slices(data: bytes) -> Iterator[tuple[bytes, int]]:
    """The data in pieces of not too many lines, with how many lines end in each."""
    while data:
        *complete, rest = data.split(b"\n", _SLICE)
        end = len(data) - (len(rest) if len(complete) == _SLICE else 0)
        yield data[:end], len(complete)
        data = data[end:]

"""How late the event loop was lately: what a request has to wait for beside its own work."""

import asyncio
from collections import deque
from typing import Final

TICK: Final = 0.05
WINDOW: Final = 60.0


class LoopLag:
    """Sleeps again and again and notes by how much it woke up late."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque()
        """(moment, seconds late), each later one smaller: the maximum stands in front."""

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK
            await asyncio.sleep(TICK)
            now = loop.time()
            self.note(now, max(0.0, now - due))

    def note(self, now: float, late: float) -> None:
        """Note a lateness in seconds at a moment of a monotonic clock."""
        while self._late and self._late[-1][1] <= late:
            self._late.pop()
        self._late.append((now, late))
        while self._late[0][0] < now - WINDOW:
            self._late.popleft()

    @property
    def worst(self) -> float:
        """The greatest lateness of the last minute, seconds; 0 before anything was measured."""
        return self._late[0][1] if self._late else 0.0

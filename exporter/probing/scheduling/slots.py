"""A bounded number of places, given to whoever has the most left to do."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """Like a semaphore, but a free place goes to the waiter with the highest weight.

    Longest chain first keeps the makespan of a round short; among equals the first who came.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    @property
    def waiting(self) -> tuple[float, ...]:
        """The weights of those who wait, the highest first."""
        return tuple(-weight for weight, _, turn in sorted(self._waiting) if not turn.done())

    @asynccontextmanager
    async def place(self, weight: float) -> AsyncIterator[None]:
        """Hold one place for the length of the block."""
        await self._acquire(weight)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, weight: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-weight, next(self._order), turn))
        self._hand_out()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release()
            raise

    def _release(self) -> None:
        """Give a place back; it is handed out once everybody who is awake has asked."""
        self._free += 1
        asyncio.get_running_loop().call_soon(self._hand_out)

    def _hand_out(self) -> None:
        while self._free > 0 and self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._free -= 1
                turn.set_result(None)

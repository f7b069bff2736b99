"""Answers that are computed when somebody asks: once for all who wait, few at a time, kept."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final

import msgspec

KEPT: Final = 10.0
"""Seconds that an answer serves others who ask the same."""
AT_ONCE: Final = 2
WAITING: Final = 64
"""Different questions that may wait at a time."""
PATIENCE: Final = 20.0
"""Seconds that one waits for an answer."""
_OVERHEAD: Final = 500


class BusyError(Exception):
    """Too many other questions are waiting, or the answer takes too long."""


class Made(msgspec.Struct, frozen=True):
    """An answer, and when it was asked for (the event loop's time, seconds)."""

    body: bytes | None
    """`None`: it is too long to be kept."""
    at: float
    progress: int


class Computed:
    """Computes and keeps answers; those that served last are dropped last."""

    def __init__(
        self, limit: int, progress: Callable[[], int], *, kept: float = KEPT, at_least: float = 1.0
    ) -> None:
        """Keep at most `limit` bytes, each for `kept` seconds.

        When `progress` changes, there is something new: then an answer is kept for `at_least`
        seconds only.
        """
        self._limit = limit
        self._progress = progress
        self._kept = kept
        self._at_least = at_least
        self._bytes = 0
        self._made: OrderedDict[Hashable, Made] = OrderedDict()
        self._running: dict[Hashable, asyncio.Task[Made]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[bytes | None]]) -> Made:
        """The answer to a question that is known by `key`.

        Raises `BusyError`, and what `make` raises.
        """
        loop = asyncio.get_running_loop()
        found = self._made.get(key)
        if found is not None and self._serves(found):
            self._made.move_to_end(key)
            return found
        task = self._running.get(key)
        if task is None:
            if len(self._running) >= WAITING:
                raise BusyError("too many questions are waiting for the store")
            task = loop.create_task(self._compute(key, make), name="answer")
            task.add_done_callback(_look)
            self._running[key] = task
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(task)
        except TimeoutError:
            raise BusyError("the store takes too long to answer") from None

    def _serves(self, made: Made) -> bool:
        new = made.progress != self._progress()
        return self.age(made) < (self._at_least if new else self._kept)

    def age(self, made: Made) -> float:
        """Seconds since an answer was asked for."""
        return asyncio.get_running_loop().time() - made.at

    def forget(self) -> None:
        """Keep nothing of what was computed."""
        self._made.clear()
        self._bytes = 0

    async def close(self) -> None:
        """Give up what is being computed."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _compute(self, key: Hashable, make: Callable[[], Awaitable[bytes | None]]) -> Made:
        try:
            async with self._slots:
                at, progress = asyncio.get_running_loop().time(), self._progress()
                made = Made(await make(), at, progress)
        finally:
            del self._running[key]
        self._keep(key, made)
        return made

    def _keep(self, key: Hashable, made: Made) -> None:
        self._forget(key)
        self._made[key] = made
        self._bytes += _size(made)
        while self._bytes > self._limit:
            self._forget(next(iter(self._made)))

    def _forget(self, key: Hashable) -> None:
        before = self._made.pop(key, None)
        if before is not None:
            self._bytes -= _size(before)


def _size(made: Made) -> int:
    return len(made.body or b"") + _OVERHEAD


def _look(task: asyncio.Task[Made]) -> None:
    """See a failure that may concern nobody any more: who waits for the task gets it, too."""
    if not task.cancelled():
        task.exception()

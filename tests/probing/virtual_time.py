"""An event loop whose time jumps to whatever comes next, and clocks that go by it."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import TypeVar

from exporter.model import NANOSECONDS
from exporter.probing.scheduling.clock import Clock

Result = TypeVar("Result")
ANY_MOMENT = 1_700_000_000.0


class _Jumping(selectors.SelectSelector):
    """Never waits: where nothing is ready, the time goes on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everybody waits for something that will never happen")
        if not ready and timeout is not None:
            self.now += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs what would take hours in no time."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class WallClock:
    """A wall clock that runs with the loop and can be set."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: float = ANY_MOMENT) -> None:
        self._loop = loop
        self.start = start

    def __call__(self) -> float:
        return self.start + self._loop.time()

    def set(self, by: float) -> None:
        self.start += by


def in_virtual_time(
    work: Callable[[Clock, WallClock], Coroutine[None, None, Result]],
    *,
    start: float = ANY_MOMENT,
) -> Result:
    """Run `work` to its end and give its result; it gets the loop's clocks."""
    loop = VirtualLoop()
    wall = WallClock(loop, start)
    clock = Clock(wall=wall, stamp=lambda: round(loop.time() * NANOSECONDS))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(work(clock, wall))

"""The part of a station that posts, on a real outbox, with a clock that tests move."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from exporter.delivery.feed import DeliveryError, FellBack, Source
from exporter.delivery.post_stats.consumer import PostStats
from exporter.model import Measurement
from exporter.outbox import Outbox
from tests.delivery.post_stats.original import Original, serving
from tests.measurements import SECOND, START

MOST_TURNS = 2000


class Clock:
    """Unix and monotonic seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> float:
        return START / SECOND + 60 + self.passed

    def monotonic(self) -> float:
        return 1000 + self.passed


class PostingStation:
    """Outbox, leaderboard and the consumer between them."""

    def __init__(self, outbox: Outbox, original: Original, clock: Clock, **target: Any) -> None:
        self.outbox, self.original, self.clock = outbox, original, clock
        self.source: Source = outbox
        self.batch, self.pause = 4, 20.0
        self._target = target
        self.problems: list[str] = []
        self.consumer = self._new()

    async def restart(self) -> None:
        """Begin anew, as after a kill."""
        await self.consumer.close()
        self.consumer = self._new()

    def _new(self) -> PostStats:
        return PostStats(
            self.original.target(**self._target),
            self.outbox,
            region="MDW",
            now=self.clock.now,
            clock=self.clock.monotonic,
        )

    async def give(self, *jobs: Measurement) -> None:
        for job in jobs:
            await self.outbox.put(job)

    async def turn(self) -> bool:
        """Offer one batch; whether there was any. A kill in the middle starts it anew."""
        after = await self.consumer.position()
        batch = await self.source.read(after, self.batch)
        if not batch:
            return False
        taking = asyncio.create_task(self.consumer.take(batch))
        self.original.kill = taking.cancel
        try:
            await taking
        except FellBack:
            pass  # it says where it stands at the next turn
        except asyncio.CancelledError:
            await self.restart()
        return True

    async def try_turn(self) -> bool:
        """The same; a problem is kept, and a while passes."""
        try:
            return await self.turn()
        except DeliveryError as error:
            self.problems.append(str(error))
            self.clock.passed += self.pause
            return True

    async def deliver(self) -> None:
        """Offer everything until the consumer has it."""
        for _ in range(MOST_TURNS):
            if not await self.try_turn():
                return
        raise AssertionError(f"it does not come to an end: {self.problems[-3:]}")


@asynccontextmanager
async def posting(folder: Path, **target: Any) -> AsyncIterator[PostingStation]:
    """A station that has begun to post what comes from now on."""
    clock = Clock()
    outbox = Outbox.open(
        folder / "outbox.sqlite", max_bytes=2**24, keep_delivered=0, clock=lambda: 0
    )
    async with serving(clock.now) as original:
        station = PostingStation(outbox, original, clock, **target)
        await station.consumer.begin()
        try:
            yield station
        finally:
            await station.consumer.close()
            await outbox.close()

"""One orchestrator's cycles, one after the other for as long as it is offered."""

import asyncio
from typing import Final

from exporter.model import NANOSECONDS
from exporter.probing.scheduling.attendance import Attendance
from exporter.probing.scheduling.chain import Chain
from exporter.probing.scheduling.skips import CLOCK_SET, OVERRUN
from exporter.probing.scheduling.timetable import ROUNDING, Start, Timetable
from exporter.probing.scheduling.workplace import Workplace

LONGEST_SLEEP: Final = 30.0
"""Seconds after which the wall clock is looked at again: it may have been set."""
JUMP: Final = 5.0
"""Seconds that a wall clock may run ahead of the monotonic one before it counts as set."""


class Pace:
    """Starts cycles when they are due by the timetable.

    Durations are taken from the monotonic clock. Where the wall clock is set back, no start is
    taken twice and none is waited for longer than an interval; where it is set forward, starts
    that it jumped over are left out, lest everybody's cycle begin at once, and they do not count
    as missed.
    """

    def __init__(self, place: Workplace, timetable: Timetable, orchestrator: str) -> None:
        self._place = place
        self._clock = place.clock
        self._timetable = timetable
        self._orchestrator = orchestrator
        self._began: int | None = None
        self._gap = 0.0

    async def keep(self) -> None:
        """Run cycle after cycle until the orchestrator is gone or no further job is to start."""
        start = self._timetable.next(self._orchestrator, self._clock.wall())
        with Attendance(self._place.progress.rounds) as attendance:
            attendance.take(start.number)
            while (come := await self._until_due(start, attendance)) is not None:
                start = await self._run(*come, attendance)

    @property
    def _goes_on(self) -> bool:
        return self._orchestrator in self._place.offers and not self._place.stopping

    async def _until_due(self, start: Start, attendance: Attendance) -> tuple[Start, int] | None:
        """Wait for a start; gives the one that came and the stamp at which it was due."""
        clock, reached = self._clock, False
        due = clock.stamp()
        while self._goes_on:
            wall, stamp = clock.wall(), clock.stamp()
            if wall >= start.due and (reached or wall <= start.due + JUMP):
                return start, due
            if wall >= start.due:
                self._pass_over(start.number, CLOCK_SET)
                start = self._timetable.next(self._orchestrator, wall)
            else:
                start = self._sooner(start, wall)
            attendance.take(start.number)
            nap = min(start.due - wall, LONGEST_SLEEP)
            due = stamp + round(nap * NANOSECONDS)
            await self._place.pause(nap)
            reached = wall + clock.since(stamp) >= start.due - ROUNDING
        return None

    def _sooner(self, start: Start, wall: float) -> Start:
        """The start to wait for, should the clock have been set back; never the one just taken."""
        if self._began is not None:
            after = max(wall, wall - self._clock.since(self._began) + self._gap / 2)
        else:
            after = wall
        first = self._timetable.next(self._orchestrator, after)
        return first if first.due < start.due - ROUNDING else start

    def _pass_over(self, number: int, reason: str) -> None:
        offered = len(self._place.offers.get(self._orchestrator, ()))
        self._place.progress.rounds.pass_over(number, offered, reason)

    async def _run(self, start: Start, due: int, attendance: Attendance) -> Start:
        """Run the cycle; gives the start to wait for next."""
        following = self._timetable.following(self._orchestrator, start)
        self._began, self._gap = due, following.due - start.due
        attendance.take(start.number, following.number)
        chain = Chain(self._place, self._orchestrator, number=start.number, due=due)
        running = asyncio.create_task(chain.run(), name=f"cycle {self._orchestrator}")
        try:
            while not await self._done(running, due, following.due - start.due):
                self._place.progress.miss(self._orchestrator)
                self._pass_over(following.number, OVERRUN)
                following = self._timetable.following(self._orchestrator, following)
                attendance.take(start.number, following.number)
        finally:
            if not running.done():
                running.cancel()
                await asyncio.wait([running])
        await running
        attendance.take(following.number)
        return following

    async def _done(self, running: asyncio.Task[None], due: int, after: float) -> bool:
        """Wait for the cycle's end, but not longer than so many seconds after it was due."""
        await asyncio.wait([running], timeout=max(after - self._clock.since(due), 0.0))
        return running.done()

"""When which target is tested: a cycle per orchestrator, one job at a time per address and host."""

import asyncio
import logging
from collections.abc import Iterable

from exporter.model import Offer, Supply, Target
from exporter.probing.lanes import Lanes
from exporter.probing.scheduling.adverts import Adverts
from exporter.probing.scheduling.bounds import Bounds
from exporter.probing.scheduling.chain import Chain
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.notices import Notices
from exporter.probing.scheduling.pace import JUMP, Pace
from exporter.probing.scheduling.progress import Progress
from exporter.probing.scheduling.run_job import RunJob
from exporter.probing.scheduling.timetable import timetable
from exporter.probing.scheduling.turns import Turns
from exporter.probing.scheduling.workplace import Hindrance, Workplace
from exporter.settings import Schedule as ScheduleSettings

LOOK: float = 1.0
"""Seconds between two looks at who is offered and has no cycle yet."""

log = logging.getLogger(__name__)


class Schedule:
    """Keeps one cycle per orchestrator going.

    In spread mode each orchestrator's cycle comes round by the timetable, at a place that depends
    on its address alone, so that the load is even and stays put over restarts. In together mode
    (demo, `--once`) a round starts everyone at once, longest chain first.

    `hindrance` says why no job makes sense right now, for a reason that is the tester's own.
    """

    def __init__(
        self,
        settings: ScheduleSettings,
        lanes: Lanes,
        run_job: RunJob,
        progress: Progress,
        *,
        hindrance: Hindrance,
        bounds: Bounds | None = None,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or Clock()
        self._place = Workplace(
            settings,
            lanes,
            run_job,
            progress,
            bounds or Bounds(settings, clock=clock),
            hindrance=hindrance,
            clock=clock,
        )
        progress.bounds = self._place.bounds.report
        self._timetable = timetable(settings)
        self._something = asyncio.Event()
        self._cycles: dict[str, asyncio.Task[None]] = {}
        self.notices = Notices(progress.rounds, self._place.bounds)
        """What survives a restart."""
        self.switches = 0
        """Lanes that were given away between two jobs so that a round ends sooner."""

    def update(self, supply: Supply) -> None:
        """Take over a new supply: what is new begins, what is gone ends with its current job."""
        place = self._place
        place.offers = _by_orchestrator(supply.tested)
        place.adverts = Adverts(supply)
        place.lanes.keep(supply.tested)
        place.bounds.keep(supply.tested)
        place.estimates.keep(offer.target for offer in supply.tested)
        place.progress.keep(place.offers.keys())
        if place.offers:
            self._something.set()
        else:
            self._something.clear()

    async def round(self, number: int | None = None) -> None:
        """One cycle of everybody, all at once, longest chain first."""
        place = self._place
        turns = Turns(place.clock, place.settings.max_parallel)
        if number is None:
            number = self._timetable.number(place.clock.wall())
        due = place.clock.stamp()
        chains = [
            (Chain(place, who, number=number, due=due, turns=turns), who) for who in place.offers
        ]
        chains.sort(key=lambda item: (-item[0].left(), item[1]))
        place.progress.rounds.hold(number)
        try:
            async with asyncio.TaskGroup() as group:
                self._cycles = {
                    who: group.create_task(chain.run(), name=f"cycle {who}")
                    for chain, who in chains
                }
        finally:
            self._cycles = {}
            self.switches += turns.switches
            place.progress.rounds.release(number)

    async def rounds_together(self) -> None:
        """Round after round, as soon as there is something to test, until no job is to start."""
        clock, began = self._place.clock, None
        while not self._place.stopping:
            await self._something.wait()
            wall = clock.wall()
            await self._place.pause(max(self._timetable.next_round(began, wall) - wall, 0))
            if self._something.is_set() and not self._place.stopping:
                began = clock.wall()
                await self.round()

    async def spread(self) -> None:
        """Everybody at his own place in the timetable, until no job is to start and none runs.

        Being cancelled ends the running jobs, too.
        """
        clock = self._place.clock
        try:
            while not self._place.stopping:
                self._start_cycles()
                wall, stamp = clock.wall(), clock.stamp()
                await self._place.pause(LOOK)
                jumped = clock.wall() - wall - clock.since(stamp)
                if abs(jumped) > JUMP:
                    log.warning("the clock was set", extra={"seconds": round(jumped, 1)})
            await self._ended()
        finally:
            self._place.stopped.set()
            for task in self._cycles.values():
                _give_up(task)
            await asyncio.gather(*self._cycles.values(), return_exceptions=True)

    def stop(self) -> None:
        """Start no further job; whoever waits for one, or for a lane, gives up at once.

        What goes on, a round or all cycles, ends by itself when the running jobs have ended.
        """
        self._place.stopped.set()
        self._something.set()
        busy = {job.target.orchestrator for job in self._place.progress.running.values()}
        for who, task in self._cycles.items():
            if who not in busy:
                _give_up(task)

    async def _ended(self) -> None:
        """Wait for the cycles that end by themselves; raises what ended one unexpectedly."""
        if self._cycles:
            await asyncio.wait(self._cycles.values())
        for task in self._cycles.values():
            if not task.cancelled():
                task.result()

    def _start_cycles(self) -> None:
        """Begin with orchestrators that are new; raises what ended a cycle unexpectedly."""
        for task in self._cycles.values():
            if task.done():
                task.result()
        self._cycles = {who: task for who, task in self._cycles.items() if not task.done()}
        for who in self._place.offers.keys() - self._cycles.keys():
            pace = Pace(self._place, self._timetable, who)
            self._cycles[who] = asyncio.create_task(pace.keep(), name=f"cycles of {who}")


def _give_up(task: asyncio.Task[None]) -> None:
    """Cancel the task once only: a second time would cut short how it clears away."""
    if not task.cancelling():
        task.cancel()


def _by_orchestrator(offers: Iterable[Offer]) -> dict[str, dict[Target, Offer]]:
    grouped: dict[str, dict[Target, Offer]] = {}
    for offer in sorted(offers, key=lambda offer: offer.target):
        grouped.setdefault(offer.target.orchestrator, {})[offer.target] = offer
    return grouped

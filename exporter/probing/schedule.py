"""When which target is tested: a cycle per orchestrator, one job at a time per address and host."""

import asyncio
import hashlib
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from exporter.model import NANOSECONDS, Measurement, Offer, Supply, Target
from exporter.probing.handshake import host_and_port
from exporter.probing.lanes import Lane, Lanes
from exporter.probing.progress import Progress
from exporter.probing.slots import Slots
from exporter.settings import Schedule as ScheduleSettings

NO_LANE = "no lane reaches it"
NETWORK_DOWN = "own network down"
NOT_STORING = "measurements cannot be stored"
COLD = "cold model tested lately"
STOPPED = "stopped"
GONE = "no longer offered"
ROUNDING = 1e-3
"""Seconds within which two moments are the same one."""
LONGEST_SLEEP = 30.0
COLD_REMEMBERED = 50_000


log = logging.getLogger(__name__)


class RunJob(Protocol):
    """Runs one job and stores its measurement durably; `None` if it was given up unstored."""

    def __call__(
        self, offer: Offer, lane: Lane, *, due: int, number: int
    ) -> Awaitable[Measurement | None]:
        """`due` is a stamp of the monotonic clock, `number` the round's."""
        ...


class Schedule:
    """Keeps one cycle per orchestrator going.

    In spread mode each orchestrator's cycle comes round every `interval` seconds at an offset
    that depends on its address alone, so that the load is even and stays put over restarts. In
    together mode (demo, `--once`) a round starts everyone at once, longest chain first.

    `hindrance` says why no job makes sense right now, for a reason that is the tester's own.
    """

    def __init__(
        self,
        settings: ScheduleSettings,
        lanes: Lanes,
        run_job: RunJob,
        progress: Progress,
        *,
        hindrance: Callable[[], Awaitable[str | None]],
        wall: Callable[[], float] = time.time,
        cold_tested: Mapping[Target, int] | None = None,
    ) -> None:
        self._settings = settings
        self._lanes = lanes
        self._run_job = run_job
        self._progress = progress
        self._hindrance = hindrance
        self._wall = wall
        self.cold_tested: dict[Target, int] = dict(cold_tested or {})
        """When a model that was not warm was last tested, Unix nanoseconds."""
        self._slots = Slots(settings.max_parallel)
        self._hosts: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._offers: dict[str, list[Offer]] = {}
        self._cycles: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    def update(self, supply: Supply) -> None:
        """Take over a new supply: what is new begins, what is gone ends with its current job."""
        self._offers = _by_orchestrator(supply.tested)
        self._lanes.keep(supply.tested)
        # By age and not by what is listed: who is missing from one list is not forgotten.
        latest = sorted(self.cold_tested.items(), key=lambda item: item[1])[-COLD_REMEMBERED:]
        self.cold_tested = dict(latest)
        self._hosts = defaultdict(
            asyncio.Lock, {host: lock for host, lock in self._hosts.items() if lock.locked()}
        )

    async def round(self, number: int) -> None:
        """One cycle of everybody, all at once, longest chain first."""
        chains = sorted(self._offers.items(), key=lambda item: (-len(item[1]), item[0]))
        self._progress.begin_round(number, 0)
        try:
            async with asyncio.TaskGroup() as group:
                for orchestrator, _ in chains:
                    group.create_task(self._cycle(orchestrator, time.monotonic_ns(), number))
        finally:
            done = self._progress.end_round()
            if done is not None:
                log.info(
                    "round done",
                    extra={
                        "round": done.number,
                        "expected": done.expected,
                        "done": done.done,
                        "outcomes": done.outcomes,
                        "skipped": done.skipped,
                    },
                )

    async def rounds_together(self) -> None:
        """Round after round, each at least the interval after the start of the one before."""
        while not self._stopping:
            started = time.monotonic()
            await self.round(self._number(self._wall()))
            await asyncio.sleep(max(self._settings.interval - (time.monotonic() - started), 0))

    async def spread(self) -> None:
        """Everybody at his own offset, until cancelled."""
        try:
            while not self._stopping:
                for orchestrator in self._offers:
                    task = self._cycles.get(orchestrator)
                    if task is None or task.done():
                        self._cycles[orchestrator] = asyncio.create_task(
                            self._endless(orchestrator), name=f"cycle {orchestrator}"
                        )
                self._cycles = {k: task for k, task in self._cycles.items() if not task.done()}
                await asyncio.sleep(1.0)
        finally:
            for task in self._cycles.values():
                task.cancel()
            await asyncio.gather(*self._cycles.values(), return_exceptions=True)

    def stop(self) -> None:
        """Start no further job."""
        self._stopping = True

    def offset(self, orchestrator: str) -> float:
        """Seconds into the interval at which its cycle starts; depends on nothing but its name."""
        digest = hashlib.sha256(orchestrator.encode()).digest()
        return int.from_bytes(digest[:8]) / 2**64 * self._settings.interval

    def next_due(self, orchestrator: str, after: float) -> float:
        """The first start of its cycle later than `after`, Unix seconds."""
        interval, offset = self._settings.interval, self.offset(orchestrator)
        due = ((after - offset) // interval + 1) * interval + offset
        # Rounding may give the very moment again, which is due already.
        return due if due > after + ROUNDING else due + interval

    async def _endless(self, orchestrator: str) -> None:
        due = self.next_due(orchestrator, self._wall())
        while orchestrator in self._offers and not self._stopping:
            due = await self._wait_for(orchestrator, due)
            lateness = max(self._wall() - due, 0)
            due_stamp = time.monotonic_ns() - round(lateness * NANOSECONDS)
            await self._cycle(orchestrator, due_stamp, self._number(due), weighted=False)
            following = self.next_due(orchestrator, max(self._wall(), due))
            missed = round((following - due) / self._settings.interval) - 1
            if missed > 0:
                self._progress.late(orchestrator, missed)
            due = following

    async def _wait_for(self, orchestrator: str, due: float) -> float:
        """Sleep until due; a clock that was set back does not make it a longer sleep."""
        while (left := due - self._wall()) > 0:
            if left > self._settings.interval + ROUNDING:
                due = self.next_due(orchestrator, self._wall())
                continue
            await asyncio.sleep(min(left, LONGEST_SLEEP))
        return due

    def _now_offered(self, planned: Offer) -> Offer | None:
        """The target as it is offered now, which may have moved or gone since the cycle began."""
        offers = self._offers.get(planned.target.orchestrator, [])
        return next((offer for offer in offers if offer.target == planned.target), None)

    async def _cycle(
        self, orchestrator: str, due: int, number: int, *, weighted: bool = True
    ) -> None:
        """All targets of one orchestrator, one after the other, each due when the last is done."""
        offers = self._offers.get(orchestrator, [])
        self._progress.begin_round(number, len(offers))
        for position, planned in enumerate(offers):
            offer = self._now_offered(planned)
            if offer is None:
                self._progress.skip(GONE, number)
                continue
            reason = await self._reason_to_skip(offer)
            if reason is not None:
                self._progress.skip(reason, number)
                continue
            lane = self._lanes.for_offer(offer)
            if lane is None:
                self._progress.skip(NO_LANE, number)
                continue
            await self._one(offer, lane, due, number, weight=(len(offers) - position) * weighted)
            due = time.monotonic_ns()

    async def _one(self, offer: Offer, lane: Lane, due: int, number: int, *, weight: float) -> None:
        host = host_and_port(offer.service_uri or lane.url)[0]
        async with self._hosts[host], lane.free, self._slots.place(weight):
            if self._stopping:
                self._progress.skip(STOPPED, number)
                return
            key = self._progress.begin_job(offer.target, lane.name)
            measurement = None
            try:
                measurement = await self._run_job(offer, lane, due=due, number=number)
            finally:
                self._progress.end_job(key, number, measurement)
        if offer.warm is False and measurement is not None:
            self.cold_tested[offer.target] = time.time_ns()

    async def _reason_to_skip(self, offer: Offer) -> str | None:
        if self._stopping:
            return STOPPED
        if offer.warm is False:
            last = self.cold_tested.get(offer.target)
            if last is not None:
                since = (self._wall() - last / NANOSECONDS) + 1.0
                if 0 <= since < self._settings.cold_interval:
                    return COLD
        return await self._hindrance()

    def _number(self, moment: float) -> int:
        return int(moment // self._settings.interval)


def _by_orchestrator(offers: Iterable[Offer]) -> dict[str, list[Offer]]:
    grouped: dict[str, list[Offer]] = {}
    for offer in sorted(offers, key=lambda offer: offer.target):
        grouped.setdefault(offer.target.orchestrator, []).append(offer)
    return grouped

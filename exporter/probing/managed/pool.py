"""The pool of managed lanes: at most so many gateways, each pinned to one orchestrator."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from typing import Final

from exporter.probing.managed.asking import Asking
from exporter.probing.managed.cleaning import cleaner
from exporter.probing.managed.faults import Fault, LaneStartError
from exporter.probing.managed.home import LaneHome
from exporter.probing.managed.lane import ManagedLane
from exporter.probing.managed.numbers import LaneState, PoolNumbers
from exporter.probing.managed.process import GatewayProcess
from exporter.probing.managed.starter import Starter
from exporter.probing.managed.watch import resident
from exporter.probing.scheduling.slots import Slots
from exporter.settings.livepeer import Livepeer

__all__ = ["LaneStartError", "LaneState", "ManagedLane", "ManagedPool", "PoolNumbers"]

WATCH: Final = 5.0
"""Seconds between two looks at all gateways, and between two questions to one that is held."""

Pin = tuple[str, str]
"""Orchestrator and service URI."""

log = logging.getLogger(__name__)


class _Seat:
    """One of the pool's places, and the gateway that sits there."""

    def __init__(self, number: int) -> None:
        self.name = f"managed-{number}"
        self.pin: Pin | None = None
        self.process: GatewayProcess | None = None
        self.leased = False
        self.unwanted = False
        """Its orchestrator is not tested any more."""
        self.used = 0
        self.resident: int | None = None
        self.ending: asyncio.Task[None] | None = None
        self.starting: asyncio.Task[GatewayProcess] | None = None


class ManagedPool:
    """Keeps gateways running and hands them out, one holder each.

    A gateway stays with its orchestrator while there are places enough; else the one that was not
    used for the longest time gives way. `starter` may be shared with the scout. `orchestrators`
    gives the ETH addresses of all known orchestrators: none of them may be the paying account.
    """

    def __init__(
        self,
        settings: Livepeer,
        home: LaneHome,
        *,
        orchestrators: Callable[[], Collection[str]] = tuple,
        starter: Starter | None = None,
        watch_interval: float = WATCH,
    ) -> None:
        self._settings = settings
        self._starter = starter or Starter(
            settings, home, clean=cleaner(settings), orchestrators=orchestrators
        )
        self._watch_interval = watch_interval
        self._numbers = PoolNumbers(leftovers=home.leftovers)
        self._slots = Slots(settings.lanes)
        self._seats = [_Seat(number) for number in range(1, settings.lanes + 1)]
        self._order = itertools.count(1)
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking = Asking(watch_interval)
        self._watching: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def lease(
        self,
        orchestrator: str,
        uri: str,
        *,
        weight: float = 0.0,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> AsyncIterator[ManagedLane]:
        """Hold a gateway that is pinned to this orchestrator's `uri`.

        Waits for a place; the highest weight is served first. `before` is asked when its turn has
        come, just before the gateway is used or started. Raises `LaneStartError`, and what
        `before` raises.
        """
        pin = (orchestrator, uri)
        if not any(seat.pin == pin and seat.process is not None for seat in self._seats):
            await self._starter.ready(pin)
        async with self._slots.place(weight):
            if before is not None:
                await before()
            seat = self._seat(pin)
            seat.leased = True
            try:
                process = await self._sit(seat, pin)
                yield ManagedLane(
                    seat.name,
                    orchestrator,
                    process,
                    lambda: self._slots.waiting,
                    on_chain=self._settings.on_chain is not None,
                )
            finally:
                seat.leased = False
                seat.used = next(self._order)
                self._clear(seat)

    def keep(self, orchestrators: Collection[str]) -> None:
        """End the gateways of all other orchestrators; one that is held, when its lease ends."""
        for seat in self._seats:
            seat.unwanted = seat.pin is not None and seat.pin[0] not in orchestrators
            self._clear(seat)

    @property
    def numbers(self) -> PoolNumbers:
        """The counters, for metrics."""
        self._numbers.starts = self._starter.starts
        self._numbers.start_failures = {
            str(fault): count for fault, count in self._starter.failures.items()
        }
        return self._numbers

    @property
    def lanes(self) -> tuple[LaneState, ...]:
        """The gateways that run now."""
        return tuple(
            LaneState(
                name=seat.name,
                orchestrator=seat.pin[0],
                uri=seat.pin[1],
                leased=seat.leased,
                pid=seat.process.pid,
                started=seat.process.started,
                resident=seat.resident,
            )
            for seat in self._seats
            if seat.process is not None and seat.pin is not None
        )

    @property
    def version(self) -> str | None:
        """Version of the program; `None` before the first start."""
        return None if self._starter.binary is None else self._starter.binary.version

    async def close(self) -> None:
        """End all gateways at once, also those that are held; no lease begins any more.

        Takes `stop_timeout` and a moment. The scout may be closed at the same time.
        """
        self._closed = True
        tasks = [seat.starting for seat in self._seats if seat.starting is not None]
        for task in (*tasks, *self._watching):
            task.cancel()
        await asyncio.gather(
            *tasks,
            *self._watching,
            *(self._empty(seat) for seat in self._seats),
            return_exceptions=True,
        )
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _seat(self, pin: Pin) -> _Seat:
        """The place to take: that of this pin, else an empty one, else the least recently used."""
        free = [seat for seat in self._seats if not seat.leased]

        def wish(seat: _Seat) -> tuple[bool, bool, bool, int]:
            empty = seat.process is None
            return seat.pin != pin or empty, not empty, seat.ending is not None, seat.used

        return min(free, key=wish)

    async def _sit(self, seat: _Seat, pin: Pin) -> GatewayProcess:
        """A gateway with this pin in this place. Raises `LaneStartError`."""
        if (process := await self._kept(seat, pin)) is not None:
            return process
        if seat.pin != pin and self._stays(seat):
            self._numbers.switches += 1
        await self._empty(seat)
        if self._closed:
            raise _closing()
        seat.starting = asyncio.create_task(
            self._starter.start(pin, uri=pin[1], name=seat.name), name=f"start {seat.name}"
        )
        try:
            process = await seat.starting
        except asyncio.CancelledError:
            if _cancelled():
                raise
            raise _closing() from None
        finally:
            seat.starting = None
        seat.pin, seat.process, seat.resident, seat.unwanted = pin, process, None, False
        self._follow(seat, process, pin[0])
        return process

    async def _kept(self, seat: _Seat, pin: Pin) -> GatewayProcess | None:
        """The gateway that sits there, if it may stay."""
        # Apart from `_sit`, which would hold on to one that may not, and to its log, meanwhile.
        process = seat.process
        if process is not None and seat.pin == pin and await self._still_good(process):
            return process
        return None

    async def _still_good(self, process: GatewayProcess) -> bool:
        return not self._unfit(process) and await process.alive()

    def _unfit(self, process: GatewayProcess) -> bool:
        """Whether the process must not be used for a further lease."""
        return self._broken(process) or process.binary != self._starter.binary

    def _broken(self, process: GatewayProcess) -> bool:
        over = process.over_memory or process.over_output
        return process.broken.is_set() or process.stopping or over

    def _stays(self, seat: _Seat) -> bool:
        """Whether the gateway of a place is one to go on with, if somebody needs it."""
        if seat.process is None or seat.ending is not None or seat.unwanted:
            return False
        return not self._unfit(seat.process)

    def _clear(self, seat: _Seat) -> None:
        """End the gateway of a place that nobody holds if it is not to go on."""
        if seat.process is not None and not seat.leased and not self._stays(seat):
            self._retire(seat)

    def _retire(self, seat: _Seat) -> None:
        """End the gateway of a place in the background."""
        if seat.ending is None:
            seat.ending = asyncio.create_task(self._end(seat), name=f"end {seat.name}")

    async def _empty(self, seat: _Seat) -> None:
        """End the gateway of a place, if there is one, and wait for that."""
        if seat.process is not None:
            self._retire(seat)
        if seat.ending is not None:
            await asyncio.shield(seat.ending)

    async def _end(self, seat: _Seat) -> None:
        try:
            if seat.process is not None:
                self._numbers.memory_restarts += seat.process.over_memory
                self._numbers.floods += seat.process.over_output
                await seat.process.stop()
        finally:
            seat.process = seat.ending = seat.pin = None

    def _follow(self, seat: _Seat, process: GatewayProcess, orchestrator: str) -> None:
        task = asyncio.create_task(
            self._notice(seat, process, orchestrator), name=f"follow {seat.name}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if not self._watching:
            steps = (self._look, self._ask, self._check_program)
            self._watching = [asyncio.create_task(self._watch(step)) for step in steps]

    async def _notice(self, seat: _Seat, process: GatewayProcess, orchestrator: str) -> None:
        """Count and tell what becomes of a gateway that nobody ended; clear it away if it idles."""
        await process.broken.wait()
        if process.stopping:
            return
        if process.hung:
            self._numbers.hangs += 1
            event = "a gateway does not answer any more"
        else:
            self._numbers.crashes += 1
            event = "a gateway ended unexpectedly"
        log.warning(
            event,
            extra={
                "lane": seat.name,
                "orchestrator": orchestrator,
                "leased": seat.leased,
                "reason": process.why_broken(),
            },
        )
        if seat.process is process:
            self._clear(seat)

    async def _watch(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except Exception:
                log.exception("the gateways cannot be watched")
                await asyncio.sleep(self._watch_interval)

    async def _ask(self) -> None:
        """Find those that do not answer any more."""
        await self._asking.round(self._running(leased=True), self._running(leased=False))

    def _running(self, *, leased: bool) -> Iterator[GatewayProcess]:
        for seat in self._seats:
            if seat.leased is leased and seat.process and not self._broken(seat.process):
                yield seat.process

    async def _check_program(self) -> None:
        """Look for a new program, which may take long: nobody waits for that."""
        await asyncio.sleep(self._watch_interval)
        await self._starter.refresh()

    async def _look(self) -> None:
        """One look at memory and output of all, and the end of those that are not to go on."""
        await asyncio.sleep(self._watch_interval)
        running = {
            seat.process.pid: seat
            for seat in self._seats
            if seat.process is not None and not self._broken(seat.process)
        }
        if not running:
            return
        for group, used in (await asyncio.to_thread(resident, running.keys())).items():
            seat = running[group]
            if seat.process is None or seat.process.pid != group:
                continue
            seat.resident = used
            if used > self._settings.memory:
                seat.process.over_memory = True
                log.warning(
                    "a gateway takes too much memory and is started anew",
                    extra={"lane": seat.name, "resident": used, "limit": self._settings.memory},
                )
        for seat in running.values():
            if seat.process is not None and seat.process.flooding and not seat.process.over_output:
                seat.process.over_output = True
                log.warning(
                    "a gateway writes far more than is read and is started anew",
                    extra={"lane": seat.name, "orchestrator": seat.pin and seat.pin[0]},
                )
            self._clear(seat)


def _closing() -> LaneStartError:
    return LaneStartError(Fault.CLOSED, "the pool of gateways is being closed")


def _cancelled() -> bool:
    """Whether the cancellation is that of the holder, not of the start alone."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

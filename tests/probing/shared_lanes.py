"""Stand-ins for the lanes and the jobs of a schedule that is tested without a network."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import msgspec

from exporter.model import Blame, LaneKind, Measurement, Offer, Origin, Outcome, Supply, Target
from exporter.probing.lanes import Lane, Lanes, LaneUnavailableError, Route
from exporter.probing.scheduling.run_job import Ran
from exporter.probing.scheduling.slots import Slots
from exporter.settings import Lane as LaneSettings


def offer(
    orchestrator: str,
    model: str = "m",
    *,
    host: str | None = None,
    warm: bool | None = True,
    pipeline: str = "llm",
    price: float | None = None,
    capacity: int | None = None,
) -> Offer:
    return Offer(
        target=Target(orchestrator, pipeline, model),
        service_uri=f"http://{host or orchestrator}:8000",
        warm=warm,
        price_per_unit=price,
        capacity=capacity,
    )


def supply(*offers: Offer, taken_at: int = 0) -> Supply:
    return Supply(offers=offers, sources=(), taken_at=taken_at)


class FewLanes(Lanes):
    """Gateways that are pinned to one orchestrator at a time, which takes `pin` seconds."""

    def __init__(self, count: int, *, pin: float = 0.2) -> None:
        super().__init__([LaneSettings(kind="managed")])
        self._slots = Slots(count)
        self._pin = pin
        self._pinned: list[str] = [""] * count
        self._leased: set[int] = set()
        self.pins = 0
        self.broken: set[str] = set()

    @asynccontextmanager
    async def lease(self, route: Route, *, weight: float = 0.0) -> AsyncIterator[Lane]:
        if route.orchestrator in self.broken:
            raise LaneUnavailableError("its gateway does not start")
        async with self._slots.place(weight):
            free = [seat for seat in range(len(self._pinned)) if seat not in self._leased]
            seat = next((s for s in free if self._pinned[s] == route.orchestrator), free[0])
            self._leased.add(seat)
            try:
                if self._pinned[seat] != route.orchestrator:
                    await asyncio.sleep(self._pin)
                    self._pinned[seat] = route.orchestrator
                    self.pins += 1
                yield _Wanted(seat, self._slots)
            finally:
                self._leased.discard(seat)


class _Wanted(Lane):
    def __init__(self, seat: int, slots: Slots) -> None:
        super().__init__(kind=LaneKind.MANAGED, name=f"lane-{seat}", url="http://127.0.0.1:1")
        self._slots = slots

    @property
    def wanted(self) -> tuple[float, ...]:
        return self._slots.waiting


Ending = tuple[Outcome, Blame | None, bool]
"""How a job ends: outcome, blame, and whether it deserves a repeat at once."""

GOOD: Ending = (Outcome.OK, None, False)
BUSY: Ending = (Outcome.NO_CAPACITY, None, False)
FAILED: Ending = (Outcome.ORCHESTRATOR_ERROR, Blame.ORCHESTRATOR, False)
OURS: Ending = (Outcome.TESTER_ERROR, Blame.TESTER, True)


class Jobs:
    """Stands where the job runner stands. Jobs take as long as `takes` says, and end by `ends`."""

    def __init__(
        self,
        takes: Callable[[Target], float] = lambda _: 0.0,
        ends: dict[Target, list[Ending]] | None = None,
        sends: float | None = None,
    ) -> None:
        """`sends` is what each job's tickets are worth, if the lane tells."""
        self._takes = takes
        self._sends = sends
        self._ends = {target: list(endings) for target, endings in (ends or {}).items()}
        self.started: list[Target] = []
        self.begun_at: list[tuple[Target, float]] = []
        self.calls: list[dict[str, object]] = []
        self.running: Counter[str] = Counter()
        self.hosts: Counter[str] = Counter()
        self.most_at_once = 0
        self.ended = 0
        """Jobs that gave a measurement."""
        self.clashes: list[str] = []
        self.hold: dict[str, asyncio.Event] = {}
        self.changed = asyncio.Condition()

    def __call__(
        self,
        offer: Offer,
        lane: Lane,
        *,
        due: int,
        number: int,
        repeats: str | None = None,
        busy_counts: bool = False,
    ) -> Awaitable[Ran | None]:
        self.calls.append(
            {
                "target": offer.target,
                "lane": lane.name,
                "due": due,
                "number": number,
                "repeats": repeats,
                "busy_counts": busy_counts,
            }
        )
        return self._run(offer, f"job-{len(self.calls)}", repeats)

    async def _run(self, offer: Offer, job: str, repeats: str | None) -> Ran | None:
        who, host = offer.target.orchestrator, offer.service_uri or ""
        async with self.changed:
            self.started.append(offer.target)
            self.begun_at.append((offer.target, asyncio.get_running_loop().time()))
            self.running[who] += 1
            self.hosts[host] += 1
            self.most_at_once = max(self.most_at_once, self.running.total())
            if self.running[who] > 1 or self.hosts[host] > 1:
                self.clashes.append(f"{who} {host}")
            self.changed.notify_all()
        try:
            if who in self.hold:
                await self.hold[who].wait()
            else:
                await asyncio.sleep(self._takes(offer.target))
        finally:
            self.running[who] -= 1
            self.hosts[host] -= 1
        endings = self._ends.get(offer.target)
        outcome, blame, repeat = endings.pop(0) if endings else GOOD
        self.ended += 1
        found = measured(offer, job, outcome, blame, repeats)
        return Ran(msgspec.structs.replace(found, ticket_value=self._sends), repeat)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(condition)


def measured(
    of: Offer,
    job: str = "a",
    outcome: Outcome = Outcome.OK,
    blame: Blame | None = None,
    repeats: str | None = None,
) -> Measurement:
    return Measurement(
        id=job,
        origin=Origin.OWN,
        tester="t",
        region="R",
        orchestrator=of.target.orchestrator,
        pipeline=of.target.pipeline,
        model=of.target.model,
        started_at=1,
        outcome=outcome,
        blame=blame,
        repeats=repeats,
    )


def chains(count: int, jobs: int, *, host_of: Callable[[int], str] | None = None) -> list[Offer]:
    """So many orchestrators with so many models each."""
    return [
        offer(f"o{n:03}", f"m{k:02}", host=None if host_of is None else host_of(n))
        for n in range(count)
        for k in range(jobs)
    ]


def direct() -> Lanes:
    """One direct lane for everyone."""
    return lanes([LaneSettings(kind="direct")])


def lanes(settings: Iterable[LaneSettings]) -> Lanes:
    return Lanes(settings)

"""One orchestrator's cycle: its targets one after the other, the busy ones once more at the end."""

from collections.abc import Hashable, Iterable

from exporter.model import NANOSECONDS, LaneKind, Measurement, Offer, Outcome, Target
from exporter.probing.handshake import host_and_port
from exporter.probing.lanes import Lane, LaneUnavailableError, Route
from exporter.probing.scheduling.rounds import CycleCount
from exporter.probing.scheduling.run_job import Ran
from exporter.probing.scheduling.skips import GONE, NO_LANE, NOT_STORED, STOPPED
from exporter.probing.scheduling.turns import Turns
from exporter.probing.scheduling.workplace import Workplace


class _Job:
    """A target that is to be tested in this cycle, or to be tested again."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.ready_at = 0
        """Stamp before which it is not to start."""
        self.first: Measurement | None = None
        """What is to be repeated."""
        self.was_free = False
        """Whether free capacity was advertised at the first try."""
        self.refused_at = 0
        """When the first try had ended, in Unix nanoseconds."""


class Chain:
    """Runs a cycle once.

    Consecutive targets that are reached the same way are tested over one lease of a lane. `due` is
    the stamp at which the cycle was to start, `number` its round's. With `turns` the cycle is part
    of a round that is to end soon: the longest chains get lanes and places first.
    """

    def __init__(
        self,
        place: Workplace,
        orchestrator: str,
        *,
        number: int,
        due: int,
        turns: Turns | None = None,
    ) -> None:
        self._place = place
        self._orchestrator = orchestrator
        self._number = number
        self._due = due
        self._turns = turns
        self._begun = False
        offers = place.offers.get(orchestrator, {})
        self._todo = [_Job(target) for target in _in_order_of_route(place, offers.values())]
        self._count = CycleCount(place.progress.rounds, number, offers)

    def left(self) -> float:
        """Seconds of testing that are left, by estimate."""
        place, courtesy = self._place, self._place.bounds.courtesy
        seconds = 0.0
        for job in self._todo:
            offer = place.offered(job.target)
            again = job.first is not None
            if offer is not None and courtesy.reason_to_skip(offer, again=again) is None:
                seconds += place.estimates.of(job.target)
        return seconds

    async def run(self) -> None:
        """Test every target, or leave it out for a reason; each is counted once."""
        try:
            with self._count:
                while (job := await self._next()) is not None:
                    if (planned := await self._plan(job)) is not None:
                        await self._visit(job, *planned)
        finally:
            if self._turns is not None:
                self._turns.leave(self._orchestrator)

    async def _next(self) -> _Job | None:
        """The next job, once it may start; `None` when there is none any more."""
        while self._todo and not self._place.stopping:
            if (job := self._ready()) is not None:
                return job
            soonest = min(job.ready_at for job in self._todo)
            await self._place.pause(-self._place.clock.since(soonest))
        return None

    def _ready(self) -> _Job | None:
        now = self._place.clock.stamp()
        return next((job for job in self._todo if job.ready_at <= now), None)

    async def _plan(self, job: _Job) -> tuple[Offer, Route] | None:
        """How the job is to be done now; `None` if it is not, which is counted."""
        place = self._place
        offer = place.offered(job.target)
        route = None if offer is None else place.lanes.route(offer)
        if offer is None or route is None:
            self._skip(job, GONE if offer is None else NO_LANE)
            return None
        reason = self._reason_to_skip(job, offer, route) or await place.hindrance()
        if reason is not None:
            self._skip(job, reason)
            return None
        return offer, route

    async def _visit(self, job: _Job, offer: Offer, route: Route) -> None:
        """Test the target, and those after it that are reached the same way, over one lane."""
        place = self._place
        turns = self._turns if route.kind is LaneKind.MANAGED else None
        async with place.hosts.alone(_host(offer, route)):
            if place.stopping:
                return
            if turns is not None:
                turns.wait(self._orchestrator, self.left)
            try:
                async with place.lanes.lease(route, weight=self._weight()) as lane:
                    if turns is not None:
                        turns.serve(self._orchestrator)
                    await self._over(lane, route, job)
            except LaneUnavailableError as error:
                for waiting in [job for job in self._todo if self._goes(job, route)]:
                    self._skip(waiting, error.reason)
            finally:
                if turns is not None:
                    turns.pause(self._orchestrator)

    async def _over(self, lane: Lane, route: Route, job: _Job) -> None:
        """Test the job's target over the lane, and then whoever is next and goes the same way."""
        following: _Job | None = job
        while following is not None:
            await self._test(following, route, lane)
            following = await self._following(route, lane)

    async def _following(self, route: Route, lane: Lane) -> _Job | None:
        """The next job that the lane is to be kept for."""
        while not _is_broken(lane) and not self._place.stopping:
            job = self._ready()
            if job is None or not self._goes(job, route) or self._gives_way(job, lane):
                return None
            if await self._plan(job) is not None:
                return job
        return None

    def _gives_way(self, following: _Job, lane: Lane) -> bool:
        if self._turns is None or not lane.wanted:
            return False
        next_job = self._place.estimates.of(following.target)
        return self._turns.gives_way(self._orchestrator, next_job, len(lane.wanted))

    async def _test(self, job: _Job, route: Route, lane: Lane) -> None:
        """Run the job; once more at once if it says so, or later if nothing was free.

        Nothing happens if the target is no longer reached this way: it may have moved meanwhile.
        """
        async with self._place.slots.place(self._weight()):
            offer = self._place.offered(job.target)
            if offer is None:
                self._skip(job, GONE)
                return
            if self._place.lanes.route(offer) != route:
                return
            reason = self._reason_to_skip(job, offer, route)
            if reason is not None:
                self._skip(job, reason)
                return
            first = job.first is None
            ran = await self._run(job, offer, lane)
            if ran is None:
                self._skip(job, NOT_STORED)
                return
            if first and ran.repeat:
                job.first = ran.measurement
                if _is_broken(lane):
                    return
                if self._reason_to_skip(job, offer, route) is None:
                    await self._run(job, offer, lane)
            elif first and ran.measurement.outcome is Outcome.NO_CAPACITY:
                self._try_later(job, offer, ran.measurement)
                return
        self._todo.remove(job)
        self._count.done(job.target)

    def _try_later(self, job: _Job, offer: Offer, first: Measurement) -> None:
        place = self._place
        job.first, job.was_free = first, _is_free(offer)
        job.refused_at = place.clock.wall_ns()
        job.ready_at = place.clock.stamp() + round(place.settings.busy_pause * NANOSECONDS)
        self._todo.remove(job)
        self._todo.append(job)

    async def _run(self, job: _Job, offer: Offer, lane: Lane) -> Ran | None:
        place, clock = self._place, self._place.clock
        due = max(self._due, job.ready_at)
        began, ran = clock.stamp(), None
        if not self._begun:
            self._begun = True
            place.progress.began(self._orchestrator, max(clock.since(due), 0.0))
        payment = place.bounds.start(offer, lane.kind)
        key = place.progress.begin_job(offer.target, lane.name)
        try:
            ran = await place.run_job(
                offer,
                lane,
                due=due,
                number=self._number,
                repeats=None if job.first is None else job.first.id,
                busy_counts=place.settings.busy_counts and self._is_still_free(job, offer),
            )
        finally:
            found = None if ran is None else ran.measurement
            place.progress.end_job(key, found)
            place.bounds.end(payment, None if found is None else found.ticket_value)
        self._due = clock.stamp()
        place.estimates.took(offer.target, clock.since(began))
        if ran is not None:
            place.bounds.courtesy.tested(offer)
            repeat = job.first is not None
            self._count.measured(job.target, ran.measurement, repeat=repeat)
        return ran

    def _reason_to_skip(self, job: _Job, offer: Offer, route: Route) -> str | None:
        if self._place.stopping:
            return STOPPED
        again = job.first is not None
        return self._place.bounds.reason_to_skip(offer, route.kind, again=again)

    def _skip(self, job: _Job, reason: str) -> None:
        self._todo.remove(job)
        self._count.skip(job.target, reason)

    def _is_still_free(self, job: _Job, offer: Offer) -> bool:
        """Whether free capacity is advertised again, in an advert read since the first try."""
        read_at = self._place.adverts.read_at(offer)
        since = read_at is not None and read_at > job.refused_at
        return job.was_free and _is_free(offer) and since

    def _goes(self, job: _Job, route: Route) -> bool:
        """Whether a job's target is reached the way of a route now."""
        offer = self._place.offered(job.target)
        return offer is not None and self._place.lanes.route(offer) == route

    def _weight(self) -> float:
        return 0.0 if self._turns is None else self.left()


def _in_order_of_route(place: Workplace, offers: Iterable[Offer]) -> list[Target]:
    """The targets in their order, but those that are reached the same way together."""
    grouped: dict[Route | None, list[Target]] = {}
    for offer in offers:
        grouped.setdefault(place.lanes.route(offer), []).append(offer.target)
    return [target for group in grouped.values() for target in group]


def _host(offer: Offer, route: Route) -> Hashable:
    """Whose machine works: the host of the service URI, else what the route is."""
    return route if offer.service_uri is None else host_and_port(offer.service_uri)[0]


def _is_broken(lane: Lane) -> bool:
    """Whether the gateway of a managed lane has ended or hung."""
    return lane.process is not None and lane.process.failure() is not None


def _is_free(offer: Offer) -> bool:
    return offer.capacity is not None and offer.capacity > 0

"""One orchestrator's cycle: what is repeated, what is left out, and what shares a lane."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from exporter.model import NANOSECONDS, Offer, Outcome
from exporter.probing.lanes import Lane, Lanes, Route
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.progress import Progress
from exporter.probing.scheduling.run_job import Ran
from exporter.probing.scheduling.schedule import Schedule
from exporter.probing.scheduling.skips import GONE, NETWORK_DOWN, NO_LANE, NOT_STORED, STOPPED
from exporter.settings import Lane as LaneSettings
from exporter.settings import Schedule as Settings
from tests.probing.shared_lanes import (
    BUSY,
    FAILED,
    GOOD,
    OURS,
    FewLanes,
    Jobs,
    direct,
    offer,
    supply,
)
from tests.probing.virtual_time import WallClock, in_virtual_time

A, B, C = offer("o", "a"), offer("o", "b"), offer("o", "c")
PAUSE = 30.0


class Leases(Lanes):
    """Direct lanes that remember each lease."""

    def __init__(self) -> None:
        super().__init__([LaneSettings(kind="direct")])
        self.leased: list[Route] = []
        self.held = 0

    @asynccontextmanager
    async def lease(self, route: Route, *, weight: float = 0.0) -> AsyncIterator[Lane]:
        self.leased.append(route)
        async with super().lease(route, weight=weight) as lane:
            self.held += 1
            yield lane
            self.held -= 1


class Round:
    """One round in virtual time, and what came of it."""

    def __init__(
        self,
        *offers: Offer,
        jobs: Jobs | None = None,
        lanes: Lanes | None = None,
        hindrance: Callable[[], Awaitable[str | None]] | None = None,
        meanwhile: Callable[["Round"], Awaitable[None]] | None = None,
        **settings: Any,
    ) -> None:
        self.jobs = jobs or Jobs()
        self.progress = Progress()

        async def work(clock: Clock, _: WallClock) -> None:
            self.clock = clock
            self.progress = Progress(clock)
            self.schedule = Schedule(
                Settings.model_validate({"busy_pause": PAUSE, **settings}),
                lanes or direct(),
                self.jobs,
                self.progress,
                hindrance=hindrance or _nothing,
                clock=clock,
            )
            self.schedule.update(supply(*offers))
            async with asyncio.TaskGroup() as group:
                group.create_task(self.schedule.round(1))
                if meanwhile is not None:
                    group.create_task(_run(meanwhile(self)))

        in_virtual_time(work)

    @property
    def order(self) -> str:
        return "".join(target.model for target in self.jobs.started)

    @property
    def report(self) -> dict[str, Any]:
        return self.progress.rounds.reports[-1]


async def _run(work: Awaitable[None]) -> None:
    await work


async def _nothing() -> None:
    return None


# Repeats


def test_a_busy_target_is_tried_again_after_the_others_and_after_a_pause() -> None:
    jobs = Jobs(takes=lambda _: 1.0, ends={A.target: [BUSY, GOOD]})
    made = Round(A, B, C, jobs=jobs)
    assert made.order == "abca"
    times = [at for _, at in jobs.begun_at]
    assert times == pytest.approx([0, 1, 2, 1 + PAUSE], abs=1e-3)
    assert [call["repeats"] for call in jobs.calls] == [None, None, None, "job-1"]
    assert jobs.calls[3]["due"] == pytest.approx((1 + PAUSE) * NANOSECONDS, abs=1e6)
    assert (made.report["passed"], made.report["repeated"]) == (3, 1)
    assert made.progress.repeated == 1


def test_a_busy_target_needs_no_pause_when_the_others_took_long_enough() -> None:
    jobs = Jobs(takes=lambda _: 20.0, ends={A.target: [BUSY, GOOD]})
    lanes = Leases()
    Round(A, B, C, jobs=jobs, lanes=lanes)
    assert [at for _, at in jobs.begun_at] == pytest.approx([0, 20, 40, 60], abs=1e-3)
    assert len(lanes.leased) == 1


def test_the_lane_is_free_for_others_during_the_pause() -> None:
    lanes = Leases()
    held: list[int] = []

    async def look(_: Round) -> None:
        await asyncio.sleep(PAUSE / 2)
        held.append(lanes.held)

    Round(A, jobs=Jobs(ends={A.target: [BUSY, GOOD]}), lanes=lanes, meanwhile=look)
    assert held == [0]
    assert len(lanes.leased) == 2


def test_who_is_busy_twice_is_not_tried_a_third_time() -> None:
    made = Round(A, B, jobs=Jobs(ends={A.target: [BUSY, BUSY, GOOD]}))
    assert made.order == "aba"
    assert (made.report["unblamed"], made.report["repeated"]) == (1, 1)


@pytest.mark.parametrize("second", [GOOD, OURS, BUSY, FAILED])
def test_a_failure_of_ours_is_repeated_once_at_once(second: Any) -> None:
    jobs = Jobs(takes=lambda _: 1.0, ends={A.target: [OURS, second, GOOD, GOOD]})
    made = Round(A, B, jobs=jobs)
    assert made.order == "aab"
    assert [call["repeats"] for call in jobs.calls] == [None, "job-1", None]
    assert [at for _, at in jobs.begun_at] == pytest.approx([0, 1, 2], abs=1e-3)
    assert jobs.calls[1]["due"] == 1 * NANOSECONDS
    assert made.report["done"] == 2


def test_a_repeat_that_fails_by_our_own_fault_is_not_repeated_either() -> None:
    made = Round(A, B, jobs=Jobs(ends={A.target: [BUSY, OURS, GOOD]}))
    assert made.order == "aba"
    assert (made.report["done"], made.report["repeated"]) == (2, 1)


def test_a_failure_that_nobody_doubts_is_not_repeated() -> None:
    made = Round(A, B, jobs=Jobs(ends={A.target: [FAILED, GOOD]}))
    assert made.order == "ab"
    assert (made.report["failed"], made.report["repeated"]) == (1, 0)


@pytest.mark.parametrize(
    ("busy_counts", "before", "after", "counts"),
    [
        (True, 1, 2, True),
        (False, 1, 2, False),
        (True, 0, 2, False),
        (True, 1, 0, False),
        (True, None, 1, False),
        (True, 1, None, False),
    ],
)
def test_busy_counts_only_where_free_capacity_was_advertised_both_times(
    *, busy_counts: bool, before: int | None, after: int | None, counts: bool
) -> None:
    first = msgspec.structs.replace(A, capacity=before)
    jobs = Jobs(ends={A.target: [BUSY, BUSY]})

    async def refresh(made: Round) -> None:
        await asyncio.sleep(PAUSE / 2)
        again = msgspec.structs.replace(A, capacity=after)
        made.schedule.update(supply(again, taken_at=made.clock.wall_ns()))

    Round(first, jobs=jobs, meanwhile=refresh, busy_counts=busy_counts)
    assert [call["busy_counts"] for call in jobs.calls] == [False, counts]


@pytest.mark.parametrize(("read_at", "counts"), [(None, False), (0.5, False), (1.5, True)])
def test_busy_counts_only_by_an_advert_that_was_read_after_the_first_refusal(
    *, read_at: float | None, counts: bool
) -> None:
    """The job is refused after one second."""
    free = msgspec.structs.replace(A, capacity=1)
    jobs = Jobs(takes=lambda _: 1.0, ends={A.target: [BUSY, BUSY]})

    async def refresh(made: Round) -> None:
        begun = made.clock.wall()
        await asyncio.sleep(PAUSE / 2)
        if read_at is not None:
            taken_at = round((begun + read_at) * NANOSECONDS)
            made.schedule.update(supply(free, taken_at=taken_at))

    Round(free, jobs=jobs, meanwhile=refresh, busy_counts=True)
    assert [call["busy_counts"] for call in jobs.calls] == [False, counts]


def test_a_stop_during_the_pause_leaves_the_first_result() -> None:
    async def stop(made: Round) -> None:
        await asyncio.sleep(PAUSE / 2)
        made.schedule.stop()

    made = Round(A, B, jobs=Jobs(ends={A.target: [BUSY, GOOD]}), meanwhile=stop)
    assert made.order == "ab"
    assert (made.report["done"], made.report["unblamed"], made.report["skipped"]) == (2, 1, {})
    assert made.report["seconds"] == pytest.approx(PAUSE / 2)


def test_a_busy_target_that_is_gone_at_its_repeat_keeps_the_first_result() -> None:
    async def refresh(made: Round) -> None:
        await asyncio.sleep(PAUSE / 2)
        made.schedule.update(supply(B))

    made = Round(A, B, jobs=Jobs(ends={A.target: [BUSY, GOOD]}), meanwhile=refresh)
    assert made.order == "ab"
    assert (made.report["done"], made.report["skipped"]) == (2, {})


# What is left out


def test_who_has_no_lane_is_skipped_and_counted() -> None:
    pinned = LaneSettings(kind="pinned", orchestrator="o", url="http://gateway:1")
    made = Round(A, offer("p"), lanes=Lanes([pinned]))
    assert made.order == "a"
    assert made.report["skipped"] == {NO_LANE: 1}


def test_while_our_network_is_down_jobs_are_skipped_and_nobody_is_tested() -> None:
    async def network_down() -> str:
        return NETWORK_DOWN

    made = Round(A, offer("p"), hindrance=network_down)
    assert made.order == ""
    assert made.report["skipped"] == {NETWORK_DOWN: 2}
    assert made.progress.skipped == {NETWORK_DOWN: 2}


def test_a_target_that_is_withdrawn_during_the_cycle_is_skipped() -> None:
    async def withdraw(made: Round) -> None:
        await asyncio.sleep(0.5)
        made.schedule.update(supply(A, C))

    made = Round(A, B, C, jobs=Jobs(takes=lambda _: 1.0), meanwhile=withdraw)
    assert made.order == "ac"
    assert made.report["skipped"] == {GONE: 1}


def test_a_job_that_could_not_be_stored_is_skipped_and_not_done() -> None:
    class Unstored(Jobs):
        async def _run(self, offer: Offer, job: str, repeats: str | None) -> Ran | None:
            ran = await super()._run(offer, job, repeats)
            return None if offer.target.model == "a" else ran

    made = Round(A, B, jobs=Unstored())
    assert made.order == "ab"
    assert (made.report["done"], made.report["skipped"]) == (1, {NOT_STORED: 1})


def test_a_stop_starts_no_further_job() -> None:
    async def stop(made: Round) -> None:
        await asyncio.sleep(0.5)
        made.schedule.stop()

    made = Round(A, B, C, jobs=Jobs(takes=lambda _: 1.0), meanwhile=stop)
    assert made.order == "a"
    assert made.report["skipped"] == {STOPPED: 2}
    assert not made.progress.running


# Lanes


def test_targets_that_are_reached_the_same_way_share_one_lease() -> None:
    elsewhere = msgspec.structs.replace(B, service_uri="http://second:8000")
    lanes = Leases()
    made = Round(A, elsewhere, C, lanes=lanes)
    assert made.order == "acb"
    assert [route.uri for route in lanes.leased] == ["http://o:8000", "http://second:8000"]


def test_a_target_that_moves_during_the_cycle_gets_another_lane() -> None:
    lanes = Leases()

    async def move(made: Round) -> None:
        await asyncio.sleep(0.5)
        made.schedule.update(
            supply(A, msgspec.structs.replace(B, service_uri="http://second:8000"), C)
        )

    made = Round(A, B, C, jobs=Jobs(takes=lambda _: 1.0), lanes=lanes, meanwhile=move)
    assert made.order == "abc"
    assert [route.uri for route in lanes.leased] == [
        "http://o:8000",
        "http://second:8000",
        "http://o:8000",
    ]


def test_a_target_that_moves_while_its_job_waits_for_a_place_is_not_tested_where_it_was() -> None:
    lanes = Leases()

    async def move(made: Round) -> None:
        await asyncio.sleep(1)
        made.schedule.update(
            supply(msgspec.structs.replace(A, service_uri="http://second:8000"), *others)
        )

    others = [offer("long", model) for model in "xy"]
    jobs = Jobs(takes=lambda _: 10.0)
    made = Round(A, *others, jobs=jobs, lanes=lanes, meanwhile=move, max_parallel=1)
    tested = [route.uri for route in lanes.leased if route.uri != "http://long:8000"]
    assert tested == ["http://o:8000", "http://second:8000"]
    assert Counter(made.order) == Counter("axy")


def test_a_gateway_that_does_not_start_is_tried_once_a_cycle_and_hurts_nobody_else() -> None:
    lanes = FewLanes(2)
    lanes.broken.add("o")
    made = Round(A, B, C, offer("p"), lanes=lanes)
    assert [target.orchestrator for target in made.jobs.started] == ["p"]
    assert made.report["skipped"] == {"its gateway does not start": 3}


class _Process:
    """As much of a gateway's process as a chain looks at."""

    wanted = ()

    def __init__(self) -> None:
        self.ended: str | None = None

    def failure(self) -> str | None:
        return self.ended


class Gateways(Leases):
    """Lanes whose gateway ends during certain jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[_Process] = []

    @asynccontextmanager
    async def lease(self, route: Route, *, weight: float = 0.0) -> AsyncIterator[Lane]:
        async with super().lease(route, weight=weight) as lane:
            self.processes.append(_Process())
            lane.process = self.processes[-1]  # type: ignore[assignment]  # it is all that is used
            yield lane


class Crashing(Jobs):
    """Jobs during whose n-th one the gateway ends."""

    def __init__(self, lanes: Gateways, crash: int, *endings: Any) -> None:
        super().__init__(ends={A.target: list(endings)})
        self._lanes, self._crash = lanes, crash
        self.over: list[str] = []
        """The model of each job, and the number of the gateway that it ran over."""

    async def _run(self, offer: Offer, job: str, repeats: str | None) -> Ran | None:
        self.over.append(f"{offer.target.model}{len(self._lanes.processes)}")
        if self._lanes.processes[-1].ended is not None:
            self.over.append("which has ended")
        if job == f"job-{self._crash}":
            self._lanes.processes[-1].ended = "killed"
        return await super()._run(offer, job, repeats)


def test_a_job_whose_gateway_ended_is_repeated_at_once_over_a_new_lease() -> None:
    lanes = Gateways()
    jobs = Crashing(lanes, 1, OURS, GOOD)
    made = Round(A, B, lanes=lanes, jobs=jobs)
    assert made.order == "aab"
    assert [call["repeats"] for call in jobs.calls] == [None, "job-1", None]
    assert jobs.over == ["a1", "a2", "b2"]
    assert (made.report["passed"], made.report["repeated"]) == (2, 1)


def test_a_repeat_over_a_new_lease_is_not_repeated_either() -> None:
    lanes = Gateways()
    made = Round(A, B, lanes=lanes, jobs=Crashing(lanes, 1, OURS, OURS, GOOD))
    assert made.order == "aab"
    assert (made.report["done"], made.report["repeated"]) == (2, 1)


def test_after_a_gateway_ended_the_other_targets_get_a_new_one() -> None:
    lanes = Gateways()
    made = Round(A, B, C, lanes=lanes, jobs=Crashing(lanes, 1, FAILED))
    assert made.order == "abc"
    assert len(lanes.leased) == 2


def test_two_orchestrators_behind_one_host_are_tested_one_after_the_other() -> None:
    offers = [offer(who, model, host="h") for who in "pq" for model in "ab"]
    made = Round(*offers, jobs=Jobs(takes=lambda _: 1.0))
    assert made.jobs.clashes == []
    assert made.jobs.most_at_once == 1
    assert Counter(made.jobs.started) == {of.target: 1 for of in offers}


def test_orchestrators_without_a_service_uri_do_not_wait_for_each_other() -> None:
    lanes = Lanes(
        [
            LaneSettings(kind="pinned", orchestrator=who, url=f"http://gateway:{port}")
            for port, who in enumerate("pq", 1)
        ]
    )
    offers = [msgspec.structs.replace(offer(who), service_uri=None) for who in "pq"]
    made = Round(*offers, lanes=lanes, jobs=Jobs(takes=lambda _: 1.0))
    assert made.jobs.most_at_once == 2


def test_a_hanging_orchestrator_slows_nobody_else() -> None:
    jobs = Jobs(takes=lambda target: 1000.0 if target.orchestrator == "hangs" else 1.0)
    offers = [offer("hangs", "m1"), offer("hangs", "m2")]
    offers += [offer(f"o{n}", f"m{k}") for n in range(4) for k in range(3)]
    Round(*offers, jobs=jobs)
    others = [at for target, at in jobs.begun_at if target.orchestrator != "hangs"]
    assert len(others) == 12
    assert max(others) < 3


def test_with_few_places_the_longest_chain_goes_first() -> None:
    offers = [offer("short", "m")]
    offers += [offer("long", f"m{k}") for k in range(5)]
    offers += [offer("middle", f"m{k}") for k in range(3)]
    made = Round(*offers, jobs=Jobs(takes=lambda _: 5.0), max_parallel=1)
    order = [target.orchestrator for target in made.jobs.started]
    assert order[:2] == ["long", "long"]
    assert order.index("middle") < order.index("short")
    assert made.jobs.most_at_once == 1


def test_how_late_the_first_job_of_a_cycle_began_is_told() -> None:
    jobs = Jobs(takes=lambda _: 10.0)
    made = Round(offer("p", host="h"), offer("q", host="h"), jobs=jobs)
    assert sorted(made.progress.lateness.values()) == pytest.approx([0, 10])


def test_outcomes_are_counted_job_by_job() -> None:
    made = Round(A, B, jobs=Jobs(ends={A.target: [BUSY, GOOD]}))
    assert made.progress.outcomes == {Outcome.OK: 2, Outcome.NO_CAPACITY: 1}
    assert made.progress.jobs_done == 3
    assert made.report["outcomes"] == {"ok": 2}

"""The schedule as a whole: rounds, rounds after rounds, supplies that come and go, restarts."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.model import LaneKind, Offer
from exporter.probing.scheduling.bounds import Bounds
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.hosts import Hosts
from exporter.probing.scheduling.progress import Progress
from exporter.probing.scheduling.schedule import Schedule
from exporter.probing.scheduling.skips import ABOVE_FEE, COLD, JOBS_OF_DAY
from exporter.probing.scheduling.utc_day import DAY
from exporter.settings import Schedule as Settings
from tests.probing.shared_lanes import (
    BUSY,
    GOOD,
    OURS,
    FewLanes,
    Jobs,
    chains,
    direct,
    offer,
    supply,
)
from tests.probing.virtual_time import ANY_MOMENT, WallClock, in_virtual_time

Work = Callable[[Schedule], Awaitable[None]]


class Run:
    """A schedule at work in virtual time."""

    def __init__(
        self,
        work: Work,
        *offers: Offer,
        jobs: Jobs | None = None,
        before: "Run | None" = None,
        start: float = ANY_MOMENT,
        **settings: Any,
    ) -> None:
        self.jobs = jobs or Jobs(takes=lambda _: 1.0)
        self.progress = Progress()
        self.published: dict[str, bytes] = {}
        given = Settings.model_validate(settings)

        async def run(clock: Clock, _: WallClock) -> None:
            self.progress = Progress(clock)
            self.bounds = Bounds(given, clock=clock)
            self.schedule = Schedule(
                given,
                direct(),
                self.jobs,
                self.progress,
                hindrance=_nothing,
                bounds=self.bounds,
                clock=clock,
            )
            for topic, payload in (before.published if before else {}).items():
                self.schedule.notices.restore(topic, payload)
            if offers:
                self.schedule.update(supply(*offers))
            await work(self.schedule)
            self.published = dict(self.schedule.notices.changed())

        in_virtual_time(run, start=start)

    @property
    def reports(self) -> list[dict[str, Any]]:
        return list(self.progress.rounds.reports)


async def _nothing() -> None:
    return None


async def one_round(schedule: Schedule) -> None:
    await schedule.round(1)


def rounds(count: int) -> Work:
    async def work(schedule: Schedule) -> None:
        for number in range(count):
            await schedule.round(number)

    return work


def together(seconds: float, *, first: Callable[[Schedule], Awaitable[None]] | None = None) -> Work:
    async def work(schedule: Schedule) -> None:
        running = asyncio.create_task(schedule.rounds_together())
        if first is not None:
            await first(schedule)
        await asyncio.sleep(seconds)
        schedule.stop()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    return work


def test_a_round_runs_every_target_once() -> None:
    offers = [offer(f"o{n}", f"m{k}") for n in range(5) for k in range(n + 1)]
    made = Run(one_round, *offers)
    assert sorted(made.jobs.started) == sorted(of.target for of in offers)
    latest = made.progress.round
    assert latest is not None
    assert (latest.expected, latest.done, latest.left) == (15, 15, 0)
    assert latest.outcomes == {"ok": 15}
    assert latest.ended_at is not None


def test_a_round_takes_its_number_from_the_timetable() -> None:
    async def work(schedule: Schedule) -> None:
        await schedule.round()

    assert Run(work, offer("a"), interval=60).reports[0]["number"] == ANY_MOMENT // 60


def test_one_address_and_one_host_run_one_job_at_a_time() -> None:
    offers = [offer(f"o{n}", f"m{k}", host=f"h{n % 3}") for n in range(9) for k in range(3)]
    made = Run(one_round, *offers)
    assert made.jobs.clashes == []
    assert made.jobs.most_at_once == 3


def test_rounds_together_begin_an_interval_apart() -> None:
    made = Run(together(350), offer("a"), offer("b"), interval=100)
    times = sorted({at for _, at in made.jobs.begun_at})
    assert times == pytest.approx([0, 100, 200, 300])


def test_a_round_that_takes_longer_than_the_interval_is_followed_at_once() -> None:
    jobs = Jobs(takes=lambda _: 150.0)
    made = Run(together(500), offer("a"), jobs=jobs, interval=100)
    assert [at for _, at in made.jobs.begun_at] == pytest.approx([0, 150, 300, 450])


def test_rounds_together_begin_as_soon_as_there_is_something_to_test() -> None:
    async def late(schedule: Schedule) -> None:
        schedule.update(supply())
        await asyncio.sleep(7)
        schedule.update(supply(offer("a")))

    made = Run(together(50, first=late), interval=900)
    assert [at for _, at in made.jobs.begun_at] == pytest.approx([7], abs=0.01)


def test_rounds_together_wait_for_the_moments_of_cron() -> None:
    start = datetime(2026, 3, 1, 11, 50, tzinfo=UTC).timestamp()
    made = Run(together(2 * 3600), offer("a"), offer("b"), cron=["0 * * * *"], start=start)
    assert sorted({at for _, at in made.jobs.begun_at}) == pytest.approx([600, 4200])


def test_a_cold_model_is_tested_once_in_its_own_interval() -> None:
    offers = [offer("a", "cold", warm=False), offer("a", "warm")]
    made = Run(rounds(2), *offers)
    assert Counter(target.model for target in made.jobs.started) == {"cold": 1, "warm": 2}
    assert made.progress.skipped == {COLD: 1}


def test_a_busy_cold_model_is_tried_again_in_the_same_cycle() -> None:
    cold = offer("a", warm=False)
    made = Run(one_round, cold, jobs=Jobs(ends={cold.target: [BUSY, GOOD]}))
    assert len(made.jobs.started) == 2


def test_cold_models_stay_tested_over_a_restart() -> None:
    cold = offer("a", warm=False)
    first = Run(one_round, cold)
    second = Run(one_round, cold, before=first, start=ANY_MOMENT + 3600)
    assert (len(first.jobs.started), len(second.jobs.started)) == (1, 0)
    third = Run(one_round, cold, before=first, start=ANY_MOMENT + DAY)
    assert len(third.jobs.started) == 1


def test_the_jobs_of_a_day_end_with_the_day() -> None:
    offers = [offer("a", model) for model in "abc"]

    async def until_tomorrow(schedule: Schedule) -> None:
        await schedule.round(1)
        await asyncio.sleep(DAY)
        await schedule.round(2)

    made = Run(until_tomorrow, *offers, jobs_per_day=2)
    assert [report["skipped"] for report in made.reports] == [{JOBS_OF_DAY: 1}] * 2
    assert len(made.jobs.started) == 4


def test_repeats_stop_at_the_jobs_of_a_day_too() -> None:
    first, second = offer("a", "a"), offer("a", "b")
    jobs = Jobs(ends={first.target: [BUSY, GOOD], second.target: [OURS, GOOD]})
    made = Run(one_round, first, second, jobs=jobs, jobs_per_day=2)
    assert len(made.jobs.started) == 2
    assert (made.reports[0]["unblamed"], made.reports[0]["tester_errors"]) == (1, 1)


def test_what_is_too_dear_is_held_back_and_said_to_be_so() -> None:
    lanes = FewLanes(1)
    progress = Progress()

    async def run(clock: Clock, _: WallClock) -> None:
        settings = Settings()
        bounds = _dear(settings, clock)
        jobs = Jobs()
        schedule = Schedule(
            settings, lanes, jobs, progress, hindrance=_nothing, bounds=bounds, clock=clock
        )
        schedule.update(supply(offer("a", price=1e9), offer("b", price=1.0)))
        await schedule.round(1)
        assert [target.orchestrator for target in jobs.started] == ["b"]
        assert dict(schedule.notices.changed())["held_back"].count(b"not tested at our price") == 1

    in_virtual_time(run)
    assert progress.rounds.reports[0]["skipped"] == {ABOVE_FEE: 1}
    assert lanes.pins == 1, "no gateway is started for a job that is too dear"
    assert progress.report()["bounds"]["wei_today"] == 128


def test_a_job_costs_what_its_tickets_are_worth_where_that_is_told_else_what_was_expected() -> None:
    costs = []
    for sends in (50.0, None):
        progress = Progress()

        async def run(
            clock: Clock,
            _: WallClock,
            *,
            sends: float | None = sends,
            progress: Progress = progress,
        ) -> None:
            settings = Settings()
            schedule = Schedule(
                settings,
                FewLanes(1),
                Jobs(sends=sends),
                progress,
                hindrance=_nothing,
                bounds=_dear(settings, clock),
                clock=clock,
            )
            schedule.update(supply(offer("a", price=1.0), offer("b", price=1.0)))
            await schedule.round(1)

        in_virtual_time(run)
        report = progress.report()["bounds"]
        costs.append([report[name] for name in ("wei_today", "cost_today", "sent_unknown")])
    assert costs == [[256, 100, 0], [256, 256, 2]]


def _dear(settings: Settings, clock: Clock) -> Bounds:
    from exporter.pipelines import registry
    from exporter.settings import Pipelines, Spending

    pipelines = registry(Pipelines())
    made = Bounds(settings, Spending(max_fee=1000), pipelines=pipelines, on_chain=True, clock=clock)
    assert made.reason_to_skip(offer("c", price=1e9), LaneKind.DIRECT) is None
    return made


def test_orchestrators_that_are_gone_leave_no_numbers_behind() -> None:
    async def work(schedule: Schedule) -> None:
        await schedule.round(1)
        schedule.update(supply(offer("o001")))

    made = Run(work, *chains(3, 1))
    assert set(made.progress.lateness) == {"o001"}


async def test_a_host_is_forgotten_when_nobody_wants_it() -> None:
    hosts = Hosts()
    order: list[str] = []

    async def visit(name: str) -> None:
        async with hosts.alone("h"):
            order.append(name)
            await asyncio.sleep(0)
            order.append(name)

    await asyncio.gather(*(visit(name) for name in "abc"))
    assert order == list("aabbcc")
    assert not hosts._locks
    assert not hosts._users

"""Cycles over hours in virtual time: what is due, late or missed, and what rounds come to."""

import asyncio
import contextlib
import itertools
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from exporter.model import Offer, Target
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.progress import Progress
from exporter.probing.scheduling.rounds import RESULTS
from exporter.probing.scheduling.schedule import Schedule
from exporter.probing.scheduling.skips import CLOCK_SET, OVERRUN
from exporter.probing.scheduling.timetable import EveryInterval, timetable
from exporter.settings import Schedule as Settings
from tests.probing.shared_lanes import BUSY, GOOD, Jobs, chains, direct, offer, supply
from tests.probing.virtual_time import ANY_MOMENT, WallClock, in_virtual_time

INTERVAL = 900.0
WHO = "0x" + "a" * 40


class Spread:
    """So many seconds of the spread mode."""

    def __init__(
        self,
        *offers: Offer,
        seconds: float,
        jobs: Jobs | None = None,
        meanwhile: Callable[["Spread"], Awaitable[None]] | None = None,
        **settings: Any,
    ) -> None:
        self.jobs = jobs or Jobs(takes=lambda _: 1.0)
        self.progress = Progress()
        given = settings if "cron" in settings else {"interval": INTERVAL, **settings}
        self.settings = Settings.model_validate(given)

        async def work(clock: Clock, wall: WallClock) -> None:
            self.clock, self.wall = clock, wall
            self.progress = Progress(clock)
            self.schedule = Schedule(
                self.settings, direct(), self.jobs, self.progress, hindrance=_nothing, clock=clock
            )
            self.schedule.update(supply(*offers))
            running = asyncio.create_task(self.schedule.spread())
            if meanwhile is not None:
                await meanwhile(self)
            await asyncio.sleep(seconds - asyncio.get_running_loop().time())
            self.lateness = dict(self.progress.lateness)
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

        in_virtual_time(work)

    @property
    def reports(self) -> list[dict[str, Any]]:
        return list(self.progress.rounds.reports)

    def starts(self, who: str = WHO) -> list[float]:
        """When its jobs began, in seconds since the start."""
        return [at for target, at in self.jobs.begun_at if target.orchestrator == who]


async def _nothing() -> None:
    return None


def first_start(who: str = WHO) -> float:
    return EveryInterval(INTERVAL).next(who, ANY_MOMENT).due - ANY_MOMENT


def test_an_orchestrator_is_tested_once_an_interval_at_its_own_offset() -> None:
    made = Spread(offer(WHO), seconds=4 * INTERVAL)
    assert made.starts() == pytest.approx([first_start() + n * INTERVAL for n in range(4)])
    assert made.progress.lateness[WHO] == pytest.approx(0, abs=0.01)
    assert made.progress.missed == {WHO: 0}


def test_a_round_is_over_when_everybodys_cycle_of_its_number_is() -> None:
    made = Spread(*chains(20, 3), seconds=5 * INTERVAL)
    full = [report for report in made.reports if report["expected"] == 60]
    assert len(full) >= 3
    for report in full:
        assert (report["passed"], report["left"], report["skipped"]) == (60, 0, {})
        assert report["seconds"] <= INTERVAL
    numbers = [report["number"] for report in made.reports]
    assert numbers == sorted(set(numbers))


def test_a_cycle_that_takes_long_makes_the_next_ones_missed_and_nothing_else() -> None:
    slow = [offer(WHO, model) for model in "abc"]
    jobs = Jobs(takes=lambda target: 800.0 if target.orchestrator == WHO else 1.0)
    made = Spread(*slow, *chains(5, 2), jobs=jobs, seconds=12 * INTERVAL)
    begin = first_start()
    assert made.starts()[:6] == pytest.approx(
        [begin + n * 800 for n in range(3)] + [begin + 3 * INTERVAL + n * 800 for n in range(3)],
        abs=0.01,
    )
    assert made.progress.missed[WHO] == pytest.approx(2 * 12 / 3, abs=2)
    assert {count for who, count in made.progress.missed.items() if who != WHO} == {0}
    skipped = [report["skipped"] for report in made.reports[1:-1]]
    assert Counter(overrun.get(OVERRUN, 0) for overrun in skipped)[3] >= 6
    assert all(report["left"] == 0 for report in made.reports)


def test_missed_cycles_are_seen_while_the_long_one_still_runs() -> None:
    jobs = Jobs(takes=lambda _: 10 * INTERVAL)
    seen: list[int] = []

    async def look(made: Spread) -> None:
        await asyncio.sleep(first_start() + 3.5 * INTERVAL)
        seen.append(made.progress.missed[WHO])

    Spread(offer(WHO), jobs=jobs, seconds=5 * INTERVAL, meanwhile=look)
    assert seen == [3]


def test_who_waits_for_a_place_is_late_and_says_so() -> None:
    jobs = Jobs(takes=lambda _: 300.0)
    offers = chains(30, 1)
    made = Spread(*offers, jobs=jobs, seconds=3 * INTERVAL, max_parallel=4)
    assert max(made.lateness.values()) > 300
    assert all(isinstance(call["due"], int) for call in jobs.calls)


def test_a_busy_target_is_tried_again_within_its_cycle() -> None:
    busy = offer(WHO)
    jobs = Jobs(takes=lambda _: 1.0, ends={busy.target: [BUSY, GOOD]})
    made = Spread(busy, jobs=jobs, seconds=first_start() + 100, busy_pause=30)
    assert made.starts() == pytest.approx([first_start(), first_start() + 31])
    assert made.reports[-1]["repeated"] == 1


def test_new_orchestrators_join_and_those_that_go_leave_nothing_behind() -> None:
    async def change(made: Spread) -> None:
        await asyncio.sleep(2 * INTERVAL)
        made.schedule.update(supply(*chains(3, 2)))

    made = Spread(offer(WHO), seconds=5 * INTERVAL, meanwhile=change)
    assert max(made.starts()) < 2 * INTERVAL
    joined = {target.orchestrator for target in made.jobs.started} - {WHO}
    assert joined == {"o000", "o001", "o002"}
    assert WHO not in made.lateness
    assert all(report["left"] == 0 for report in made.reports)


def test_a_broken_cycle_is_not_silent() -> None:
    class Broken(Jobs):
        async def _run(self, *_: Any) -> Any:
            raise ZeroDivisionError

    async def fails(clock: Clock, _: WallClock) -> None:
        schedule = Schedule(
            Settings(interval=60),
            direct(),
            Broken(),
            Progress(clock),
            hindrance=_nothing,
            clock=clock,
        )
        schedule.update(supply(offer(WHO)))
        async with asyncio.timeout(1000):
            await schedule.spread()

    with pytest.raises(ZeroDivisionError):
        in_virtual_time(fails)


# Clocks that are set


@pytest.mark.parametrize("by", [60.0, 400.0, 3600.0, 90_000.0, 1e8])
def test_a_clock_that_is_set_forward_makes_no_cycle_missed_and_no_rush(
    by: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    offers = chains(100, 1)

    async def jump(made: Spread) -> None:
        await asyncio.sleep(INTERVAL * 1.5)
        made.wall.set(by)

    made = Spread(*offers, seconds=4 * INTERVAL, meanwhile=jump)
    assert set(made.progress.missed.values()) == {0}
    times = sorted(at for _, at in made.jobs.begun_at)
    rush = max(sum(1 for at in times if begin <= at < begin + 20) for begin in times)
    assert rush < 15, "everybody's cycle began at once"
    for of in offers:
        gaps = [b - a for a, b in _pairs(made.starts(of.target.orchestrator))]
        assert max(gaps) <= 2 * INTERVAL + 1
    assert caplog.text.count("the clock was set") == 1
    over = Counter[str]()
    for report in made.reports:
        over.update(report["skipped"])
        assert report["left"] == 0
    assert set(over) <= {CLOCK_SET, "stopped"}


@pytest.mark.parametrize("by", [0.5, 5.0, 60.0, 400.0, 899.0, 3600.0, 90_000.0])
@pytest.mark.parametrize("at", [0.0, 0.003, 0.5, 1.49])
def test_a_clock_that_is_set_back_makes_no_longer_wait_and_nothing_twice(
    by: float, at: float
) -> None:
    async def jump(made: Spread) -> None:
        await asyncio.sleep(first_start() + INTERVAL + at * INTERVAL)
        made.wall.set(-by)

    made = Spread(offer(WHO), seconds=6 * INTERVAL, meanwhile=jump)
    gaps = [b - a for a, b in _pairs(made.starts())]
    assert max(gaps) <= 2 * INTERVAL + 1
    assert min(gaps) >= INTERVAL / 2 - 1
    assert made.progress.missed == {WHO: 0}


def test_a_clock_that_is_set_during_a_long_cycle_does_not_count_as_missed() -> None:
    async def jump(made: Spread) -> None:
        await asyncio.sleep(first_start() + 100)
        made.wall.set(10 * INTERVAL)

    jobs = Jobs(takes=lambda _: 300.0)
    made = Spread(offer(WHO), jobs=jobs, seconds=5 * INTERVAL, meanwhile=jump)
    assert made.progress.missed == {WHO: 0}
    assert len(made.starts()) >= 4


def _pairs(times: list[float]) -> list[tuple[float, float]]:
    return list(itertools.pairwise(times))


# Cron


def test_with_cron_everybody_begins_within_the_spread_after_each_moment() -> None:
    made = Spread(*chains(20, 2), seconds=4 * 3600, cron=["0 * * * *"], cron_spread=60)
    since = [(ANY_MOMENT + at) % 3600 for target, at in made.jobs.begun_at]
    assert len(since) == 4 * 40
    assert max(since) < 60 + 2
    assert [report["expected"] for report in made.reports] == [40] * 4


# Everything at once

events = st.lists(
    st.tuples(
        st.floats(1, 1.5 * INTERVAL),
        st.sampled_from(["forward", "back", "supply", "nothing"]),
        st.floats(0, 3 * INTERVAL),
    ),
    max_size=5,
)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    events,
    st.tuples(st.integers(1, 8), st.integers(1, 4)),
    st.lists(st.sampled_from([0.1, 5.0, 100.0, 700.0, 2000.0]), min_size=1, max_size=4),
    st.integers(1, 6),
    st.booleans(),
)
def test_whatever_happens_every_report_adds_up_and_nobody_is_tested_twice_at_once(
    happening: list[tuple[float, str, float]],
    size: tuple[int, int],
    takes: list[float],
    places: int,
    by_cron: bool,
) -> None:
    every = chains(*size)
    jobs = Jobs(
        takes=lambda target: takes[int(target.model[1:]) % len(takes)],
        ends={of.target: [BUSY, GOOD, GOOD, BUSY, BUSY] for of in every[::3]},
    )

    async def meanwhile(made: Spread) -> None:
        for wait, what, amount in happening:
            await asyncio.sleep(wait)
            if what == "supply":
                made.schedule.update(supply(*every[: int(amount) % (len(every) + 1)]))
            elif what != "nothing":
                made.wall.set(amount if what == "forward" else -amount)

    pace = {"cron": ["*/15 * * * *"]} if by_cron else {}
    made = Spread(
        *every, jobs=jobs, seconds=9 * INTERVAL, max_parallel=places, meanwhile=meanwhile, **pace
    )
    assert jobs.clashes == []
    assert jobs.most_at_once <= places
    assert made.reports or any(what == "supply" for _, what, _ in happening)
    for report in made.reports:
        assert report["expected"] == report["done"] + sum(report["skipped"].values())
        assert report["done"] == sum(report[result] for result in RESULTS)
        assert report["left"] == 0
    done = sum(report["done"] + report["repeated"] for report in made.reports)
    assert done == len(jobs.started) - _cut_off(jobs)
    if not any(what in ("forward", "back") for _, what, _ in happening):
        _once_a_number(jobs)


def _cut_off(jobs: Jobs) -> int:
    return len(jobs.started) - jobs.ended


def _once_a_number(jobs: Jobs) -> None:
    firsts = Counter((c["target"], c["number"]) for c in jobs.calls if c["repeats"] is None)
    assert set(firsts.values()) <= {1}
    by_target: defaultdict[Any, list[Any]] = defaultdict(list)
    for call in jobs.calls:
        by_target[call["target"]].append(call["number"])
    assert all(numbers == sorted(numbers) for numbers in by_target.values())


def test_the_timetable_of_the_settings_is_the_one_that_is_kept() -> None:
    slot = timetable(Settings(interval=INTERVAL, region_slot="2 of 2"))
    made = Spread(offer(WHO), seconds=2 * INTERVAL, region_slot="2 of 2")
    assert made.starts()[0] == pytest.approx(slot.next(WHO, ANY_MOMENT).due - ANY_MOMENT)
    assert made.jobs.started[0] == Target(WHO, "llm", "m")

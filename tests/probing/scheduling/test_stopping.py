"""A stop: what runs goes on to its end, and whoever only waits gives up at once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from exporter.model import Offer
from exporter.probing.lanes import Lanes
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.progress import Progress
from exporter.probing.scheduling.schedule import Schedule
from exporter.probing.scheduling.skips import STOPPED
from exporter.settings import Schedule as Settings
from tests.probing.shared_lanes import OURS, FewLanes, Jobs, direct, offer, supply
from tests.probing.virtual_time import WallClock, in_virtual_time

INTERVAL = 60.0
TAKES = 500.0
MODES = [Schedule.spread, Schedule.rounds_together]


class Stopped:
    """A schedule that is told to stop when a minute is over, and goes on until it has ended."""

    def __init__(
        self,
        mode: Callable[[Schedule], Any],
        *offers: Offer,
        lanes: Lanes | None = None,
        jobs: Jobs | None = None,
        drain: float | None = None,
        **settings: Any,
    ) -> None:
        self.jobs = jobs or Jobs(takes=lambda _: TAKES)
        self.given_up: dict[str, int] = {}
        self.still_running = 0

        async def work(clock: Clock, _: WallClock) -> None:
            loop = asyncio.get_running_loop()
            progress = Progress(clock)
            schedule = Schedule(
                Settings.model_validate({"interval": INTERVAL, **settings}),
                lanes or direct(),
                self.jobs,
                progress,
                hindrance=_nothing,
                clock=clock,
            )
            schedule.update(supply(*offers))
            running = asyncio.create_task(mode(schedule))
            await asyncio.sleep(INTERVAL)
            schedule.stop()
            await asyncio.sleep(0.01)
            self.given_up = dict(progress.skipped)
            self.still_running = len(progress.running)
            await asyncio.wait([running], timeout=drain)
            if drain is not None:
                running.cancel()
            await asyncio.gather(running, return_exceptions=drain is not None)
            self.took = loop.time() - INTERVAL
            self.outcomes, self.skipped = Counter[str](), Counter[str]()
            for report in progress.rounds.reports:
                assert report["left"] == 0
                self.outcomes.update(report["outcomes"])
                self.skipped.update(report["skipped"])

        in_virtual_time(work)


async def _nothing() -> None:
    return None


@pytest.mark.parametrize("mode", MODES)
def test_running_jobs_end_and_no_further_one_starts(mode: Callable[[Schedule], Any]) -> None:
    made = Stopped(mode, *(offer(who, model) for who in "abc" for model in "mn"))
    assert (len(made.jobs.started), made.jobs.ended) == (3, 3)
    assert made.still_running == 3
    assert TAKES - INTERVAL <= made.took <= TAKES + 1
    assert made.outcomes == {"ok": 3}
    assert made.skipped[STOPPED] == 3


@pytest.mark.parametrize("mode", MODES)
def test_a_job_that_deserves_a_repeat_gets_none_after_a_stop(
    mode: Callable[[Schedule], Any],
) -> None:
    only = offer("a")
    made = Stopped(mode, only, jobs=Jobs(takes=lambda _: TAKES, ends={only.target: [OURS]}))
    assert len(made.jobs.started) == 1
    assert made.outcomes == {"tester_error": 1}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["host", "slot", "lease", "start"])
def test_who_waits_is_counted_as_stopped_at_once(
    mode: Callable[[Schedule], Any], kind: str
) -> None:
    lanes: Lanes | None = None
    busy = 1
    if kind == "lease":
        lanes = FewLanes(1)
    if kind == "start":
        lanes, busy = FewLanes(3, pin=1000.0), 0
    made = Stopped(
        mode,
        *(offer(who, host="one" if kind == "host" else None) for who in "abc"),
        lanes=lanes,
        max_parallel=1 if kind == "slot" else 10,
    )
    assert made.still_running == busy
    assert made.given_up == {STOPPED: 3 - busy}
    assert (len(made.jobs.started), made.jobs.ended) == (busy, busy)
    if not busy:
        assert made.took < 1
    if isinstance(lanes, FewLanes):
        assert lanes.pins == busy, "no gateway is started after a stop"


@pytest.mark.parametrize("mode", MODES)
def test_a_stop_with_nothing_to_do_ends_at_once(mode: Callable[[Schedule], Any]) -> None:
    assert Stopped(mode).took < 0.1


@pytest.mark.parametrize("mode", MODES)
def test_a_job_that_does_not_end_is_given_up_when_the_schedule_is_cancelled(
    mode: Callable[[Schedule], Any],
) -> None:
    made = Stopped(mode, offer("a"), jobs=Jobs(takes=lambda _: 1e6), drain=200.0)
    assert made.took == pytest.approx(200, abs=1)
    assert (len(made.jobs.started), made.jobs.ended) == (1, 0)
    assert made.jobs.running.total() == 0


def test_a_job_that_breaks_during_the_stop_is_not_silent() -> None:
    class Broken(Jobs):
        async def _run(self, *_: Any) -> Any:
            await asyncio.sleep(TAKES)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Stopped(Schedule.spread, offer("a"), jobs=Broken())

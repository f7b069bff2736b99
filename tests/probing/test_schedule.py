"""Who is tested when: chains, locks, lateness, the cold, and the stop."""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Measurement, Offer, Origin, Outcome, Supply, Target
from exporter.probing.lanes import Lane, Lanes
from exporter.probing.progress import Progress
from exporter.probing.schedule import COLD, NETWORK_DOWN, NO_LANE, STOPPED, Schedule
from exporter.settings import Lane as LaneSettings
from exporter.settings import Schedule as Settings


def offer(
    orchestrator: str, model: str = "m", *, host: str | None = None, warm: bool = True
) -> Offer:
    return Offer(
        target=Target(orchestrator, "llm", model),
        service_uri=f"http://{host or orchestrator}:8000",
        warm=warm,
    )


def supply(*offers: Offer) -> Supply:
    return Supply(offers=offers, sources=(), taken_at=0)


def measured(of: Offer) -> Measurement:
    return Measurement(
        id=str(of.target),
        origin=Origin.OWN,
        tester="t",
        region="R",
        orchestrator=of.target.orchestrator,
        pipeline=of.target.pipeline,
        model=of.target.model,
        started_at=1,
        outcome=Outcome.OK,
    )


class Jobs:
    """Stands where the job runner stands; a job ends when the test lets it."""

    def __init__(self) -> None:
        self.started: list[Target] = []
        self.running: Counter[str] = Counter()
        self.hosts: Counter[str] = Counter()
        self.most_at_once = 0
        self.clashes: list[str] = []
        self.hold: dict[str, asyncio.Event] = {}
        self.changed = asyncio.Condition()

    async def __call__(
        self,
        offer: Offer,
        lane: Lane,  # noqa: ARG002 - the schedule hands it over
        *,
        due: int,  # noqa: ARG002 - the schedule hands it over
        number: int,  # noqa: ARG002 - the schedule hands it over
    ) -> Measurement | None:
        who, host = offer.target.orchestrator, offer.service_uri or ""
        async with self.changed:
            self.started.append(offer.target)
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
                await asyncio.sleep(0)
        finally:
            self.running[who] -= 1
            self.hosts[host] -= 1
        return measured(offer)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(condition)


async def nothing() -> None:
    return None


def schedule(
    jobs: Jobs,
    *offers: Offer,
    progress: Progress | None = None,
    lanes: list[LaneSettings] | None = None,
    hindrance: Callable[[], Awaitable[str | None]] = nothing,
    **settings: float,
) -> Schedule:
    made = Schedule(
        Settings.model_validate({"interval": 60, **settings}),
        Lanes([LaneSettings(kind="direct")] if lanes is None else lanes),
        jobs,
        progress or Progress(),
        hindrance=hindrance,
    )
    made.update(supply(*offers))
    return made


async def test_a_round_runs_every_target_once() -> None:
    jobs, progress = Jobs(), Progress()
    offers = [offer(f"o{n}", f"m{k}") for n in range(5) for k in range(n + 1)]
    await schedule(jobs, *offers, progress=progress).round(7)
    assert sorted(jobs.started) == sorted(of.target for of in offers)
    assert progress.round is not None
    assert (progress.round.expected, progress.round.done, progress.round.left) == (15, 15, 0)
    assert progress.round.outcomes == {"ok": 15}
    assert progress.round.ended_at is not None


async def test_one_address_and_one_host_run_one_job_at_a_time() -> None:
    jobs = Jobs()
    offers = [offer(f"o{n}", f"m{k}", host=f"h{n % 3}") for n in range(9) for k in range(3)]
    await schedule(jobs, *offers).round(1)
    assert jobs.clashes == []
    assert jobs.most_at_once == 3


async def test_a_hanging_orchestrator_slows_nobody_else() -> None:
    jobs = Jobs()
    jobs.hold["hangs"] = asyncio.Event()
    offers = [offer("hangs", "m1"), offer("hangs", "m2")]
    offers += [offer(f"o{n}", f"m{k}") for n in range(4) for k in range(3)]
    task = asyncio.create_task(schedule(jobs, *offers).round(1))
    await jobs.until(lambda: len(jobs.started) == 13)
    assert jobs.started.count(Target("hangs", "llm", "m1")) == 1
    assert Target("hangs", "llm", "m2") not in jobs.started
    jobs.hold["hangs"].set()
    await task
    assert len(jobs.started) == 14


async def test_with_few_places_the_longest_chain_goes_first() -> None:
    jobs = Jobs()
    offers = [offer("short", "m")]
    offers += [offer("long", f"m{k}") for k in range(5)]
    offers += [offer("middle", f"m{k}") for k in range(3)]
    await schedule(jobs, *offers, max_parallel=1).round(1)
    order = [target.orchestrator for target in jobs.started]
    assert order[:2] == ["long", "long"]
    assert order.index("middle") < order.index("short")
    assert jobs.most_at_once == 1


async def test_who_has_no_lane_is_skipped_and_counted() -> None:
    jobs, progress = Jobs(), Progress()
    pinned = LaneSettings(kind="pinned", orchestrator="a", url="http://gateway:1")
    await schedule(jobs, offer("a"), offer("b"), progress=progress, lanes=[pinned]).round(1)
    assert [target.orchestrator for target in jobs.started] == ["a"]
    assert progress.skipped == {NO_LANE: 1}


async def test_while_our_network_is_down_jobs_are_skipped_and_nobody_is_tested() -> None:
    async def network_down() -> str:
        return NETWORK_DOWN

    jobs, progress = Jobs(), Progress()
    await schedule(jobs, offer("a"), offer("b"), progress=progress, hindrance=network_down).round(1)
    assert jobs.started == []
    assert progress.skipped == {NETWORK_DOWN: 2}


async def test_a_cold_model_is_tested_once_in_its_own_interval() -> None:
    jobs, progress = Jobs(), Progress()
    made = schedule(jobs, offer("a", "cold", warm=False), offer("a", "warm"), progress=progress)
    await made.round(1)
    await made.round(2)
    assert Counter(target.model for target in jobs.started) == {"cold": 1, "warm": 2}
    assert progress.skipped == {COLD: 1}


async def test_a_stop_starts_no_further_job() -> None:
    jobs, progress = Jobs(), Progress()
    jobs.hold["a"] = asyncio.Event()
    made = schedule(jobs, offer("a", "m1"), offer("a", "m2"), progress=progress)
    task = asyncio.create_task(made.round(1))
    await jobs.until(lambda: len(jobs.started) == 1)
    made.stop()
    jobs.hold["a"].set()
    await task
    assert len(jobs.started) == 1
    assert progress.skipped == {STOPPED: 1}
    assert progress.idle.is_set()


@given(st.text(min_size=1, max_size=42), st.floats(0, 2e9), st.integers(1, 10**5))
def test_the_next_start_is_ahead_within_one_interval_and_always_at_the_same_offset(
    orchestrator: str, now: float, interval: int
) -> None:
    made = Schedule(Settings(interval=interval), Lanes([]), Jobs(), Progress(), hindrance=nothing)
    due = made.next_due(orchestrator, now)
    assert now < due <= now + interval + 2e-3
    phase = (due - made.offset(orchestrator)) / interval
    assert phase == pytest.approx(round(phase), abs=1e-4)


def test_offsets_are_spread_over_the_interval() -> None:
    made = Schedule(Settings(interval=100), Lanes([]), Jobs(), Progress(), hindrance=nothing)
    offsets = sorted(made.offset(f"0x{n:040x}") for n in range(200))
    assert offsets[0] < 5
    assert offsets[-1] > 95
    gaps = [b - a for a, b in itertools.pairwise(offsets)]
    assert max(gaps) < 6


async def test_spread_cycles_begin_at_their_offset_and_new_orchestrators_join() -> None:
    jobs = Jobs()
    made = schedule(jobs, offer("a"), interval=1)
    task = asyncio.create_task(made.spread())
    await jobs.until(lambda: len(jobs.started) >= 1)
    made.update(supply(offer("b")))
    await jobs.until(lambda: any(target.orchestrator == "b" for target in jobs.started))
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def test_lanes_named_for_an_orchestrator_come_before_the_one_for_everyone() -> None:
    lanes = Lanes(
        [
            LaneSettings(kind="direct"),
            LaneSettings(kind="pinned", orchestrator="a", url="http://gateway:1/"),
        ]
    )
    pinned, direct = lanes.for_offer(offer("a")), lanes.for_offer(offer("b"))
    assert pinned is not None
    assert direct is not None
    assert (pinned.url, pinned.kind.value) == ("http://gateway:1", "pinned")
    assert (direct.url, direct.kind.value) == ("http://b:8000", "direct")
    assert pinned.trusted == {("gateway", 1)}
    assert direct.trusted == frozenset()
    assert lanes.for_offer(offer("a")) is pinned


def test_a_token_goes_only_to_what_the_settings_name() -> None:
    lane = LaneSettings.model_validate({"kind": "direct", "orchestrator": "a", "token": "s3cret"})
    lanes = Lanes([lane])
    stranger, own = offer("a"), msgspec.structs.replace(offer("a"), named_by_operator=True)
    for_stranger, for_own = lanes.for_offer(stranger), lanes.for_offer(own)
    assert for_stranger is not None
    assert for_own is not None
    assert for_stranger.token is None
    assert for_own.token is not None
    assert for_own.trusted == {("a", 8000)}
    assert for_stranger.trusted == frozenset()


async def test_a_clock_that_is_set_back_does_not_make_a_longer_sleep() -> None:
    moments = iter([1000.0, 1000.0, 400.0, 400.0, 459.0, 461.0, 500.0])
    made = schedule(Jobs(), offer("a"), interval=60)
    made._wall = lambda: next(moments, 600.0)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "sleep", sleep)
        await made._wait_for("a", made.next_due("a", 1000.0))
    assert sum(slept) < 200

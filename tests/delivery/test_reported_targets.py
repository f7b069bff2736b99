"""What others report, beside what this tester measures."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given

from exporter.delivery.reported_targets import ReportedTargets
from exporter.delivery.target_metrics import TargetMetrics
from exporter.delivery.target_series import TargetSeries
from exporter.model import Blame, Measurement, Origin, Phases, Reported, Target
from exporter.stores import TargetState
from tests.delivery.snapshots import followed_failure, posted
from tests.measurements import SECOND, START, good, measurements
from tests.stations import ALICE, BOB, CAROL, offer, supply

FOR = 100.0


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def made(clock: Clock, *states: TargetState, **more: Any) -> TargetMetrics:
    reporters = ("somebody", "leaderboard.example")
    return TargetMetrics(
        tester="tester-1",
        region="MDW",
        buckets=[1, 10],
        reported_for=FOR,
        now=clock,
        states=states,
        **{"reporters": reporters, **more},
    )


def state(orchestrator: str = ALICE, **facts: Any) -> TargetState:
    target = Target(orchestrator, "text-to-image", "stabilityai/sd-turbo")
    told = {"region": "FRA", "tester": "somebody", "consecutive_failures": 3, "last_success": None}
    return TargetState(target=target, **{**told, "last_attempt": START, **facts})


async def take(metrics: TargetMetrics, *jobs: Measurement) -> None:
    await metrics.take(list(enumerate(jobs, 1)))


def shown(metrics: TargetMetrics) -> list[tuple[str, str, str]]:
    return [(one.target.orchestrator, one.region, one.tester) for one in metrics.shown()]


def only(metrics: TargetMetrics) -> TargetSeries:
    (series,) = metrics.shown()
    return series


async def test_testers_and_regions_are_never_mixed(clock: Clock) -> None:
    metrics = made(clock)
    await take(
        metrics,
        good("a"),
        posted("b"),
        posted("c", region="LAX"),
        posted("d", region="MDW"),
        followed_failure("e", region="FRA"),
        posted("f"),
    )
    assert {
        key[1:]: one.attempts for key, one in zip(shown(metrics), metrics.shown(), strict=True)
    } == {
        ("MDW", "tester-1"): 1,
        ("FRA", "somebody"): 2,
        ("LAX", "somebody"): 1,
        ("MDW", "somebody"): 1,
        ("FRA", "leaderboard.example"): 1,
    }
    assert shown(metrics)[0] == (ALICE, "MDW", "tester-1"), "own ones come first"
    own = metrics.get(good("a").target)
    assert own is not None
    assert (own.origin, own.tester, own.attempts) == (Origin.OWN, "tester-1", 1)


async def test_only_our_own_jobs_enter_the_histograms(clock: Clock) -> None:
    metrics = made(clock)
    await take(metrics, posted("a", 2.0, phases=Phases(upload=SECOND)))
    assert metrics.histograms() == {}


@pytest.mark.parametrize(
    "other",
    [
        {"origin": Origin.IMPORTED},
        {"origin": Origin.SUBMITTED},
        {"pipeline": ""},
        {"model": ""},
        {"tester": "tester-1"},
    ],
)
async def test_history_transcoding_and_whoever_has_our_name_are_left_out(
    clock: Clock, other: dict[str, Any]
) -> None:
    metrics = made(clock)
    await take(metrics, posted("a", **other))
    assert metrics.shown() == []


async def test_times_are_those_that_were_reported(clock: Clock) -> None:
    metrics = made(clock)
    phases = Phases(upload=SECOND, download=2 * SECOND)
    await take(metrics, posted("a", 3.5, phases=phases), posted("b", 0.5, phases=Phases()))
    found = {phase: (one.last, one.sum, one.count) for phase, one in only(metrics).phases.items()}
    assert found == {
        "upload": (1.0, 1.0, 1),
        "inference": (None, 0.0, 0),
        "download": (2.0, 2.0, 1),
        "round_trip": (0.5, 4.0, 2),
    }


@pytest.mark.parametrize("time", [None, 0.0, -0.0, -1.0, math.nan, math.inf, -math.inf])
async def test_what_is_no_duration_counts_as_not_reported(clock: Clock, time: float | None) -> None:
    metrics = made(clock)
    await take(metrics, posted("a", time, phases=Phases(upload=0, download=-SECOND)))
    assert only(metrics).attempts == 1
    assert [one.count for one in only(metrics).phases.values()] == [0, 0, 0, 0]


async def test_a_good_result_without_what_was_reported_has_no_round_trip(clock: Clock) -> None:
    metrics = made(clock)
    await take(metrics, posted("a", reported=None, phases=Phases(round_trip=SECOND)))
    assert only(metrics).phases["round_trip"].count == 0


async def test_only_failures_that_the_orchestrator_is_blamed_for_make_a_streak(
    clock: Clock,
) -> None:
    metrics = made(clock)
    partly = Reported(success_rate=0.5, round_trip_time=1.0)
    await take(
        metrics,
        followed_failure("a"),
        followed_failure("b", reported=partly, blame=Blame.UNKNOWN),
        followed_failure("c", reported=Reported(success_rate=-7.0)),
    )
    assert only(metrics).consecutive_failures == 2
    assert only(metrics).failures == {
        ("reported_failure", "orchestrator"): 2,
        ("reported_failure", "unknown"): 1,
    }
    assert only(metrics).last_success is None
    more_than_all = Reported(success_rate=1.7, round_trip_time=1.0)
    await take(
        metrics,
        good(
            "d",
            tester="leaderboard.example",
            region="LAX",
            origin=Origin.FOLLOWED,
            reported=more_than_all,
        ),
    )
    assert only(metrics).consecutive_failures == 0
    assert only(metrics).last_success == START


@given(measurements())
async def test_nothing_that_others_report_raises(job: Measurement) -> None:
    metrics = made(Clock(), reporters=())
    told = msgspec.structs.replace(job, origin=Origin.POSTED, tester="somebody")
    metrics.reported.count(told)
    assert all(phase.sum >= 0 for one in metrics.shown() for phase in one.phases.values())


async def test_a_target_vanishes_after_the_last_result_and_its_streak_goes_on(
    clock: Clock,
) -> None:
    metrics = made(clock)
    await take(metrics, followed_failure("a"))
    clock.later(FOR / 2)
    await take(metrics, followed_failure("b", started_at=clock.now))
    clock.later(FOR - 1)
    assert only(metrics).consecutive_failures == 2
    clock.later(1)
    assert metrics.shown() == []
    await take(metrics, followed_failure("c", started_at=clock.now))
    assert only(metrics).consecutive_failures == 3


async def test_an_old_result_shows_nothing_and_hides_no_newer_one(clock: Clock) -> None:
    metrics = made(clock)
    long_ago = START - int(FOR + 1) * SECOND
    await take(metrics, followed_failure("a", started_at=long_ago))
    assert metrics.shown() == []
    await take(metrics, followed_failure("b"), followed_failure("c", started_at=long_ago))
    assert only(metrics).attempts == 3


async def test_a_result_from_the_future_does_not_stay_longer_than_one_of_now(clock: Clock) -> None:
    metrics = made(clock, state(BOB, last_attempt=2**62))
    await take(metrics, posted("a", started_at=2**62))
    clock.later(FOR - 1)
    assert len(metrics.shown()) == 2
    clock.later(1)
    assert metrics.shown() == []


async def test_after_a_clock_was_far_ahead_results_are_shown_and_vanish_again(
    clock: Clock,
) -> None:
    metrics = made(clock)
    clock.later(1e6)
    await take(metrics, posted("a", started_at=clock.now))
    clock.now = START
    assert metrics.shown() == []
    await take(metrics, posted("b", started_at=clock.now))
    assert only(metrics).attempts == 2
    clock.later(FOR)
    assert metrics.shown() == []


async def test_the_supply_hides_no_target_that_others_report_about(clock: Clock) -> None:
    metrics = made(clock)
    await take(metrics, good("a"), posted("b"), posted("c", orchestrator=BOB))
    metrics.follow(supply(offer(CAROL)))
    assert shown(metrics) == [
        (CAROL, "MDW", "tester-1"),
        (ALICE, "FRA", "somebody"),
        (BOB, "FRA", "somebody"),
    ]


async def test_streaks_of_the_reporters_that_are_known_are_restored(clock: Clock) -> None:
    metrics = made(
        clock,
        state(ALICE, last_success=START - 5),
        state(ALICE, region="LAX", consecutive_failures=0),
        state(BOB, last_attempt=START - int(FOR * SECOND)),
        state(CAROL, tester="a stranger"),
        state(CAROL, tester="tester-1"),
    )
    assert shown(metrics) == [(ALICE, "FRA", "somebody"), (ALICE, "LAX", "somebody")]
    first = metrics.shown()[0]
    assert (first.consecutive_failures, first.last_success) == (3, START - 5)
    assert (first.attempts, first.origin) == (0, None)
    await take(metrics, followed_failure("a", orchestrator=BOB, tester="somebody", region="FRA"))
    hidden_before = metrics.shown()[-1]
    assert hidden_before.consecutive_failures == 4
    assert hidden_before.origin is Origin.FOLLOWED


async def test_their_number_is_bounded_and_never_pushes_out_our_own(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    targets = ReportedTargets(shown_for=FOR, now=clock, limit=2)
    metrics = made(clock, limit=1)
    metrics.reported = targets
    await take(metrics, *(posted(who, orchestrator=who) for who in (ALICE, BOB, CAROL)))
    await take(metrics, good("a", orchestrator=CAROL))
    assert shown(metrics) == [
        (CAROL, "MDW", "tester-1"),
        (ALICE, "FRA", "somebody"),
        (BOB, "FRA", "somebody"),
    ]
    assert (metrics.refused, targets.refused) == (0, 1)
    assert "others report about too many targets" in caplog.text
    await take(metrics, posted("b", orchestrator=BOB))
    assert metrics.shown()[-1].attempts == 2, "who has a place keeps it"


async def test_hidden_ones_go_first(clock: Clock) -> None:
    targets = ReportedTargets(shown_for=FOR, now=clock, limit=2)
    targets.count(posted("a", orchestrator=ALICE))
    clock.later(FOR / 2)
    targets.count(posted("b", orchestrator=BOB, started_at=clock.now))
    targets.count(posted("c", orchestrator=CAROL, started_at=clock.now))
    clock.later(FOR / 2 - 1)
    targets.count(posted("d", orchestrator=CAROL, started_at=clock.now))
    assert targets.refused == 2
    clock.later(1)
    targets.count(posted("e", orchestrator=CAROL, started_at=clock.now))
    assert [one.target.orchestrator for one in targets.shown()] == [BOB, CAROL]
    assert targets.refused == 2


async def test_of_too_many_that_are_restored_the_newest_are_kept(clock: Clock) -> None:
    targets = ReportedTargets(shown_for=FOR, now=clock, limit=2)
    ages = {ALICE: 3, BOB: 1, CAROL: 2}
    targets.restore(state(who, last_attempt=START - age) for who, age in ages.items())
    assert [one.target.orchestrator for one in targets.shown()] == [BOB, CAROL]
    assert targets.refused == 1

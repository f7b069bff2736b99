from typing import Any

import msgspec
import pytest

from exporter.delivery.model_histograms import UNIT_BOUNDS
from exporter.delivery.target_metrics import TargetMetrics
from exporter.delivery.target_series import NAMED_FAILURES, LastFailure, TargetSeries
from exporter.model import Blame, Measurement, Origin, Outcome, Phases, Target
from exporter.stores import TargetState
from tests.measurements import SECOND, START, failed, good
from tests.stations import ALICE, BOB, CAROL, NOW, offer, supply

TARGET = Target(ALICE, "text-to-image", "stabilityai/sd-turbo")


def made(states: tuple[TargetState, ...] = (), **more: Any) -> TargetMetrics:
    given = {"reported_for": 86400.0, "now": lambda: NOW, **more}
    return TargetMetrics(
        tester="tester-1", region="MDW", buckets=[0.1, 1, 10], states=states, **given
    )


def state(orchestrator: str = ALICE, tester: str = "tester-1", region: str = "MDW") -> TargetState:
    return TargetState(
        target=Target(orchestrator, TARGET.pipeline, TARGET.model),
        region=region,
        tester=tester,
        consecutive_failures=3,
        last_success=START - 10,
        last_attempt=START - 1,
    )


async def take(metrics: TargetMetrics, *jobs: Measurement) -> None:
    await metrics.take(list(enumerate(jobs, 1)))


def only(metrics: TargetMetrics) -> TargetSeries:
    (series,) = metrics.shown()
    return series


def orchestrators(metrics: TargetMetrics) -> list[str]:
    return [series.target.orchestrator for series in metrics.shown()]


async def test_good_jobs_count_and_leave_their_phases() -> None:
    metrics = made()
    await take(metrics, good("a", 2.0, started_at=START), good("b", 4.0, started_at=START + 5))
    series = only(metrics)
    assert series.attempts == 2
    assert series.failures == {}
    assert series.consecutive_failures == 0
    assert series.last_success == series.last_attempt == START + 5
    assert (series.phases["round_trip"].last, series.phases["round_trip"].sum) == (4.0, 6.0)
    assert series.phases["round_trip"].count == 2


async def test_only_the_orchestrators_own_failures_make_a_streak() -> None:
    metrics = made()
    await take(
        metrics,
        failed("a"),
        failed("b", Outcome.LANE_FAILED, Blame.TESTER),
        failed("c", Outcome.NO_CAPACITY, None),
        failed("d", Outcome.UNAVAILABLE, Blame.UNKNOWN),
        failed("e"),
    )
    series = only(metrics)
    assert series.consecutive_failures == 2
    assert series.last_success is None
    assert series.failures == {
        ("inference_timeout", "orchestrator"): 2,
        ("lane_failed", "tester"): 1,
        ("no_capacity", "none"): 1,
        ("other", "other"): 1,
    }
    assert (series.attempts, series.successes, series.orchestrator_failures) == (5, 0, 2)
    await take(metrics, good("f"))
    assert only(metrics).consecutive_failures == 0
    assert (only(metrics).successes, only(metrics).orchestrator_failures) == (1, 2)


async def test_the_last_failure_is_kept_whosever_doing_it_was_and_by_its_start() -> None:
    metrics = made()
    await take(
        metrics,
        failed("a", Outcome.NO_CAPACITY, None, started_at=START + 2 * SECOND),
        failed("b", started_at=START + SECOND),
        good("c", started_at=START + 3 * SECOND),
    )
    assert only(metrics).last_failure == LastFailure(START + 2 * SECOND, "no_capacity", "none")


async def test_a_good_job_of_which_nobody_knows_whose_it_is_does_not_count() -> None:
    metrics = made()
    await take(metrics, good("a", blame=Blame.UNKNOWN))
    assert (only(metrics).attempts, only(metrics).successes) == (1, 0)


async def test_a_unit_of_work_is_counted_in_a_histogram_of_its_own() -> None:
    metrics = made()
    await take(metrics, good("a", unit="token", units=0.0), failed("b"), good("c", unit=None))
    assert metrics.per_unit() == {}
    job = good("d", unit="token", units=40.0, phases=Phases(inference=SECOND, round_trip=SECOND))
    await take(metrics, job)
    ((model, found),) = metrics.per_unit().items()
    assert model == (job.pipeline, job.model, "token")
    assert (sum(found.counts), found.sum) == (1, 0.025)
    assert found.counts[UNIT_BOUNDS.index(0.05)] == 1


async def test_phases_of_failed_jobs_are_left_out() -> None:
    metrics = made()
    await take(metrics, failed("a"))
    assert only(metrics).phases == {}
    assert metrics.histograms() == {}


async def test_past_the_bound_failures_are_summed_and_no_count_is_lost() -> None:
    metrics = made()
    outcomes = [outcome for outcome in Outcome if outcome is not Outcome.OK]
    jobs = [
        failed(f"{outcome}-{blame}", outcome, blame)
        for outcome in outcomes
        for blame in (None, *Blame)
    ]
    await take(metrics, *jobs)
    failures = only(metrics).failures
    assert len(failures) == NAMED_FAILURES + 2
    assert sum(failures.values()) == len(jobs)
    by_orchestrator = sum(n for (_, blame), n in failures.items() if blame == "orchestrator")
    assert by_orchestrator == len(outcomes)


@pytest.mark.parametrize(
    "other",
    [
        {"origin": Origin.POSTED},
        {"origin": Origin.SUBMITTED, "tester": "somebody"},
        {"origin": Origin.IMPORTED, "tester": "somebody"},
        {"tester": "somebody"},
        {"region": "FRA"},
    ],
)
async def test_jobs_of_other_testers_and_under_our_own_name_are_not_counted(
    other: dict[str, Any],
) -> None:
    metrics = made()
    await take(metrics, good("a", **other))
    assert metrics.shown() == []


async def test_a_job_that_makes_no_sense_is_left_out_and_nothing_counts_twice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = made()
    nonsense = good("b", phases=msgspec.convert({}, Phases))
    msgspec.structs.force_setattr(nonsense.phases, "upload", "a while")
    await take(metrics, good("a"), nonsense, good("c"))
    assert only(metrics).attempts == 2
    assert "a job could not be counted" in caplog.text


async def test_streak_and_moments_are_restored_and_counters_start_at_zero() -> None:
    metrics = made((state(),), after=17)
    assert await metrics.position() == 17
    series = only(metrics)
    assert (series.attempts, series.failures, series.phases) == (0, {}, {})
    assert series.consecutive_failures == 3
    assert (series.last_success, series.last_attempt) == (START - 10, START - 1)
    await take(metrics, failed("a"))
    assert only(metrics).consecutive_failures == 4


async def test_states_of_other_testers_and_regions_are_not_restored() -> None:
    assert made((state(tester="other"), state(region="FRA"))).shown() == []


async def test_a_target_that_is_gone_is_hidden_and_its_streak_goes_on_when_it_comes_back() -> None:
    metrics = made((state(ALICE), state(BOB)))
    metrics.follow(supply(offer(BOB), offer(ALICE, not_tested="excluded")))
    assert orchestrators(metrics) == [BOB]
    metrics.follow(supply(offer(ALICE), offer(BOB)))
    assert orchestrators(metrics) == [ALICE, BOB]
    assert metrics.shown()[0].consecutive_failures == 3


async def test_a_target_that_is_offered_and_was_never_tested_shows_that_nothing_is_known() -> None:
    metrics = made()
    metrics.follow(supply(offer(ALICE)))
    series = only(metrics)
    assert series.attempts == 0
    assert series.consecutive_failures is None
    assert series.last_attempt is None


async def test_histograms_count_good_jobs_by_model_and_go_with_their_last_target() -> None:
    metrics = made()
    jobs = [good(str(s), s, orchestrator=who) for who in (ALICE, BOB) for s in (0.1, 0.5, 99.0)]
    await take(metrics, *jobs)
    histogram = metrics.histograms()["text-to-image", "stabilityai/sd-turbo"]["round_trip"]
    assert histogram.counts == (2, 2, 0, 2)
    assert histogram.sum == pytest.approx(2 * 99.6)
    metrics.follow(supply(offer(CAROL, model="another/model")))
    assert metrics.histograms() == {}


async def test_the_number_of_targets_is_bounded_and_hidden_ones_go_first() -> None:
    metrics = made((state(ALICE), state(BOB)), limit=2)
    await take(metrics, good("a", orchestrator=CAROL))
    assert metrics.refused == 1
    metrics.follow(supply(offer(BOB), offer(CAROL)))
    assert orchestrators(metrics) == [BOB, CAROL]
    metrics.follow(supply(offer(ALICE), offer(BOB), offer(CAROL)))
    assert len(metrics.shown()) == 2
    assert metrics.refused == 2

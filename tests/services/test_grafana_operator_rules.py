"""What Grafana-managed rules ask about the tester, put to a real InfluxDB."""

import time
from collections.abc import Callable

import pytest

from exporter.alerting import Severity
from exporter.alerting.delivery_alerts import CANNOT
from exporter.alerting.money_alerts import BUDGET
from tests.measurements import SECOND
from tests.services.grafana_worlds import (
    ALICE,
    BOB,
    EVERYBODY,
    HOUR,
    MINUTE,
    MODEL,
    Ask,
    World,
    fired_on,
    key,
    well,
)
from tests.services.influx_server import InfluxServer


def test_what_is_wrong_with_the_tester_is_told_to_its_operator(fired: Ask) -> None:
    world = well()
    for orchestrator in EVERYBODY:
        world.put("tester_cycle_lateness_seconds", 900, orchestrator=orchestrator)
    world.put("tester_outbox_pending", 5000)
    world.put("tester_dead_letters", 2, consumer="store")
    world.put("tester_consumer_up", 0, consumer="post_stats example.org")
    silent = "tester_followed_last_success_timestamp_seconds"
    world.put(silent, world.now - 3 * HOUR, source="f")
    world.put("tester_account_concern", 1, reason="no_deposit")
    world.put("tester_account_concern", 1, reason="low_reserve")
    world.put("tester_cost_today_wei", 1e16)
    assert fired(world) == {
        (key("CyclesLate"), "tester-1"),
        (key("OutboxGrowing"), "tester-1"),
        (key("DeadLetters"), "store"),
        (key("ConsumerFailing"), "post_stats example.org"),
        (key("FollowedSilent"), "f"),
        (key("AccountConcern", Severity.CRITICAL), "no_deposit"),
        (key("AccountConcern"), "low_reserve"),
        (key("BudgetReached"), "tester-1"),
    }


def test_a_followed_leaderboard_that_never_answered_is_told(fired: Ask) -> None:
    world = well()
    world.put("tester_followed_errors_total", lambda age: max(0, 100 - age // 60), source="g")
    world.put("tester_followed_errors_total", 7, source="f")
    assert fired(world) == {(key("FollowedSilent"), "g")}


def test_a_budget_that_no_job_fits_into_any_more_is_told(fired: Ask) -> None:
    world = well()
    world.put("tester_targets_held_back", 3, reason=BUDGET)
    world.put("tester_cost_today_wei", 9.9e15)
    assert fired(world) == {(key("BudgetReached"), "tester-1")}


CRITICAL = Severity.CRITICAL
GROWS = [
    ("CannotStore", CRITICAL, "tester_jobs_skipped_total", {"reason": CANNOT[0]}),
    ("MeasurementsLost", CRITICAL, "tester_outbox_dropped_total", {}),
    ("MeasurementsLost", CRITICAL, "tester_dead_letters_dropped_total", {}),
    ("SeriesLimit", Severity.WARNING, "tester_targets_refused_total", {}),
    ("SeriesLimit", Severity.WARNING, "tester_reported_targets_refused_total", {}),
    ("GatewaysFailing", Severity.WARNING, "tester_lane_crashes_total", {}),
    ("GatewaysFailing", Severity.WARNING, "tester_lane_start_failures_total", {"reason": "port"}),
]


@pytest.mark.parametrize(("name", "severity", "metric", "tags"), GROWS)
def test_a_count_that_grows_is_told_and_one_that_stands_is_not(
    fired: Ask, name: str, severity: Severity, metric: str, tags: dict[str, str]
) -> None:
    world = well()
    for _, _, other, others in GROWS:
        world.put(other, 1000, **others)
    world.put(metric, lambda age: 1000 + max(0.0, 20 - age // MINUTE), **tags)
    assert fired(world) == {(key(name, severity), "tester-1")}


def test_a_count_that_begins_anew_has_not_grown_by_what_it_lost(fired: Ask) -> None:
    world = well()
    for _, _, metric, tags in GROWS:
        world.put(metric, lambda age: 0 if age < 30 * MINUTE else 1000, **tags)
    assert fired(world) == set()


def test_jobs_left_out_for_another_reason_are_no_store_that_fails(fired: Ask) -> None:
    world = well()
    world.put("tester_jobs_skipped_total", lambda age: 100 - age // MINUTE, reason="busy")
    assert fired(world) == set()


def test_what_is_old_or_down_is_told(fired: Ask) -> None:
    world = well()
    world.put("tester_leaderboard_age_seconds", 2 * HOUR)
    world.put("tester_chain_block_timestamp_seconds", world.now - 3 * HOUR)
    world.put("tester_scout_up", 0)
    world.put("tester_relay_up", 0)
    world.put("tester_relay_node_up", 0, node="a.example")
    world.put("tester_relay_node_up", 0, node="b.example")
    world.put("tester_consumer_up", 0, consumer="store")
    assert fired(world) == {
        (key("LeaderboardOld"), "tester-1"),
        (key("ChainStale"), "tester-1"),
        (key("ScoutDown"), "tester-1"),
        (key("RelayDown", CRITICAL), "tester-1"),
        (key("EthereumNodeDown"), "a.example"),
        (key("EthereumNodeDown"), "b.example"),
        (key("EthereumNodeDown", CRITICAL), "tester-1"),
        (key("ConsumerFailing", CRITICAL), "store"),
    }


def test_one_node_of_two_is_a_warning(fired: Ask) -> None:
    world = well()
    world.put("tester_relay_node_up", 0, node="a.example")
    world.put("tester_relay_node_up", 1, node="b.example")
    assert fired(world) == {(key("EthereumNodeDown"), "a.example")}


def test_an_outbox_that_is_being_emptied_is_not_told(fired: Ask) -> None:
    world = well()
    world.put("tester_outbox_pending", lambda age: 5000 + age)
    assert fired(world) == set()


def test_cycles_that_many_missed_are_told(fired: Ask) -> None:
    world = well()
    grows: Callable[[int], float] = lambda age: 7 + float(age < 30 * MINUTE)  # noqa: E731
    world.put("tester_cycles_missed_total", grows, orchestrator=ALICE)
    began: Callable[[int], float | None] = lambda age: 1 if age < 20 * MINUTE else None  # noqa: E731
    world.put("tester_cycles_missed_total", began, orchestrator=BOB)
    assert fired(world) == {(key("CyclesMissed"), "tester-1")}


def test_a_cycle_that_one_missed_and_old_misses_are_not_told(fired: Ask) -> None:
    world = well()
    for orchestrator in EVERYBODY:
        world.put("tester_cycles_missed_total", 7, orchestrator=orchestrator)
    began: Callable[[int], float | None] = lambda age: 1 if age < 20 * MINUTE else None  # noqa: E731
    world.put("tester_cycles_missed_total", began, orchestrator=ALICE)
    assert fired(world) == set()


def test_times_that_cannot_be_trusted_are_told(fired: Ask) -> None:
    world = well()
    for orchestrator in EVERYBODY:
        world.job(orchestrator, 7 * MINUTE, loop_lag=SECOND // 10)
    assert fired(world) == {(key("TimingBad"), "tester-1")}


def test_a_round_that_says_nothing_is_told(fired: Ask) -> None:
    world = well()
    for state, jobs in (("expected", 100), ("done", 90), ("passed", 50), ("unblamed", 5)):
        world.put("tester_last_round_jobs", jobs, state=state)
    for state, jobs in (("tester_errors", 20), ("elsewhere", 10), ("unknown", 5)):
        world.put("tester_last_round_jobs", jobs, state=state)
    assert fired(world) == {(key("TestsInVain"), "tester-1")}


def test_a_round_without_jobs_is_not_told(fired: Ask) -> None:
    world = well()
    for state in ("done", "tester_errors"):
        world.put("tester_last_round_jobs", 0, state=state)
    assert fired(world) == set()


def attempts(world: World, at: float | None) -> None:
    """When each target was tested last; `None`: never."""
    for orchestrator in EVERYBODY:
        made: Callable[[int], float | None] = lambda _: at  # noqa: E731
        offer = {"orchestrator": orchestrator, **MODEL}
        world.put("job_last_attempt_timestamp_seconds", made, **offer)


def test_a_tester_that_never_tested_anybody_is_told(fired: Ask) -> None:
    world = well()
    attempts(world, None)
    world.jobs = []
    assert fired(world) == {(key("NothingTested", CRITICAL), "tester-1")}


def test_a_tester_whose_budget_is_used_up_is_not_told_of_twice(fired: Ask) -> None:
    world = well()
    attempts(world, world.now - 3 * HOUR)
    world.put("tester_targets_held_back", 3, reason=BUDGET)
    assert fired(world) == {(key("BudgetReached"), "tester-1")}


def test_a_guest_who_posted_long_ago_is_no_tester_that_stands_still(fired: Ask) -> None:
    world = well()
    offer = {"orchestrator": ALICE, **MODEL, "tester": "guest", "region": "LAX"}
    world.put("job_last_attempt_timestamp_seconds", world.now - 5 * HOUR, **offer)
    assert fired(world) == set()


def test_a_station_that_is_stopped_for_maintenance_is_not_down(fired: Ask) -> None:
    world = well()
    world.put("tester_maintenance", 1)
    for name, tags in list(world.values):
        made = world.values[name, tags]
        stopped = lambda age, made=made: made(age) if age > 8 * MINUTE else None  # noqa: E731
        world.values[name, tags] = stopped
    assert fired(world) == set()


def test_while_the_own_network_is_down_only_what_it_has_no_part_in_is_told(fired: Ask) -> None:
    world = well()
    world.put("tester_network_up", 0)
    world.put("tester_source_up", 0, source="gateway")
    world.put("tester_consumer_up", 0, consumer="post_stats example.org")
    world.put("tester_outbox_dropped_total", lambda age: 1000 - age // MINUTE)
    assert fired(world) == {
        (key("NetworkDown", CRITICAL), "tester-1"),
        (key("MeasurementsLost", CRITICAL), "tester-1"),
    }


def test_a_bucket_of_any_name_is_asked(server: InfluxServer) -> None:
    world = World(int(time.time()))
    world.put("tester_outbox_pending", 5000)
    found = fired_on(server, "a b${1}.bucket $__interval \\ ä", world)
    assert (key("OutboxGrowing"), "tester-1") in found

"""For each alert of the operator: it fires, it resolves, and what is near does not fire."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from exporter.alerting import Audience, alerts
from tests.alerting.prometheus_tools import Values, World, expect, named
from tests.alerting.worlds import (
    ADDRESS,
    OTHER,
    PROBE,
    STATION,
    TARGET,
    every_quarter,
    step,
    target_in,
    until,
)

MINUTES = 600


def now(minute: int) -> float:
    return minute * 60.0


def one(metric: str, values: Values, process: dict[str, str] = PROBE, **labels: str) -> World:
    world = World(MINUTES).has("livepeer_ai_tester_maintenance", 0, **STATION)
    return world.has(metric, values, **process, **labels)


def grows(start: int, end: int, a_minute: float = 1) -> Values:
    """A counter, 0 until a minute, that grows until another one."""
    return lambda minute: max(0.0, (min(minute, end) - start) * a_minute)


def idle(attempt: Values, *, origin: str = "own", known: Values = now) -> World:
    world = World(MINUTES).has("livepeer_ai_tester_maintenance", 0, **STATION)
    world.has("livepeer_ai_tester_source_up", 1, source="gateway", **STATION)
    world.has("livepeer_ai_tester_supply_timestamp_seconds", known, **STATION)
    return target_in(world, attempt=attempt, origin=origin)


def late(values: Values, others: Values = 0.0) -> World:
    metric = "livepeer_ai_tester_cycle_lateness_seconds"
    world = one(metric, values, orchestrator_address=ADDRESS)
    return world.has(metric, others, orchestrator_address=OTHER, **PROBE)


def one_of_three_late() -> World:
    metric = "livepeer_ai_tester_cycle_lateness_seconds"
    return late(1000, 0).has(metric, 0, orchestrator_address="third", **PROBE)


def missed(values: Values, orchestrators: int = 3) -> World:
    world = one("livepeer_ai_tester_cycles_missed_total", values, orchestrator_address=ADDRESS)
    for who in (ADDRESS, *(f"other-{place}" for place in range(orchestrators - 1))):
        world.has("livepeer_ai_tester_cycle_lateness_seconds", 0, orchestrator_address=who, **PROBE)
    return world


def lag(slow_from: int, slow_until: int, share: float = 0.5) -> World:
    """A job a minute, of which a share has a lag of up to 0.1 s, all others of up to 0.01 s."""
    bucket = "livepeer_ai_tester_job_loop_lag_seconds_bucket"

    def fast(minute: int) -> float:
        return minute - share * max(0, min(minute, slow_until) - slow_from)

    world = one(bucket, fast, le="0.01")
    return world.has(bucket, float, le="0.1", **PROBE).has(bucket, float, le="+Inf", **PROBE)


def round_of(vain: Values, done: Values = 30, state: str = "unknown") -> World:
    metric = "livepeer_ai_tester_last_round_jobs"
    world = one(metric, vain, state=state).has(metric, done, state="done", **PROBE)
    return world.has(metric, 0, state="passed", **PROBE)


def refused(own: Values, reported: Values = 0) -> World:
    world = one("livepeer_ai_tester_targets_refused_total", own, STATION)
    return world.has("livepeer_ai_tester_reported_targets_refused_total", reported, **STATION)


def lost(measurements: Values, letters: Values = 0) -> World:
    world = one("livepeer_ai_tester_outbox_dropped_total", measurements, STATION)
    return world.has("livepeer_ai_tester_dead_letters_dropped_total", letters, **STATION)


def followed(read: Values, errors: Values = 0) -> World:
    world = one("livepeer_ai_tester_followed_errors_total", errors, STATION, source="lb")
    metric = "livepeer_ai_tester_followed_last_success_timestamp_seconds"
    return world.has(metric, read, source="lb", **STATION)


def budget(held_back: Values, spent: Values = 0, limit: Values = lambda _: None) -> World:
    reason = "budget of the day is used up"
    world = one("livepeer_ai_tester_targets_held_back", held_back, reason=reason)
    world.has("livepeer_ai_tester_cost_today_wei", spent, **PROBE)
    return world.has("livepeer_ai_tester_spending_limit_wei", limit, **PROBE)


def gateways(crashes: Values, hangs: Values = 0, starts: Values = 0) -> World:
    world = one("livepeer_ai_tester_lane_crashes_total", crashes)
    world.has("livepeer_ai_tester_lane_hangs_total", hangs, **PROBE)
    return world.has("livepeer_ai_tester_lane_start_failures_total", starts, reason="died", **PROBE)


def nodes(first: Values, second: Values) -> World:
    metric = "livepeer_ai_tester_relay_node_up"
    return one(metric, first, node="a").has(metric, second, node="b", **PROBE)


def concern(reason: str, values: Values) -> World:
    return one("livepeer_ai_tester_account_concern", values, reason=reason)


class Case(NamedTuple):
    """A world in which something is wrong from minute 200 to 300."""

    world: World
    fires: str
    by: int
    """Minute at which it fires, at the latest."""
    over: int
    """Minute at which it is over, at the latest."""


WRONG = step((0, 1), (200, 0), (300, 1))
"""1, and 0 while something is wrong."""
CASES: dict[str, Callable[[], Case]] = {
    "LivepeerAiTesterDown": lambda: Case(one("up", WRONG), "critical", 205, 300),
    "LivepeerAiNotScraped": lambda: Case(
        one("up", step((0, 1), (200, None), (300, 1))), "warning", 221, 300
    ),
    "LivepeerAiNetworkDown": lambda: Case(
        one("livepeer_ai_tester_network_up", WRONG), "critical", 201, 300
    ),
    "LivepeerAiNothingTested": lambda: Case(
        idle(lambda minute: every_quarter(min(minute, 200) if minute < 300 else minute)),
        "critical",
        275,
        300,
    ),
    "LivepeerAiCyclesLate": lambda: Case(
        late(step((0, 0), (200, 700), (300, 0))), "warning", 230, 300
    ),
    "LivepeerAiCyclesMissed": lambda: Case(missed(grows(200, 300, 0.1)), "warning", 240, 380),
    "LivepeerAiTimingBad": lambda: Case(lag(200, 300), "warning", 260, 375),
    "LivepeerAiTestsInVain": lambda: Case(
        round_of(step((0, 0), (200, 10), (300, 8))), "warning", 215, 300
    ),
    "LivepeerAiSeriesLimit": lambda: Case(refused(grows(200, 300)), "warning", 202, 361),
    "LivepeerAiCannotStore": lambda: Case(
        one(
            "livepeer_ai_tester_jobs_skipped_total",
            grows(200, 300),
            reason="measurements cannot be stored",
        ),
        "critical",
        202,
        316,
    ),
    "LivepeerAiOutboxGrowing": lambda: Case(
        one(
            "livepeer_ai_tester_outbox_pending",
            lambda minute: 100.0 * max(0, minute - 190 if minute < 300 else 220 - minute),
            STATION,
        ),
        "warning",
        240,
        305,
    ),
    "LivepeerAiMeasurementsLost": lambda: Case(lost(grows(200, 300)), "critical", 202, 361),
    "LivepeerAiDeadLetters": lambda: Case(
        one(
            "livepeer_ai_tester_dead_letters",
            step((0, 0), (200, 1), (300, 0)),
            STATION,
            consumer="store",
        ),
        "warning",
        205,
        300,
    ),
    "LivepeerAiConsumerFailing": lambda: Case(
        one("livepeer_ai_tester_consumer_up", WRONG, STATION, consumer="store"),
        "critical",
        215,
        300,
    ),
    "LivepeerAiLeaderboardOld": lambda: Case(
        one(
            "livepeer_ai_tester_leaderboard_age_seconds",
            step((0, 5), (200, 4000), (300, 5)),
            STATION,
        ),
        "warning",
        205,
        300,
    ),
    "LivepeerAiFollowedSilent": lambda: Case(
        followed(lambda minute: now(min(minute, 200) if minute < 300 else minute)),
        "warning",
        276,
        300,
    ),
    "LivepeerAiSourceDown": lambda: Case(
        one("livepeer_ai_tester_source_up", WRONG, STATION, source="gateway"),
        "warning",
        230,
        300,
    ),
    "LivepeerAiDiscoveryStale": lambda: Case(
        one(
            "livepeer_ai_tester_supply_timestamp_seconds",
            lambda minute: now(min(minute, 200) if minute < 300 else minute),
            STATION,
        ),
        "critical",
        236,
        300,
    ),
    "LivepeerAiChainStale": lambda: Case(
        one(
            "livepeer_ai_tester_chain_block_timestamp_seconds",
            lambda minute: now(min(minute, 150) if minute < 300 else minute),
            STATION,
        ),
        "warning",
        276,
        300,
    ),
    "LivepeerAiAccountConcern": lambda: Case(
        concern("no_deposit", step((0, 0), (200, 1), (300, 0))), "critical", 215, 300
    ),
    "LivepeerAiBudgetReached": lambda: Case(
        budget(step((0, 0), (200, 3), (300, 0))), "warning", 200, 300
    ),
    "LivepeerAiGatewaysFailing": lambda: Case(gateways(grows(200, 300, 0.2)), "warning", 240, 355),
    "LivepeerAiScoutDown": lambda: Case(
        one("livepeer_ai_tester_scout_up", WRONG), "warning", 205, 300
    ),
    "LivepeerAiRelayDown": lambda: Case(
        one("livepeer_ai_tester_relay_up", WRONG), "critical", 205, 300
    ),
    "LivepeerAiEthereumNodeDown": lambda: Case(nodes(WRONG, 1), "warning", 215, 300),
}


def test_every_alert_of_the_operator_has_a_case() -> None:
    assert {one.name for one in alerts() if one.audience is Audience.OPERATOR} == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_it_fires_and_resolves(tmp_path: Path, name: str) -> None:
    case = CASES[name]()
    when = {199: "", case.by: case.fires, 299: case.fires, case.over: "", MINUTES: ""}
    expect(case.world, named(name), when, tmp_path)


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"LivepeerAiNotScraped"}))
def test_maintenance_of_the_tester_keeps_it_quiet(tmp_path: Path, name: str) -> None:
    world = CASES[name]().world.has("livepeer_ai_tester_maintenance", 1, **STATION)
    expect(world, named(name), dict.fromkeys(range(0, MINUTES, 10), ""), tmp_path)


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"LivepeerAiNotScraped"}))
def test_nothing_known_is_nothing_wrong(tmp_path: Path, name: str) -> None:
    expect(World(60).has("another", 0), named(name), {59: ""}, tmp_path)


_GAUGES = CASES.keys() - {
    *("LivepeerAiNotScraped", "LivepeerAiTesterDown", "LivepeerAiTimingBad"),
    *("LivepeerAiCyclesMissed", "LivepeerAiSeriesLimit", "LivepeerAiCannotStore"),
    *("LivepeerAiOutboxGrowing", "LivepeerAiMeasurementsLost", "LivepeerAiGatewaysFailing"),
    *("LivepeerAiNetworkDown", "LivepeerAiScoutDown", "LivepeerAiRelayDown"),
}


@pytest.mark.parametrize("name", sorted(_GAUGES))
def test_a_restart_in_the_midst_does_not_resolve_it(tmp_path: Path, name: str) -> None:
    case = CASES[name]()
    world = case.world.paused(case.by + 3, case.by + 11)
    minutes = range(case.by, min(case.by + 20, 300))
    expect(world, named(name), dict.fromkeys(minutes, case.fires), tmp_path)


COUNTED = ("LivepeerAiSeriesLimit", "LivepeerAiMeasurementsLost", "LivepeerAiGatewaysFailing")


@pytest.mark.parametrize("name", COUNTED)
def test_counters_that_begin_again_do_not_fire(tmp_path: Path, name: str) -> None:
    again = step((0, 100), (200, None), (205, 0))
    world = {
        "LivepeerAiSeriesLimit": refused(again, again),
        "LivepeerAiMeasurementsLost": lost(again, again),
        "LivepeerAiGatewaysFailing": gateways(again, again, again),
    }[name]
    expect(world, named(name), dict.fromkeys(range(0, MINUTES, 5), ""), tmp_path)


NEAR: dict[str, list[World]] = {
    "LivepeerAiTesterDown": [
        one("up", step((0, 1), (200, 0), (204, 1))),
        one("up", 0, {"job": "another", "instance": "here"}),
    ],
    "LivepeerAiNotScraped": [one("up", 0)],
    "LivepeerAiNetworkDown": [
        one("livepeer_ai_tester_network_up", step((0, 1), (200, None))),
        one("livepeer_ai_tester_network_up", step((0, 1), (200, 0), (201, 1))),
    ],
    "LivepeerAiNothingTested": [
        idle(until(200, lambda minute: float(minute // 55 * 55 * 60)), known=lambda _: None).lacks(
            "livepeer_ai_tester_source_up"
        ),
        idle(lambda minute: float(minute // 55 * 55 * 60)),
    ],
    "LivepeerAiCyclesLate": [late(290, 290), one_of_three_late()],
    "LivepeerAiCyclesMissed": [missed(grows(200, 600, 0.1), orchestrators=5), missed(7)],
    "LivepeerAiTimingBad": [lag(200, 300, share=0.05)],
    "LivepeerAiTestsInVain": [round_of(30, state="failed"), round_of(9), round_of(0, done=0)],
    "LivepeerAiSeriesLimit": [refused(5, 5)],
    "LivepeerAiCannotStore": [
        one("livepeer_ai_tester_jobs_skipped_total", float, reason="own network down"),
        one("livepeer_ai_tester_jobs_skipped_total", 7, reason="measurements cannot be stored"),
    ],
    "LivepeerAiOutboxGrowing": [
        one("livepeer_ai_tester_outbox_pending", 900, STATION),
        one("livepeer_ai_tester_outbox_pending", lambda minute: 90000 - 10.0 * minute, STATION),
        one("livepeer_ai_tester_outbox_pending", step((0, 0), (200, 5000), (210, 0)), STATION),
    ],
    "LivepeerAiMeasurementsLost": [lost(5, 5)],
    "LivepeerAiDeadLetters": [one("livepeer_ai_tester_dead_letters", 0, STATION, consumer="store")],
    "LivepeerAiConsumerFailing": [
        one(
            "livepeer_ai_tester_consumer_up",
            step((0, 1), (200, 0), (214, 1)),
            STATION,
            consumer="store",
        )
    ],
    "LivepeerAiLeaderboardOld": [one("livepeer_ai_tester_leaderboard_age_seconds", 3500, STATION)],
    "LivepeerAiFollowedSilent": [
        followed(now, errors=float),
        followed(lambda _: None, errors=3),
    ],
    "LivepeerAiSourceDown": [
        one("livepeer_ai_tester_source_up", step((0, 1), (200, 0), (229, 1)), STATION, source="a")
    ],
    "LivepeerAiDiscoveryStale": [
        one(
            "livepeer_ai_tester_supply_timestamp_seconds",
            lambda minute: now(minute // 29 * 29),
            STATION,
        )
    ],
    "LivepeerAiChainStale": [
        one(
            "livepeer_ai_tester_chain_block_timestamp_seconds",
            lambda minute: now(minute // 115 * 115),
            STATION,
        )
    ],
    "LivepeerAiAccountConcern": [
        concern("no_deposit", 0),
        concern("no_deposit", step((0, 0), (200, 1), (210, 0))),
    ],
    "LivepeerAiBudgetReached": [
        budget(0),
        budget(0, spent=99, limit=100),
        budget(0, spent=10**18),
        one("livepeer_ai_tester_targets_held_back", 5, reason="jobs of the day are done"),
    ],
    "LivepeerAiGatewaysFailing": [gateways(grows(200, 202), grows(200, 202), grows(200, 203))],
    "LivepeerAiScoutDown": [one("livepeer_ai_tester_scout_up", step((0, 1), (200, 0), (204, 1)))],
    "LivepeerAiRelayDown": [one("livepeer_ai_tester_relay_up", step((0, 1), (200, 0), (204, 1)))],
    "LivepeerAiEthereumNodeDown": [nodes(step((0, 1), (200, 0), (214, 1)), 1)],
}


@pytest.mark.parametrize(
    ("name", "world"), [(name, world) for name, worlds in NEAR.items() for world in worlds]
)
def test_what_is_near_does_not_fire(tmp_path: Path, name: str, world: World) -> None:
    expect(world, named(name), dict.fromkeys(range(0, MINUTES, 10), ""), tmp_path)


def test_every_alert_of_the_operator_has_a_near_miss() -> None:
    assert NEAR.keys() == CASES.keys()


# What has more than one cause


def test_a_tester_that_never_tested_anybody_tests_nothing(tmp_path: Path) -> None:
    never = idle(lambda _: None)
    expect(never, named("LivepeerAiNothingTested"), {60: "", 80: "critical"}, tmp_path)


def test_results_of_others_do_not_hide_that_nothing_is_tested(tmp_path: Path) -> None:
    world = idle(every_quarter, origin="followed")
    expect(world, named("LivepeerAiNothingTested"), {80: "critical"}, tmp_path)


def test_who_only_follows_is_meant_to_test_nothing(tmp_path: Path) -> None:
    world = idle(every_quarter, origin="followed").lacks("livepeer_ai_tester_source_up")
    expect(world, named("LivepeerAiNothingTested"), {80: "", 599: ""}, tmp_path)


def test_one_testers_idleness_is_not_another_ones(tmp_path: Path) -> None:
    world = idle(until(100))
    there = {"instance": "there", "tester": "theirs", "region": "MDW"}
    target_in(world, there)
    world.has("livepeer_ai_tester_source_up", 1, source="g", **{**STATION, "instance": "there"})
    rules = named("LivepeerAiNothingTested")
    expect(world, rules, {300: {"here": 1}}, tmp_path, by="instance")


def test_a_leaderboard_that_was_never_read_is_silent(tmp_path: Path) -> None:
    world = followed(lambda _: None, errors=lambda minute: minute // 5)
    expect(world, named("LivepeerAiFollowedSilent"), {10: "", 60: "warning"}, tmp_path)


def test_a_budget_that_is_spent_is_reached_whoever_is_held_back(tmp_path: Path) -> None:
    world = budget(lambda _: None, spent=step((0, 0), (200, 100), (300, 0)), limit=100)
    when = {199: "", 200: "warning", 299: "warning", 300: ""}
    expect(world, named("LivepeerAiBudgetReached"), when, tmp_path)


def test_lost_dead_letters_are_lost_measurements(tmp_path: Path) -> None:
    world = lost(0, grows(200, 300))
    expect(world, named("LivepeerAiMeasurementsLost"), {250: "critical", 361: ""}, tmp_path)


def test_a_first_missed_cycle_is_one(tmp_path: Path) -> None:
    world = missed(step((200, 1)), orchestrators=3)
    expect(world, named("LivepeerAiCyclesMissed"), {199: "", 220: "warning", 265: ""}, tmp_path)


@pytest.mark.parametrize(
    ("reason", "severity"),
    [
        *((reason, "critical") for reason in ("no_reserve", "unlocking_soon", "withdrawable")),
        ("orchestrator", "critical"),
        *((reason, "warning") for reason in ("low_reserve", "few_days", "unlocking", "unread")),
    ],
)
def test_each_concern_has_its_severity(tmp_path: Path, reason: str, severity: str) -> None:
    expect(concern(reason, 1), named("LivepeerAiAccountConcern"), {30: severity}, tmp_path)


def test_a_consumer_beside_the_store_is_a_warning(tmp_path: Path) -> None:
    world = one("livepeer_ai_tester_consumer_up", 0, STATION, consumer="post_stats:lb")
    expect(world, named("LivepeerAiConsumerFailing"), {30: "warning"}, tmp_path)


def test_all_ethereum_nodes_down_is_critical(tmp_path: Path) -> None:
    when = {30: {"critical": 1, "warning": 2}}
    expect(nodes(0, 0), named("LivepeerAiEthereumNodeDown"), when, tmp_path)


def test_gateways_that_do_not_start_fail(tmp_path: Path) -> None:
    world = gateways(0, 0, grows(200, 300, 0.2))
    expect(world, named("LivepeerAiGatewaysFailing"), {250: "warning", 370: ""}, tmp_path)


def test_who_is_to_blame_for_nothing_is_not_held_against_the_tester(tmp_path: Path) -> None:
    for state in ("passed", "failed", "unblamed"):
        world = round_of(lambda _: 30, state=state)
        expect(world, named("LivepeerAiTestsInVain"), {300: ""}, tmp_path)


def test_the_target_of_these_worlds_is_the_testers_own() -> None:
    assert TARGET["tester"] == "ours"

from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.alerting import Scope, Thresholds
from tests.alerting.prometheus_tools import Values, World, expect, named
from tests.alerting.worlds import (
    ADDRESS,
    OTHER,
    STATION,
    TARGET,
    every_quarter,
    failing,
    steady,
    step,
    target_in,
    until,
)

STREAK = named("LivepeerAiConsecutiveFailures")
SHARE = named("LivepeerAiSuccessLow")
BEFORE = named("LivepeerAiSlowerThanBefore")
OTHERS = named("LivepeerAiSlowerThanOthers")
MAINTENANCE = "livepeer_ai_orchestrator_maintenance"


def in_a_row(
    minutes: int = 300,
    streak: Values = failing,
    *,
    who: Mapping[str, str] | None = None,
    origin: str = "own",
    attempt: Values = every_quarter,
) -> World:
    world = World(minutes).has("livepeer_ai_tester_maintenance", 0, **STATION)
    return target_in(world, who, streak=streak, origin=origin, attempt=attempt)


# In a row


def test_three_in_a_row_are_a_warning_six_are_critical_and_a_good_job_ends_it(
    tmp_path: Path,
) -> None:
    when = {
        89: "",  # two in a row
        90: "warning",
        134: "warning",
        135: "warning critical",
        239: "warning critical",
        240: "",
    }
    expect(in_a_row(), STREAK, when, tmp_path)


def test_other_numbers_can_be_chosen(tmp_path: Path) -> None:
    at = Thresholds(consecutive_warning=2, consecutive_critical=9)
    rules = named("LivepeerAiConsecutiveFailures", at)
    when = {74: "", 75: "warning", 179: "warning", 180: "warning critical"}
    expect(in_a_row(), rules, when, tmp_path)


def test_failures_that_are_not_its_own_doing_alert_nobody(tmp_path: Path) -> None:
    world = steady(600)
    for blame, outcome in (
        ("none", "no_capacity"),
        ("tester", "tester_error"),
        ("gateway", "gateway_error"),
        ("network", "connect_timeout"),
        ("unknown", "unavailable"),
        ("other", "other"),
    ):
        world.has(
            "livepeer_ai_job_failures_total",
            float,
            blame=blame,
            outcome=outcome,
            **STATION,
            **TARGET,
        )
    target_in(world, good=10)
    for rules in (STREAK, SHARE):
        expect(world, rules, dict.fromkeys(range(0, 600, 50), ""), tmp_path)


def test_a_restart_of_the_exporter_neither_fires_nor_resolves(tmp_path: Path) -> None:
    world = in_a_row().paused(140, 150)
    expect(world, STREAK, dict.fromkeys(range(135, 165), "warning critical"), tmp_path)
    quiet = in_a_row(streak=2).paused(140, 150)
    expect(quiet, STREAK, dict.fromkeys(range(130, 165), ""), tmp_path)


def test_a_streak_that_is_not_known_is_no_streak(tmp_path: Path) -> None:
    world = in_a_row(streak=step((100, None)))
    expect(world, STREAK, dict.fromkeys(range(0, 300, 20), ""), tmp_path)


def test_nothing_is_said_of_what_the_tester_does_not_test_any_more(tmp_path: Path) -> None:
    world = in_a_row(400, streak=step((0, 0), (60, 7)), attempt=until(120))
    expect(world, STREAK, {239: "warning critical", 240: ""}, tmp_path)


def test_a_cold_model_that_is_tested_once_a_day_is_alerted_all_day(tmp_path: Path) -> None:
    world = steady(30 * 60)
    target_in(world, {"model_name": "cold"}, streak=3, attempt=until(120))
    expect(world, STREAK, {1000: "warning", 1679: "warning", 1680: ""}, tmp_path)


def test_a_tester_that_is_down_alerts_nobody(tmp_path: Path) -> None:
    world = in_a_row().paused(150, 301)
    expect(world, STREAK, {164: "warning critical", 165: "", 300: ""}, tmp_path)


def test_maintenance_of_the_orchestrator_is_quiet_until_it_is_tested_again(tmp_path: Path) -> None:
    world = in_a_row(streak=step((0, 0), (60, 7), (300, 8)), minutes=400)
    window = step((50, 1), (280, None))
    world.has(MAINTENANCE, window, orchestrator_address=ADDRESS, **STATION)
    quiet = dict.fromkeys([*range(60, 285, 5), 286, 294], "")
    expect(world, STREAK, {**quiet, 305: "warning critical"}, tmp_path)


def test_after_maintenance_old_failures_alone_alert_nobody(tmp_path: Path) -> None:
    world = in_a_row(streak=7, attempt=until(120), minutes=400)
    target_in(world, {"model_name": "another"})
    world.has(MAINTENANCE, step((50, 1), (200, None)), orchestrator_address=ADDRESS, **STATION)
    expect(world, STREAK, {49: "warning critical", 199: "", 230: "", 399: ""}, tmp_path)


def test_maintenance_of_another_orchestrator_keeps_nothing_quiet(tmp_path: Path) -> None:
    world = in_a_row().has(MAINTENANCE, 1, orchestrator_address=OTHER, **STATION)
    expect(world, STREAK, {90: "warning"}, tmp_path)


def test_maintenance_of_the_tester_is_quiet_until_it_tests_again(tmp_path: Path) -> None:
    world = in_a_row(streak=step((0, 0), (60, 7)))
    world.has("livepeer_ai_tester_maintenance", step((0, 0), (50, 1), (200, 0)), **STATION)
    expect(world, STREAK, {60: "", 199: "", 213: "", 215: "warning critical"}, tmp_path)


def test_maintenance_of_one_tester_leaves_the_other_one_alone(tmp_path: Path) -> None:
    world = in_a_row(who={"instance": "there", "tester": "theirs", "region": "MDW"})
    world.has("livepeer_ai_tester_maintenance", 1, **STATION)
    expect(world, STREAK, {90: "warning"}, tmp_path)


def test_a_restart_during_maintenance_lets_nothing_through(tmp_path: Path) -> None:
    world = in_a_row(streak=7).has(MAINTENANCE, 1, orchestrator_address=ADDRESS, **STATION)
    world.paused(100, 110)
    expect(world, STREAK, dict.fromkeys(range(95, 130), ""), tmp_path)


def test_streaks_of_testers_and_regions_are_never_added_up(tmp_path: Path) -> None:
    world = World(60)
    for who in ({}, {"instance": "there", "region": "MDW", "tester": "theirs"}):
        target_in(world, who, streak=2)
    expect(world, STREAK, {59: ""}, tmp_path)
    for who in ({}, {"instance": "there", "region": "MDW", "tester": "theirs"}):
        target_in(world, who, streak=4)
    expect(world, STREAK, {59: {"FRA": 1, "MDW": 1}}, tmp_path, by="region")


@pytest.mark.parametrize(
    ("origin", "origins", "fires"),
    [
        ("own", ("own", "followed"), True),
        ("followed", ("own", "followed"), True),
        ("posted", ("own", "followed"), False),
        ("", ("own", "followed"), False),
        ("followed", ("own",), False),
        ("posted", ("own", "followed", "posted"), True),
    ],
)
def test_whose_results_alert_is_chosen(
    tmp_path: Path, origin: str, origins: tuple[str, ...], fires: bool
) -> None:
    world = in_a_row(origin=origin)
    rules = named(STREAK[0].name, scope=Scope(origins=origins))  # type: ignore[arg-type]
    expect(world, rules, {100: "warning" if fires else ""}, tmp_path)


def test_a_followed_result_alerts_on_after_a_restart_forgot_where_it_came_from(
    tmp_path: Path,
) -> None:
    world = in_a_row(origin="followed", streak=3)
    info = {"orchestrator_uri": "https://o:1", **STATION, **TARGET}
    world.has("livepeer_ai_job_info", step((0, 1), (100, None)), origin="followed", **info)
    world.has("livepeer_ai_job_info", step((100, 1)), origin="", **info)
    expect(world, STREAK, {99: "warning", 200: "warning"}, tmp_path)


def test_only_the_chosen_orchestrators_alert(tmp_path: Path) -> None:
    world = in_a_row()
    target_in(world, {"orchestrator_address": OTHER}, streak=7)
    rules = named(STREAK[0].name, scope=Scope(orchestrators=(ADDRESS,)))
    expect(world, rules, {100: {ADDRESS: 1}}, tmp_path, by="orchestrator_address")


def test_hostile_names_and_ids_with_a_dash_are_alerted_like_all_others(tmp_path: Path) -> None:
    name = "%22%5C{{ $labels.x }}}|.*"
    world = in_a_row(who={"model_name": name, "orchestrator_address": "my-runner.*"})
    rules = named(STREAK[0].name, scope=Scope(orchestrators=("my-runner.*",)))
    expect(world, rules, {100: {name: 1}}, tmp_path, by="model_name")


# By share


def share_world(bad_of_20: int, minutes: int = 900, **more: Values) -> World:
    """Jobs every five minutes, of which so many in twenty fail, from minute 60 to 600."""

    def failed(minute: int) -> float:
        jobs = max(0, min(minute, 600) - 60) // 5
        return float(jobs // 20 * bad_of_20 + min(jobs % 20, bad_of_20))

    def good(minute: int) -> float:
        return minute // 5 - failed(minute)

    world = steady(minutes)
    return target_in(world, good=more.get("good", good), bad=more.get("bad", failed))


@pytest.mark.parametrize(("bad", "fires"), [(3, ""), (6, "warning"), (12, "warning critical")])
def test_a_low_share_of_good_jobs_fires_and_resolves(tmp_path: Path, bad: int, fires: str) -> None:
    expect(share_world(bad), SHARE, {50: "", 580: fires, 899: ""}, tmp_path)


def test_a_share_of_few_jobs_says_nothing(tmp_path: Path) -> None:
    world = target_in(steady(400), good=0, bad=lambda minute: min(minute // 15, 9))
    expect(world, SHARE, dict.fromkeys(range(0, 400, 40), ""), tmp_path)
    at = Thresholds(success_samples=8)
    expect(world, named(SHARE[0].name, at), {160: "warning critical"}, tmp_path)


def test_counters_that_begin_again_neither_fire_nor_resolve_a_share(tmp_path: Path) -> None:
    def again(rate: int) -> Values:
        return lambda minute: (minute if minute < 300 else minute - 300) // rate

    good = target_in(steady(600), good=again(5), bad=again(60)).paused(298, 303)
    expect(good, SHARE, dict.fromkeys(range(250, 600, 10), ""), tmp_path)
    bad = target_in(steady(600), good=again(60), bad=again(5)).paused(298, 303)
    expect(bad, SHARE, dict.fromkeys(range(250, 600, 10), "warning critical"), tmp_path)


def test_failures_under_maintenance_are_in_no_share(tmp_path: Path) -> None:
    world = share_world(12)
    world.has(MAINTENANCE, step((60, 1), (600, None)), orchestrator_address=ADDRESS, **STATION)
    expect(world, SHARE, dict.fromkeys(range(0, 900, 20), ""), tmp_path)


def test_a_share_that_nobody_counts_is_none(tmp_path: Path) -> None:
    world = share_world(12)
    world.lacks("livepeer_ai_job_orchestrator_failures_total")
    expect(world, SHARE, dict.fromkeys(range(0, 900, 50), ""), tmp_path)


# By latency


def slow_world(now: float, before: float = 2.0, *, start: int = 1500, minutes: int = 1800) -> World:
    world = steady(minutes)
    last = step((0, before), (start, now), (start + 200, before))
    return world.has("livepeer_ai_job_last_inference_seconds", last, **STATION, **TARGET)


def test_twice_as_long_as_before_fires_and_resolves(tmp_path: Path) -> None:
    when = {1499: "", 1580: "", 1610: "warning", 1690: "warning", 1799: ""}
    expect(slow_world(5.0), BEFORE, when, tmp_path)


@pytest.mark.parametrize(
    ("now", "before"),
    [(3.9, 2.0), (0.4, 0.1)],
    ids=["less than twice", "hardly any time"],
)
def test_a_little_slower_is_not_slow(tmp_path: Path, now: float, before: float) -> None:
    expect(slow_world(now, before), BEFORE, dict.fromkeys(range(1500, 1800, 20), ""), tmp_path)


def test_one_slow_job_is_not_slow(tmp_path: Path) -> None:
    world = steady(1800)
    last = step((0, 2.0), (1500, 60.0), (1515, 2.0))
    world.has("livepeer_ai_job_last_inference_seconds", last, **STATION, **TARGET)
    expect(world, BEFORE, dict.fromkeys(range(1500, 1700, 10), ""), tmp_path)


def test_a_latency_of_few_jobs_says_nothing(tmp_path: Path) -> None:
    world = slow_world(5.0)
    target_in(world, good=lambda minute: min(minute, 1500) // 15)
    expect(world, BEFORE, dict.fromkeys(range(1500, 1800, 20), ""), tmp_path)


def test_a_restart_makes_nobody_slow_and_nobody_fast(tmp_path: Path) -> None:
    expect(slow_world(5.0).paused(1640, 1650), BEFORE, {1639: "warning", 1660: "warning"}, tmp_path)


@pytest.mark.parametrize("rules", [BEFORE, OTHERS], ids=["before", "others"])
def test_slowness_under_maintenance_is_not_told(tmp_path: Path, rules: tuple[object, ...]) -> None:
    world = crowd(6.0)
    world.has(
        "livepeer_ai_job_last_inference_seconds", step((0, 2.0), (100, 6.0)), **STATION, **TARGET
    )
    world.has(MAINTENANCE, 1, orchestrator_address=ADDRESS, **STATION)
    expect(world, rules, dict.fromkeys(range(0, 400, 20), ""), tmp_path)  # type: ignore[arg-type]


def crowd(
    mine: float, others: tuple[float, ...] = (1.0, 1.5, 2.0, 2.5), minutes: int = 400
) -> World:
    world = steady(minutes)
    inference = "livepeer_ai_job_last_inference_seconds"
    world.has(inference, step((0, mine), (300, 1.0)), **STATION, **TARGET)
    for place, value in enumerate(others):
        who = {**TARGET, "orchestrator_address": f"other-{place}"}
        target_in(world, who)
        world.has(inference, value, **STATION, **who)
    return world


def test_three_times_the_networks_median_fires_and_resolves(tmp_path: Path) -> None:
    when = {60: "", 100: "warning", 290: "warning", 399: ""}
    expect(crowd(6.5), OTHERS, when, tmp_path)


def test_it_names_only_the_slow_one(tmp_path: Path) -> None:
    expect(crowd(6.5), OTHERS, {200: {ADDRESS: 1}}, tmp_path, by="orchestrator_address")


@pytest.mark.parametrize(
    "world",
    [crowd(5.5), crowd(6.5, (1.0, 1.5)), crowd(0.55, (0.1, 0.1, 0.1, 0.1))],
    ids=["less than three times", "too few others", "hardly any time"],
)
def test_slower_than_some_is_not_slow(tmp_path: Path, world: World) -> None:
    expect(world, OTHERS, dict.fromkeys(range(0, 400, 40), ""), tmp_path)


def test_testers_and_regions_have_medians_of_their_own(tmp_path: Path) -> None:
    world = crowd(6.5, ())
    for place in range(5):
        who = {**TARGET, "orchestrator_address": f"other-{place}", "region": "MDW"}
        target_in(world, who)
        world.has("livepeer_ai_job_last_inference_seconds", 1.0, **STATION, **who)
    expect(world, OTHERS, dict.fromkeys(range(0, 300, 40), ""), tmp_path)


def test_the_network_is_everybody_even_if_one_is_chosen(tmp_path: Path) -> None:
    rules = named(OTHERS[0].name, scope=Scope(orchestrators=(ADDRESS,)))
    expect(crowd(6.5), rules, {200: "warning"}, tmp_path)


def test_a_job_every_quarter_is_what_the_worlds_are_made_of() -> None:
    assert [every_quarter(minute) for minute in (0, 14, 15, 31)] == [0.0, 0.0, 900.0, 1800.0]

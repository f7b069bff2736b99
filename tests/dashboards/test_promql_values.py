"""What the pieces of PromQL give for series that are known, computed by Prometheus' own engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from dashboards.boards import BOARDS
from dashboards.panel import Panel
from exporter.alerting.kept import KEPT, SERIES
from tests.alerting.prometheus_tools import ran
from tests.dashboards import chosen

EVERYTHING: dict[str, tuple[str, ...] | None] = dict.fromkeys(
    ("orchestrator", "pipeline", "model", "region", "tester", "origin")
)
HOUR = 3600
TARGET = 'orchestrator_address="{}",pipeline="p",model_name="m",region="FRA",tester="t"'


def promql(board: str, title: str, place: int = 0) -> str:
    panels: list[Panel] = [
        panel for one in BOARDS if one.name == board for panel in one.panels if panel.title == title
    ]
    return panels[0].queries[place].promql


def series(
    name: str, who: str, values: str, more: str = "", prefix: str = SERIES
) -> dict[str, str]:
    return {"series": f"{prefix}_{name}{{{TARGET.format(who)}{more}}}", "values": values}


def gives(
    tmp_path: Path,
    expression: str,
    data: list[dict[str, str]],
    expected: list[tuple[str, float]],
    orchestrator: str | None = None,
    *,
    seconds: int = HOUR,
    prefix: str = SERIES,
) -> None:
    """Compute it after an hour of a sample a minute, about that hour or the end of it."""
    chosen_one = None if orchestrator is None else (orchestrator,)
    choices = EVERYTHING | {"orchestrator": chosen_one}
    samples: list[dict[str, Any]] = [
        {"labels": labels, "value": value} for labels, value in expected
    ]
    # Rounded: a counter's increase is extrapolated to the ends of the range.
    asked = f"round({chosen.promql(expression, choices, seconds, prefix)}, 0.01)"
    test = {
        "interval": "1m",
        "input_series": data,
        "promql_expr_test": [{"expr": asked, "eval_time": "60m", "exp_samples": samples}],
    }
    path = tmp_path / "test.yml"  # JSON is YAML
    path.write_text(json.dumps({"rule_files": [], "tests": [test]}))
    ran("promtool", "test", "rules", str(path))


REASONS = promql("orchestrator", "Why did jobs not succeed?")
SUCCESS = promql("orchestrator", "Success")
STATE = promql("orchestrator", "Is it up now?")
RATIO = promql("orchestrator", "How fast against the network", 2)
RECOVERED = promql("gateway-operator", "Who recovered?")
FAILING = promql("gateway-operator", "Orchestrators that fail in a row")
BUSY = promql("gateway-operator", "Busy")
WHY = ',outcome="a",blame="orchestrator"'
SHOWN = '{outcome="a", blame="orchestrator"}'


def test_a_failure_that_began_a_series_is_counted(tmp_path: Path) -> None:
    fresh = series("job_failures_total", "x", "_x30 1x9 2x19 ", WHY)
    gives(tmp_path, f"floor({REASONS})", [fresh], [(SHOWN, 2)])


def test_a_failure_whose_series_ended_with_the_station_is_counted(tmp_path: Path) -> None:
    gone = series("job_failures_total", "x", "_x20 1x9 2x9 _x21", WHY)
    gives(tmp_path, f"floor({REASONS})", [gone], [(SHOWN, 2)])


def test_a_failure_of_before_is_not_counted(tmp_path: Path) -> None:
    gives(tmp_path, REASONS, [series("job_failures_total", "x", "7x60", WHY)], [])


def test_a_counter_that_restarts_is_not_counted_from_0(tmp_path: Path) -> None:
    restarted = series("job_failures_total", "x", "7x29 _x5 1x25", WHY)
    gives(tmp_path, REASONS, [restarted], [(SHOWN, 1)])


def test_a_gap_at_the_beginning_adds_one_at_most(tmp_path: Path) -> None:
    # It may have been the first failure, or not: what is not known is one.
    late = series("job_failures_total", "x", "_x8 57x52", WHY)
    gives(tmp_path, REASONS, [late], [(SHOWN, 1)])


@pytest.mark.parametrize(("before", "expected"), [("7 _x4 7 _x13", 0), ("_x19", 1)])
def test_a_kept_failure_is_of_before_if_it_was_written_down_at_any_time_before(
    tmp_path: Path, before: str, expected: int
) -> None:
    # What is kept has a sample every 5 minutes; those of minutes 10 and 15 are missing.
    kept = series("job_failures_total", "x", f"{before} 7 _x4" + 7 * " 7 _x4", WHY, KEPT)
    shown = [(SHOWN, float(expected))] if expected else []
    gives(tmp_path, REASONS, [kept], shown, seconds=2700, prefix=KEPT)


def test_success_is_of_the_jobs_that_count(tmp_path: Path) -> None:
    jobs = [
        series("job_successes_total", "x", "0x29 3x30"),
        series("job_orchestrator_failures_total", "x", "0x29 1x30"),
    ]
    gives(tmp_path, SUCCESS, jobs, [("{}", 0.75)])


def test_success_without_jobs_is_no_value_and_without_good_ones_0(tmp_path: Path) -> None:
    good, none = (series("job_successes_total", "x", "5x60") for _ in range(2))
    bad = series("job_orchestrator_failures_total", "x", "2x29 3x30")
    still = series("job_orchestrator_failures_total", "x", "2x60")
    gives(tmp_path, SUCCESS, [none, still], [])
    gives(tmp_path, SUCCESS, [good, bad], [("{}", 0)])


@pytest.mark.parametrize(("first", "second", "state"), [(0, 0, 0), (0, 4, 1), (1, 2, 2)])
def test_the_state_tells_all_some_and_none(
    tmp_path: Path, first: int, second: int, state: int
) -> None:
    name = "job_consecutive_failures"
    data = [series(name, "x", f"{first}x60"), series(name, "y", f"{second}x60")]
    gives(tmp_path, STATE, data, [("{}", state)])
    gives(tmp_path, STATE, [], [])


def times(who: str, seconds: int) -> list[dict[str, str]]:
    return [
        series("job_round_trip_seconds_sum", who, f"0x29 {seconds * 10}x30"),
        series("job_round_trip_seconds_count", who, "0x29 10x30"),
    ]


def test_the_network_is_everybody_and_each_counts_once(tmp_path: Path) -> None:
    data = times("a", 1) + times("b", 2) + times("c", 6)
    labels = '{pipeline="p", model_name="m", region="FRA"}'
    gives(tmp_path, RATIO, data, [(labels, 3)], "c")
    gives(tmp_path, RATIO, times("c", 6), [], "c")


def test_who_recovered_had_a_spell_and_has_none_now(tmp_path: Path) -> None:
    name = "job_consecutive_failures"
    data = [
        series(name, "recovered", "0x9 1x9 4x9 0x33"),
        series(name, "failing", "0x20 5x40"),
        series(name, "good", "2x9 0x51"),
    ]
    labels = '{orchestrator_address="recovered", pipeline="p", model_name="m", region="FRA"}'
    gives(tmp_path, RECOVERED, data, [(labels, 4)])
    gives(tmp_path, FAILING, data, [("{}", 1)])
    gives(tmp_path, FAILING, data[2:], [("{}", 0)])


def test_busy_is_of_the_jobs_that_count_and_itself(tmp_path: Path) -> None:
    jobs = [
        series("job_successes_total", "x", "0x29 3x30"),
        series("job_orchestrator_failures_total", "x", "0x60"),
    ]
    busy = series("job_failures_total", "x", "1x29 2x30", ',outcome="no_capacity",blame="none"')
    gives(tmp_path, BUSY, [*jobs, busy], [("{}", 0.25)])
    gives(tmp_path, BUSY, jobs, [("{}", 0)])

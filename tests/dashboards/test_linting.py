"""The rules for dashboards: none is broken, and each finds a mistake that was planted."""

import copy
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from dashboards.boards import BOARDS
from dashboards.building import document
from dashboards.edition import Edition
from dashboards.linting.document import Document, Pair
from dashboards.linting.looking import RULES, mistakes
from dashboards.linting.texts import FIXED
from dashboards.panel import Board

Json = dict[str, Any]
Plant = Callable[[Json, Json], None]
"""Plants a mistake in the Prometheus edition, in the InfluxDB edition, or in both."""
MADE = {board.name: {one: document(board, one) for one in Edition} for board in BOARDS}


def pair(name: str) -> Pair:
    editions = copy.deepcopy(MADE[name])
    return Pair(name, *(Document(one, editions[one]) for one in Edition))


def first(dashboard: Json, kind: str) -> Json:
    """The first open panel of a type."""
    found: Json = next(panel for panel in dashboard["panels"] if panel["type"] == kind)
    return found


def asking(text: str, kind: str = "stat") -> Plant:
    """Another PromQL in the first panel of a type."""

    def plant(prometheus: Json, _: Json) -> None:
        first(prometheus, kind)["targets"][0]["expr"] = text

    return plant


def asking_flux(old: str, new: str, kind: str = "timeseries") -> Plant:
    """A piece of Flux replaced in the first panel of a type that has it."""

    def plant(_: Json, influxdb: Json) -> None:
        target = next(
            panel["targets"][0]
            for panel in influxdb["panels"]
            if panel["type"] == kind and old in panel["targets"][0]["query"]
        )
        target["query"] = target["query"].replace(old, new)

    return plant


def having(kind: str, *path: str, value: object) -> Plant:
    """A value put into the first panel of a type, in both editions."""

    def plant(*editions: Json) -> None:
        for dashboard in editions:
            at = first(dashboard, kind)
            for name in path[:-1]:
                at = at[name]
            at[path[-1]] = value

    return plant


def without(*path: str) -> Plant:
    """A part of the first panel that asks taken away, in both editions."""

    def plant(*editions: Json) -> None:
        for dashboard in editions:
            at = first(dashboard, "stat")
            for name in path[:-1]:
                at = at[name]
            del at[path[-1]]

    return plant


def same_titles(prometheus: Json, influxdb: Json) -> None:
    for dashboard in (prometheus, influxdb):
        panels = [panel for panel in dashboard["panels"] if panel["type"] == "timeseries"]
        panels[1]["title"] = panels[0]["title"]


def same_ids(prometheus: Json, _: Json) -> None:
    closed = next(row for row in prometheus["panels"] if row.get("panels"))
    closed["panels"][0]["id"] = prometheus["panels"][1]["id"]


def same_letters(prometheus: Json, _: Json) -> None:
    for target in first(prometheus, "table")["targets"]:
        target["refId"] = "A"


def on_each_other(prometheus: Json, influxdb: Json) -> None:
    for dashboard in (prometheus, influxdb):
        dashboard["panels"][2]["gridPos"] = dashboard["panels"][1]["gridPos"]


def on_each_other_in_a_row(prometheus: Json, _: Json) -> None:
    closed = next(row for row in prometheus["panels"] if row.get("panels"))
    closed["panels"][1]["gridPos"] = closed["panels"][0]["gridPos"]


def red(prometheus: Json, _: Json) -> None:
    defaults = first(prometheus, "stat")["fieldConfig"]["defaults"]
    defaults["thresholds"]["steps"] = [{"value": None, "color": "red"}]


def a_column_of_an_unknown_unit(_: Json, influxdb: Json) -> None:
    overrides = first(influxdb, "table")["fieldConfig"]["overrides"]
    of_units = (one for each in overrides for one in each["properties"] if one["id"] == "unit")
    next(of_units)["value"] = "parsecs"


def a_source_by_its_uid(prometheus: Json, _: Json) -> None:
    first(prometheus, "table")["targets"][0]["datasource"]["uid"] = "PBFA97CFB590B2093"


def a_mark_of_another_source(_: Json, influxdb: Json) -> None:
    influxdb["annotations"]["list"][0]["datasource"] = {"type": "prometheus", "uid": "x"}


def a_variable_for_nothing(prometheus: Json, influxdb: Json) -> None:
    for dashboard in (prometheus, influxdb):
        dashboard["templating"]["list"].append({"name": "extra", "type": "textbox"})


def a_link_that_loses(prometheus: Json, _: Json) -> None:
    prometheus["links"][0]["includeVars"] = False


def urls(dashboard: Json, change: Callable[[str], str]) -> None:
    for panel in dashboard["panels"]:
        for override in panel.get("fieldConfig", {}).get("overrides", []):
            for one in override["properties"]:
                if one["id"] == "links":
                    one["value"][0]["url"] = change(one["value"][0]["url"])


def a_cell_that_loses(prometheus: Json, _: Json) -> None:
    urls(prometheus, lambda url: url.replace("&${region:queryparam}", ""))


def a_cell_to_the_other_edition(_: Json, influxdb: Json) -> None:
    urls(influxdb, lambda url: url.replace("-influxdb?", "?"))


def a_cell_to_elsewhere(prometheus: Json, _: Json) -> None:
    urls(prometheus, lambda url: f"https://grafana.example{url}")


def no_marks(*editions: Json) -> None:
    for dashboard in editions:
        dashboard["annotations"]["list"] = []


def a_mark_that_asks_nothing(prometheus: Json, _: Json) -> None:
    prometheus["annotations"]["list"][0]["expr"] = ""


def one_panel_less(_: Json, influxdb: Json) -> None:
    influxdb["panels"].pop()


def another_order(_: Json, influxdb: Json) -> None:
    panels = influxdb["panels"]
    panels[1], panels[2] = panels[2], panels[1]


def another_unit(_: Json, influxdb: Json) -> None:
    first(influxdb, "stat")["fieldConfig"]["defaults"]["unit"] = "ms"


def words_without_a_reason(_: Json, influxdb: Json) -> None:
    panel = first(influxdb, "stat")
    panel |= {"type": "text", "options": {"mode": "markdown", "content": "Nothing."}}


def another_choice(_: Json, influxdb: Json) -> None:
    influxdb["templating"]["list"].pop()


GAUGE = "livepeer_ai_tester_targets"
CURVE = "livepeer_ai_job_attempts_total"
PLANTED: list[tuple[str, str, Plant]] = [
    ("panel-has-title", "network", having("stat", "title", value="")),
    ("panel-has-title", "network", same_titles),
    ("panel-has-description", "network", without("description")),
    ("panel-has-description", "network", having("stat", "description", value="Some words")),
    ("panel-has-unit", "network", without("fieldConfig", "defaults", "unit")),
    (
        "panel-has-unit",
        "network",
        having("stat", "fieldConfig", "defaults", "unit", value="sec"),
    ),
    ("panel-has-unit", "network", a_column_of_an_unknown_unit),
    ("no-data-is-said", "network", without("fieldConfig", "defaults", "noValue")),
    ("no-data-is-said", "tester", having("table", "fieldConfig", "defaults", "noValue", value="0")),
    (
        "curves-break",
        "network",
        having("timeseries", "fieldConfig", "defaults", "custom", "spanNulls", value=True),
    ),
    ("colours-for-all", "network", red),
    ("ids-are-unique", "network", same_ids),
    ("ids-are-unique", "network", same_letters),
    ("panels-fit", "network", on_each_other),
    ("panels-fit", "network", on_each_other_in_a_row),
    (
        "panels-fit",
        "network",
        having("table", "gridPos", value={"x": 20, "w": 5, "y": 900, "h": 1}),
    ),
    ("tester-metrics-have-job-matchers", "tester", asking(f"sum({GAUGE})")),
    ("tester-metrics-have-job-matchers", "tester", asking(f'sum({GAUGE}{{instance="a"}})')),
    ("tester-metrics-have-job-matchers", "tester", asking("min(up)")),
    (
        "tester-metrics-have-job-matchers",
        "tester",
        asking("livepeer_ai_tester_job_queue_seconds_count"),
    ),
    ("spans-follow-the-range", "network", asking(f"sum(rate({CURVE}[5m0s]))")),
    ("spans-follow-the-range", "network", asking(f"sum(rate({CURVE}[2h]))")),
    ("spans-follow-the-range", "network", asking(f"sum({CURVE} offset 1d)")),
    (
        "spans-follow-the-range",
        "network",
        asking_flux("every: v.windowPeriod", "every: 20m"),
    ),
    (
        "flux-follows-the-range",
        "network",
        asking_flux("start: v.timeRangeStart, stop: v.timeRangeStop", "start: -1h"),
    ),
    ("flux-follows-the-range", "network", asking_flux('"${bucket}"', '"livepeer_ai"')),
    (
        "flux-follows-the-range",
        "network",
        asking_flux("|> range(start: v.timeRangeStart, stop: v.timeRangeStop)", "|> last()"),
    ),
    ("no-fixed-places", "network", asking(f'{CURVE}{{orchestrator_address="0x{"a1" * 20}"}}')),
    ("no-fixed-places", "network", asking(f'{CURVE}{{instance="127.0.0.1:9877"}}')),
    ("no-inventions", "network", asking(f"sum({CURVE}) or vector(0)")),
    ("no-inventions", "network", asking(f"absent({CURVE})")),
    (
        "no-inventions",
        "network",
        asking_flux("\n    |> group(", "\n    |> fill(value: 0.0)\n    |> group("),
    ),
    (
        "no-inventions",
        "network",
        asking_flux("fn: mean, createEmpty: true", "fn: count, createEmpty: true"),
    ),
    (
        "legends-are-bounded",
        "network",
        having(
            "timeseries",
            "targets",
            value=[{"refId": "A", "expr": CURVE, "legendFormat": "{{model_name}}"}],
        ),
    ),
    ("datasource-is-a-variable", "network", a_source_by_its_uid),
    ("datasource-is-a-variable", "network", a_mark_of_another_source),
    ("datasource-is-a-variable", "network", without("datasource")),
    ("variables-exist", "network", asking(f'{CURVE}{{orchestrator_address=~"$orchestrator"}}')),
    ("variables-exist", "network", asking_flux("${region:regex}", "${regions:regex}")),
    ("variables-are-used", "network", a_variable_for_nothing),
    ("links-carry-variables", "network", a_link_that_loses),
    ("links-carry-variables", "network", a_cell_that_loses),
    ("only-own-uids", "network", a_cell_to_the_other_edition),
    ("only-own-uids", "network", a_cell_to_elsewhere),
    ("annotations-are-there", "network", no_marks),
    ("annotations-are-there", "network", a_mark_that_asks_nothing),
    ("editions-show-the-same", "network", one_panel_less),
    ("editions-show-the-same", "network", another_order),
    ("editions-show-the-same", "network", another_unit),
    ("editions-show-the-same", "network", words_without_a_reason),
    ("editions-choose-the-same", "network", another_choice),
]


@pytest.mark.parametrize("board", [pytest.param(one, id=one.name) for one in BOARDS])
def test_no_dashboard_breaks_a_rule(board: Board) -> None:
    assert [str(one) for one in mistakes(pair(board.name))] == []


@pytest.mark.parametrize(
    ("rule", "board", "plant"),
    [
        pytest.param(*one, id=f"{one[0]} {place}")  # rules have several mistakes each
        for place, one in enumerate(PLANTED)
    ],
)
def test_a_rule_finds_a_planted_mistake(rule: str, board: str, plant: Plant) -> None:
    made = pair(board)
    plant(made.prometheus.json, made.influxdb.json)
    assert rule in {one.rule for one in mistakes(made)}


def test_every_rule_is_explained_and_finds_something() -> None:
    assert {rule for rule, _, _ in PLANTED} == RULES.keys()
    assert all(inspect.getdoc(rule) for rule in RULES.values())


def test_every_exception_is_needed_and_has_a_reason() -> None:
    texts = "\n".join(
        question.text for name in MADE for one in pair(name).documents for question in one.questions
    )
    assert all(span in texts and reason for span, reason in FIXED.items())


def test_what_lies_there_is_looked_at() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dashboards.linting"], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")

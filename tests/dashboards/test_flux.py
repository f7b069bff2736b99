"""Every Flux of every dashboard, put to a real InfluxDB with every way to choose."""

from typing import Any

import pytest
from influxdb_client.client.query_api import QueryApi

from dashboards.boards import BOARDS
from dashboards.edition import Edition, column
from dashboards.panel import Panel, Query
from dashboards.queries import OVER_TIME, value_column
from tests.dashboards import chosen
from tests.dashboards.answers import BUCKET, ONE, panel, rows, values
from tests.dashboards.made_network import MODELS, ORCHESTRATORS, REGIONS, START, STOP, TESTER

ASKED = [
    pytest.param(panel, place, id=f"{board.name}: {panel.title} {place}")
    for board in BOARDS
    for panel in board.panels
    if not panel.instead
    for place in range(len(panel.queries))
]
HOSTILE = ('a "model"', "a+b/(c)[d]", "${x}", "it's", "new\\nline", "$&")


def columns(panel: Panel, query: Query, place: int) -> set[str]:
    tags = {column(Edition.INFLUXDB, label) for label in query.by}
    if panel.kind == "table":
        return tags | {value_column(panel, place)}
    return tags | {"_time", "_value"}


@pytest.mark.parametrize(("panel", "place"), ASKED)
def test_a_query_answers_with_the_columns_that_its_panel_shows(
    api: QueryApi, panel: Panel, place: int
) -> None:
    query = panel.queries[place]
    everything = ONE | {"orchestrator": None}
    for choices in (ONE, everything):
        found = rows(api, panel, place, choices)
        for row in found:
            shown = {name for name in row if name not in {"result", "table"}}
            assert shown - set(query.more) == columns(panel, query, place)
        if panel.kind not in OVER_TIME:
            keys = [
                tuple(row.get(name) for name in sorted(row) if name != "_value") for row in found
            ]
            assert panel.kind == "table" or len(keys) == len(set(keys))


@pytest.mark.parametrize(("panel", "place"), ASKED)
def test_a_query_of_an_empty_database_answers_with_nothing(
    api: QueryApi, panel: Panel, place: int
) -> None:
    assert rows(api, panel, place, ONE, "empty") == []


@pytest.mark.parametrize(("panel", "place"), ASKED)
def test_names_with_quotes_and_expressions_stay_names(
    api: QueryApi, panel: Panel, place: int
) -> None:
    for choices in (
        ONE | {"model": HOSTILE, "region": HOSTILE},
        ONE | {"orchestrator": (MODELS[1][1],), "model": (MODELS[1][1], MODELS[0][1])},
    ):
        rows(api, panel, place, choices)


MARKS = sorted({(mark.name, mark.flux) for board in BOARDS for mark in board.marks})
VARIABLES = sorted({(one.name, one.flux) for board in BOARDS for one in board.choices if one.flux})


@pytest.mark.parametrize("mark", [pytest.param(flux, id=name) for name, flux in MARKS])
def test_a_mark_has_a_moment_and_a_text(api: QueryApi, mark: str) -> None:
    tables = api.query(chosen.flux(mark, ONE, START, STOP, BUCKET))
    found = [record.values for table in tables for record in table.records]
    assert found
    assert all(row["_time"] and row["text"] for row in found)
    assert api.query(chosen.flux(mark, ONE, START, STOP, "empty")) == []


@pytest.mark.parametrize(("name", "variable"), VARIABLES)
def test_a_variable_offers_what_there_is(api: QueryApi, name: str, variable: str) -> None:
    everything = ONE | {"orchestrator": None}
    tables = api.query(chosen.flux(variable, everything, START, STOP, BUCKET))
    found = {record.values["_value"] for table in tables for record in table.records}
    assert found == {
        "tester": {TESTER},
        "region": set(REGIONS),
        "orchestrator": set(ORCHESTRATORS),
        "pipeline": {pipeline for pipeline, _ in MODELS},
        "model": {model for _, model in MODELS},
    }.get(name, found)


def test_the_time_against_the_network_is_not_that_against_oneself(api: QueryApi) -> None:
    # They take one, two and three seconds: the median is two.
    assert values(api, "orchestrator", "Time, network = 1") == 1.5
    first = values(api, "orchestrator", "Time, network = 1", orchestrator=(ORCHESTRATORS[0],))
    assert first == 0.5
    counts = values(api, "orchestrator", "How fast against the network", 3)
    assert set(counts.values()) == {3.0}
    assert len(counts) == len(MODELS) * len(REGIONS)


def test_busy_is_neither_failure_nor_success(api: QueryApi) -> None:
    # Of 24 hours it is busy in 4 and fails in 4; each model is tested from two regions.
    assert values(api, "orchestrator", "Success") == 16 / 20
    assert set(values(api, "gateway-operator", "Who serves it well?", 3).values()) == {4 / 24}
    reasons = values(api, "orchestrator", "Why did jobs not succeed?")
    assert reasons == {("inference_timeout", "orchestrator"): 16, ("no_capacity", "none"): 16}


def test_who_fails_now_and_who_recovered_are_told_apart(api: QueryApi) -> None:
    everybody: dict[str, Any] = {"orchestrator": None}
    title = "Orchestrators that fail in a row"
    assert values(api, "gateway-operator", title, **everybody) == 1.0
    assert values(api, "gateway-operator", title, 1, **everybody) == 3
    failing = values(api, "gateway-operator", "Who fails in a row now?", **everybody)
    assert {key[0] for key in failing} == {ORCHESTRATORS[2]}
    recovered = values(api, "gateway-operator", "Who recovered?", **everybody)
    assert {key[0] for key in recovered} == {ORCHESTRATORS[1]}
    assert set(recovered.values()) == {4.0}
    assert values(api, "gateway-operator", "Recovered", **everybody) == len(recovered)
    assert values(api, "gateway-operator", "Recovered", orchestrator=(ORCHESTRATORS[0],)) == 0.0


def test_a_part_of_the_models_that_fails_is_neither_up_nor_failing(api: QueryApi) -> None:
    state = "Is it up now?"
    assert values(api, "orchestrator", state) == 2.0
    assert values(api, "orchestrator", state, orchestrator=(ORCHESTRATORS[0],)) == 0.0
    assert values(api, "orchestrator", state, orchestrator=ORCHESTRATORS[1:]) == 1.0


def curve(api: QueryApi, board: str, title: str, **choices: Any) -> list[float | None]:
    """The values of a panel's first curve in the order of time, one for each half hour."""
    found = rows(api, panel(board, title), 0, ONE | choices)
    assert [row["_time"] for row in found] == sorted({row["_time"] for row in found})
    return [row["_value"] for row in found]


def test_how_many_fail_over_time_is_0_where_nobody_does(api: QueryApi) -> None:
    title = "How many fail in a row, over time"
    found = curve(api, "gateway-operator", title, orchestrator=None)
    # In the hours 8 and 9 it is the second one, in the last hour the third one.
    assert found == [0.0] * 16 + [1.0] * 4 + [0.0] * 26 + [1.0] * 2


def test_a_step_without_a_job_is_a_gap_and_not_0(api: QueryApi) -> None:
    one = {"model": (MODELS[0][1],), "region": (REGIONS[0],)}
    found = curve(api, "orchestrator", "Time against the network's median", **one)
    # Jobs are an hour apart, and steps half an hour; busy and failing hours have no time.
    assert set(found) == {None, 1.5}
    assert found.count(1.5) == 16

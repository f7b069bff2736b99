"""Every Flux of every dashboard, put to a real InfluxDB with every way to choose."""

from collections.abc import Iterator
from typing import Any

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.query_api import QueryApi

from dashboards.boards import BOARDS
from dashboards.edition import Edition, column
from dashboards.panel import Panel, Query
from dashboards.queries import OVER_TIME, flux, value_column
from tests.dashboards import chosen
from tests.dashboards.made_network import MODELS, ORCHESTRATORS, REGIONS, START, STOP, TESTER, lines
from tests.services.influx_server import ORG, influx_server

BUCKET = "measured"
ASKED = [
    pytest.param(panel, place, id=f"{board.name}: {panel.title} {place}")
    for board in BOARDS
    for panel in board.panels
    if not panel.instead
    for place in range(len(panel.queries))
]
ONE: dict[str, tuple[str, ...] | None] = {
    "orchestrator": (ORCHESTRATORS[2],),
    "pipeline": None,
    "model": None,
    "region": None,
    "tester": (TESTER,),
    "origin": ("own",),
    "installation": (TESTER,),
}
HOSTILE = ('a "model"', "a+b/(c)[d]", "${x}", "it's", "new\\nline", "$&")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryApi]:
    with influx_server(tmp_path_factory.mktemp("influx")) as server:
        for bucket in (BUCKET, "empty"):
            server.bucket(bucket)
        with InfluxDBClient(server.url, server.token, org=ORG, timeout=60_000) as client:
            for part in (lines()[first : first + 5000] for first in range(0, 30_000, 5000)):
                if part:
                    server.write(BUCKET, part)
            yield client.query_api()


def rows(
    api: QueryApi, panel: Panel, place: int, choices: chosen.Choices, bucket: str = BUCKET
) -> list[dict[str, Any]]:
    query = flux(panel, panel.queries[place], place)
    tables = api.query(chosen.flux(query, choices, START, STOP, bucket))
    return [record.values for table in tables for record in table.records]


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


def panel(board: str, title: str) -> Panel:
    return next(
        panel for one in BOARDS if one.name == board for panel in one.panels if panel.title == title
    )


def values(api: QueryApi, board: str, title: str, place: int = 0, **choices: Any) -> Any:
    """What the one query of a panel answers: the value, or values by labels."""
    asked = panel(board, title)
    name = value_column(asked, place) if asked.kind == "table" else "_value"
    tags = [column(Edition.INFLUXDB, label) for label in asked.queries[place].by]
    found = rows(api, asked, place, ONE | choices)
    by = {tuple(row[tag] for tag in tags): row[name] for row in found}
    return by if tags else by[()]


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

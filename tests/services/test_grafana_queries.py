"""The queries that docs/storage.md gives for Grafana, put to the real server."""

import random
import re
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient

from exporter.model import Measurement, seconds
from exporter.stores import Where, Window
from exporter.stores.influx import InfluxStore
from exporter.stores.influx_rollups import DAY, ROLLUP_ERROR
from tests.measurements import SECOND
from tests.services.influx_commands import Operator
from tests.services.test_rollups import MONDAY, NOW, job

TEXT = (Path(__file__).parents[2] / "docs" / "storage.md").read_text(encoding="utf-8")
SUCCESS, SUCCESS_ROLLED, INFERENCE, INFERENCE_ROLLED = re.findall(
    r"```flux\n(.*?)```", TEXT, re.DOTALL
)
JOBS = [
    one
    for one in (job(random.Random(number), number) for number in range(600))
    if 0 <= one.started_at - MONDAY < DAY
]


@pytest.fixture
def operator(operator: Operator) -> Operator:
    operator.influx |= {"retention": 0, "bucket": "livepeer_ai"}
    operator.influx["rollup_bucket"] = "livepeer_ai_rollup"
    assert operator.setup().exit_code == 0
    return operator


def asked(operator: Operator, query: str) -> list[dict[str, Any]]:
    """What the token for Grafana gets, with its variables replaced as Grafana does."""
    query = query.replace("v.timeRangeStart", str(MONDAY // SECOND))
    query = query.replace("v.timeRangeStop", str((MONDAY + DAY) // SECOND))
    token, org = operator.token("influx-grafana-token"), operator.influx["org"]
    with InfluxDBClient(operator.server.url, token, org=org) as client:
        tables = client.query_api().query(query)
    return [record.values for table in tables for record in table.records]


async def test_they_answer_as_the_program_does(operator: Operator) -> None:
    plain = operator.settings.model_copy(update={"rollup_bucket": None})
    stores = [InfluxStore.open(one, now=lambda: NOW) for one in (operator.settings, plain)]
    try:
        await stores[0].write("box", list(enumerate(JOBS, 1)))
        await stores[0].maintain()
        groups = await stores[1].groups(Window(MONDAY, MONDAY + DAY - 1), Where())
    finally:
        for store in stores:
            await store.close()
    rates: dict[str, float] = {}
    for model in {group.model for group in groups}:
        these = [group for group in groups if group.model == model]
        success = sum(group.success_rate * group.rows for group in these)
        rates[model] = success / sum(group.rows for group in these)
    for query in (SUCCESS, SUCCESS_ROLLED):
        found = {row["model"]: row["_value"] for row in asked(operator, query)}
        assert found == pytest.approx(rates, rel=1e-9)

    exact = {row["orchestrator"]: row["_value"] for row in asked(operator, INFERENCE)}
    assert exact == pytest.approx(_medians(JOBS), rel=1e-9)
    near = {row["orchestrator"]: row["_value"] for row in asked(operator, INFERENCE_ROLLED)}
    # The two values around the middle may lie some percent apart themselves.
    assert near == pytest.approx(exact, rel=1.5 * ROLLUP_ERROR)


def _medians(jobs: list[Measurement]) -> dict[str, float]:
    times: dict[str, list[float]] = {}
    for one in jobs:
        if one.ok and (took := seconds(one.phases.inference)) is not None:
            times.setdefault(one.orchestrator, []).append(took)
    return {name: median(values) for name, values in times.items()}

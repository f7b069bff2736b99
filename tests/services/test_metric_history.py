"""Metrics as points, on the real server."""

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from influxdb_client.client.influxdb_client import InfluxDBClient
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import Metric as Family

from exporter.delivery.exposition import families
from exporter.delivery.metric_history import ANSWER_LIMIT, UNCHANGED, MetricHistory
from exporter.stores import StoreError
from exporter.stores.influx import InfluxStore
from exporter.stores.influx_client import PointsRefused
from exporter.stores.influx_lines import tag_text
from exporter.stores.influx_metric_lines import values
from tests.delivery.snapshots import example
from tests.measurements import SECOND, START
from tests.services.influx_commands import Operator
from tests.stations import ALICE

OWN = {"tester": "tester-1", "region": "MDW"}


class Probe:
    """What the probe's server answers."""

    body = "livepeer_ai_tester_jobs_running 2.0\n"
    status = 200

    async def answer(self, _: web.Request) -> web.Response:
        return web.Response(text=self.body, status=self.status)


class Clock:
    now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def operator(operator: Operator) -> Operator:
    operator.influx |= {"retention": 0}
    assert operator.setup().exit_code == 0
    return operator


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
async def url(probe: Probe) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/metrics", probe.answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/metrics"))


class History:
    """A history of a station that shows what `shown` says, and what it wrote."""

    def __init__(self, url: str, shown: list[Family]) -> None:
        self.shown = shown
        self.clock = Clock()
        self.written: list[str] = []
        self.refuse: Exception | None = None
        self.only_first = False
        self.one = MetricHistory(
            station=self._station,
            probe=url,
            write=self._write,
            **OWN,
            interval=60.0,
            now=self.clock,
        )

    async def _station(self) -> Iterable[Family]:
        return self.shown

    async def _write(self, lines: Sequence[str]) -> None:
        if (refuse := self.refuse) is not None:
            self.refuse = None if self.only_first else refuse
            raise refuse
        self.written += lines

    async def round(self, after: float = 0.0) -> list[str]:
        self.clock.now += int(after * SECOND)
        self.written = []
        async with httpx.AsyncClient(trust_env=False) as client:
            await self.one.round(client)
        return self.written


def warm(value: float) -> Family:
    family = GaugeMetricFamily("livepeer_ai_tester_offer_warm", "", labels=["orchestrator_address"])
    family.add_metric([ALICE], value)
    return family


async def test_what_is_about_an_orchestrator_is_written_when_it_changed_or_is_old(url: str) -> None:
    history = History(url, [warm(1)])
    assert len(await history.round()) == 2
    (line,) = await history.round(60)
    assert "tester_jobs_running=2.0" in line
    history.shown = [warm(0)]
    assert any("tester_offer_warm=0.0" in line for line in await history.round(60))
    assert len(await history.round(UNCHANGED - 1)) == 1
    assert len(await history.round(1)) == 2


async def test_a_batch_that_is_refused_holds_no_other_up(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    many = GaugeMetricFamily("livepeer_ai_tester_offer_warm", "", labels=["model_name"])
    for number in range(5001):
        many.add_metric([f"model {number}"], 1)
    history = History(url, [many])
    history.refuse = PointsRefused("field type conflict")
    history.only_first = True
    assert len(await history.round()) == 2
    assert "field type conflict" in caplog.records[0].__dict__["problem"]


async def test_what_could_not_be_written_is_written_the_next_time(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(url, [warm(1)])
    history.refuse = StoreError("it is off")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            await history.round(60)
    assert [record.getMessage() for record in caplog.records] == [
        "metrics cannot be written to the store"
    ]
    history.refuse = None
    assert len(await history.round(1)) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("no { metric", 200),
        ('a{x="y", ="z"} 1', 200),
        ("x" * (ANSWER_LIMIT + 1), 200),
        ("livepeer_ai_tester_jobs_running 2.0\n", 500),
    ],
)
async def test_a_probe_that_answers_rubbish_has_no_part_in_it(
    probe: Probe, url: str, body: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    probe.body, probe.status = body, status
    history = History(url, [warm(1)])
    (line,) = await history.round()
    assert "tester_offer_warm" in line
    assert "the probe's metrics cannot be read" in caplog.text


async def test_the_server_has_what_the_metrics_show(operator: Operator, url: str) -> None:
    snapshot = await example()
    store = InfluxStore.open(operator.settings)
    history = History(url, families(snapshot))
    try:
        await store.write_metrics(await history.round())
    finally:
        await store.close()
    wanted = {
        (value.tags, value.field, value.written)
        for value in values(families(snapshot), **OWN)
        if not value.written.startswith('"')
    }
    running = (tuple(sorted(OWN.items())), "tester_jobs_running", "2.0")
    assert found(operator) == wanted | {running}


def found(operator: Operator) -> set[Any]:
    query = """from(bucket: "raw") |> range(start: 0)
        |> filter(fn: (r) => r._measurement == "ai_metric") |> filter(fn: (r) =>
        r._field !~ /^orchestrator_(name|state|ai_service_uri|service_uri)$|_(version|digest)$/)"""
    token, org = operator.token("influx-grafana-token"), operator.influx["org"]
    with InfluxDBClient(operator.server.url, token, org=org) as client:
        records = [record for table in client.query_api().query(query) for record in table.records]
    return {
        (
            tuple(
                sorted(
                    (name, tag_text(text))
                    for name, text in record.values.items()
                    if name not in ("result", "table") and not name.startswith("_")
                )
            ),
            record.get_field(),
            repr(float(record.get_value())),
        )
        for record in records
    }

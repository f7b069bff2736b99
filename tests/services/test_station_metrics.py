"""A whole station on the real server: its metrics as points, and measurements beside them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from influxdb_client.client.influxdb_client import InfluxDBClient
from prometheus_client.parser import text_string_to_metric_families

from exporter.model import Outcome
from exporter.settings import Influx
from exporter.stores import Row
from exporter.stores.influx import InfluxStore
from exporter.stores.influx_lines import tag_text
from tests.measurements import START, failed, good
from tests.services.influx_server import ORG, InfluxServer, free_port, section
from tests.stations import ALICE, Station, offer, running_station
from tests.waiting import eventually

OWN = {"tester": "tester-1", "region": "MDW"}
HOSTILE = 'a "model", of=x\\y\n% 1'
Value = tuple[tuple[tuple[str, str], ...], str, float]


@pytest.fixture
async def probe_port() -> AsyncIterator[int]:
    """Of a probe that has one job under way."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text="livepeer_ai_tester_jobs_running 1.0\n")

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    async with TestServer(app) as server:
        assert server.port is not None
        yield server.port


@asynccontextmanager
async def station(server: InfluxServer, bucket: str, data: Path, port: int) -> AsyncIterator[Any]:
    """A station that writes its metrics five times a second; its clock stands still."""
    server.bucket(bucket)
    influx = section(server, bucket, metrics_interval=0.2)
    store = InfluxStore.open(Influx.model_validate(influx))
    stored_in = {"kind": "influxdb", "influxdb": influx}
    probe = {"listen": f"127.0.0.1:{port}"}
    async with running_station(data, store=store, stored_in=stored_in, probe=probe) as one:
        yield one


def stored(server: InfluxServer, bucket: str) -> set[Value]:
    """The numbers of `ai_metric`."""
    query = f"""from(bucket: "{bucket}") |> range(start: 0)
        |> filter(fn: (r) => r._measurement == "ai_metric")
        |> filter(fn: (r) => r._field !~ /_(digest|version)$/)
        |> toFloat()"""
    with InfluxDBClient(server.url, server.token, org=ORG) as client:
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
            record.get_value(),
        )
        for record in records
    }


async def shown(station: Station) -> set[Value]:
    """What `/metrics` shows and `ai_metric` is said to have, by docs/storage.md."""
    text = await (await station.client.get("/metrics")).text()
    kept: tuple[str, ...] = (
        "consecutive_failures",
        "attempt_timestamp_seconds",
        "failure_timestamp_seconds",
    )
    kept = (*kept, "success_timestamp_seconds")
    found = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            of_job = sample.name.startswith("livepeer_ai_job_")
            of_model = sample.name.startswith("livepeer_ai_job_model_")
            if family.type == "info" or of_model or (of_job and not sample.name.endswith(kept)):
                continue
            if not sample.name.startswith("livepeer_ai_") or sample.name.endswith("_info"):
                continue
            found.add((in_its_words(sample.labels), sample.name[12:], sample.value))
    return found


def in_its_words(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    words = {"orchestrator_address": "orchestrator", "model_name": "model", "result": "outcome"}
    tags = {**OWN, **{words.get(name, name): tag_text(text) for name, text in labels.items()}}
    if "orchestrator" in tags:
        tags["orchestrator"] = tags["orchestrator"].lower()
    return tuple(sorted(tags.items()))


MOVING = {"tester_station_loop_lag_seconds", "tester_outbox_bytes"}


def still(values: set[Value]) -> set[Value]:
    """Those that are the same a moment later."""
    return {value for value in values if value[1] not in MOVING}


async def test_the_server_has_what_metrics_show_at_that_moment_and_again_after_it_was_away(
    server: InfluxServer, tmp_path: Path, probe_port: int
) -> None:
    running = (tuple(sorted(OWN.items())), "tester_jobs_running", 1.0)

    async with station(server, "as shown", tmp_path, probe_port) as one:
        await one.supplied(offer(ALICE, model=HOSTILE, warm=True), offer(ALICE, warm=False))
        await one.give(good("1", model=HOSTILE), failed("2", Outcome.INFERENCE_TIMEOUT))

        async def equal() -> bool:
            found = await asyncio.to_thread(stored, server, "as shown")
            return still(found) == still(await shown(one)) | {running}

        await eventually(equal)
        assert any(("model", HOSTILE) in tags for tags, _, _ in await shown(one))

        await asyncio.to_thread(server.kill)
        await one.supplied(offer(ALICE, model=HOSTILE, warm=False), offer(ALICE, warm=True))
        await asyncio.to_thread(server.start)
        await eventually(equal)


class Hanging(BaseHTTPRequestHandler):
    """An InfluxDB that takes measurements and never answers about metrics."""

    release = threading.Event()

    def do_POST(self) -> None:
        import gzip

        body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
        if body.startswith(b"ai_metric"):
            self.release.wait(30)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hanging() -> Iterator[str]:
    Hanging.release.clear()
    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Hanging)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Hanging.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


async def test_measurements_do_not_wait_for_metrics(hanging: str) -> None:
    influx = {"url": hanging, "token": "t", "rollup_bucket": ""}
    store = InfluxStore.open(Influx.model_validate(influx))
    metrics = asyncio.create_task(store.write_metrics([f"ai_metric,tester=t x=1.0 {START}"]))
    try:
        async with asyncio.timeout(20):
            await store.add([Row("box", 1, good("1"))])
        assert not metrics.done()
    finally:
        Hanging.release.set()
        await metrics
        await store.close()

"""The real Prometheus takes every line that both processes expose, in both text formats.

It asks for OpenMetrics, which the station has; through a relay that asks for the older format it
reads the station a second time.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import yaml
from aiohttp import web
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.serving import listening
from exporter.simulation.network import SimulatedNetwork
from exporter.stack.pace import Pace
from tests.stack.monitoring import PATIENCE, POLL, PROBE, STATION, Monitoring, monitoring
from tests.system.service import running, until_answered, write_config

pytestmark = pytest.mark.system
PACE = Pace(interval=10, scrape=3, evaluation=3)
"""A busy machine gets the time to answer a scrape."""
AS_TEXT = "station-as-text"
TEXT, OPENMETRICS = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"
LOST = (
    "prometheus_target_scrapes_sample_out_of_order_total",
    "prometheus_target_scrapes_sample_duplicate_timestamp_total",
    "prometheus_target_scrapes_sample_out_of_bounds_total",
    "prometheus_target_scrapes_exceeded_sample_limit_total",
    "prometheus_target_scrapes_exceeded_body_size_limit_total",
)
OF_PROMETHEUS = 5
"""Series that Prometheus adds to each target: up, scrape_… (four of them)."""


class Scraped(NamedTuple):
    """What Prometheus scrapes, and who: address and format by the name of the job."""

    seen: Monitoring
    jobs: dict[str, tuple[str, str]]


@pytest.fixture
async def scraped(tmp_path: Path) -> AsyncIterator[Scraped]:
    """A tester at work on a network with failures of all kinds, and Prometheus reading it."""
    async with SimulatedNetwork(12, 1, registry=True) as network:
        pace = {"interval": PACE.interval, "cold_interval": PACE.interval, "drain": 0.5}
        config, plain = write_config(network, tmp_path, schedule=pace)
        targets = {STATION: plain["station"]["listen"], PROBE: plain["probe"]["listen"]}
        async with running("run", "--config", str(config), log=tmp_path / "log"):
            for address in targets.values():
                await until_answered(f"http://{address}/healthz")
            jobs = {
                STATION: (targets[STATION], OPENMETRICS),
                AS_TEXT: (targets[STATION], TEXT),
                PROBE: (targets[PROBE], TEXT),
            }
            async with (
                as_text(targets[STATION]) as relay,
                monitoring(tmp_path, targets, PACE, change=lambda at: add_job(at, relay)) as seen,
            ):
                yield Scraped(seen, jobs)


@asynccontextmanager
async def as_text(station: str) -> AsyncIterator[str]:
    """The station for who knows only the older format; gives HOST:PORT."""
    async with httpx.AsyncClient(trust_env=False) as client:

        async def relay(_: web.Request) -> web.Response:
            answer = await client.get(f"http://{station}/metrics", headers={"Accept": TEXT})
            kind = answer.headers["Content-Type"]
            return web.Response(body=answer.content, headers={"Content-Type": kind})

        app = web.Application()
        app.router.add_get("/metrics", relay)
        async with listening(app, "127.0.0.1:0", "the relay") as url:
            yield url.removeprefix("http://")


def add_job(config: Path, target: str) -> None:
    document = yaml.safe_load(config.read_text())
    document["scrape_configs"].append(
        {"job_name": AS_TEXT, "static_configs": [{"targets": [target]}]}
    )
    config.write_text(yaml.safe_dump(document))


async def exposed(address: str, form: str) -> list[str]:
    """The lines with samples."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://{address}/metrics", headers={"Accept": form})
    assert answer.headers["Content-Type"].startswith(form)
    parse: Callable[[str], Iterable[Metric]] = parse_text if form == TEXT else parse_openmetrics
    lines = [line for line in answer.text.splitlines() if line and line[0] != "#"]
    series = [
        (sample.name, *sorted(sample.labels.items()))
        for family in parse(answer.text)
        for sample in family.samples
    ]
    assert len(series) == len(set(series)) == len(lines)
    return lines


async def test_nothing_that_is_exposed_is_lost(scraped: Scraped) -> None:
    seen, jobs = scraped
    await seen.until(f'sum(livepeer_ai_job_attempts_total{{job="{STATION}"}})', lambda n: n > 40)
    for job, (address, form) in jobs.items():
        await all_is_there(seen, job, address, form)
        assert await seen.value(f'min_over_time(up{{job="{job}"}}[10m])') == 1, job
        left_out = (
            f'max_over_time((scrape_samples_scraped{{job="{job}"}}'
            f' - scrape_samples_post_metric_relabeling{{job="{job}"}})[5m:1s])'
        )
        assert await seen.value(left_out) == 0, job
    async with httpx.AsyncClient(trust_env=False) as client:
        own = (await client.get(f"{seen.prometheus}/metrics")).text
    for name in LOST:
        assert re.search(rf"^{name} 0$", own, re.MULTILINE), name
    assert await seen.value(f'sum(livepeer_ai_job_attempts_total{{job="{AS_TEXT}"}})')


async def all_is_there(seen: Monitoring, job: str, address: str, form: str) -> None:
    """Wait until lines, samples of a scrape and series kept are equally many.

    New series appear while jobs go on, so the three are compared until they were looked at between
    two of them.
    """
    counts: tuple[float | None, ...] = ()
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                lines = len(await exposed(address, form))
                read = await seen.value(f'scrape_samples_scraped{{job="{job}"}}')
                kept = await seen.value(f'count({{job="{job}",__name__!~"ALERTS.*|.*:.*"}})')
                counts = (lines, read, kept and kept - OF_PROMETHEUS)
                if counts[0] == counts[1] == counts[2]:
                    return
                await asyncio.sleep(POLL)
    except TimeoutError:
        raise AssertionError(f"{job}: lines, samples, series were {counts}") from None

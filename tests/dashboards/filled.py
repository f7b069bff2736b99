"""Real servers that were filled with the truth, and what they answer."""

import re
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry

from exporter.alerting.kept import COUNTERS, KEPT, PACE, RECORDED, SERIES
from exporter.stores import Row
from exporter.stores.influx_lines import line
from exporter.stores.influx_metric_lines import lines, values
from tests.alerting.prometheus_tools import ran, tool
from tests.dashboards.probe_truth import probe
from tests.dashboards.truth import TESTERS, World, moments
from tests.measurements import SECOND

Scrape = tuple[int, str, str, list[Family]]
"""Moment (Unix seconds), job, instance, and what was shown."""
STATION, PROBE = "livepeer-exporter", "livepeer-exporter-probe"
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
FIRST = ("livepeer_ai_tester_targets", "livepeer_ai_tester_jobs_running")
"""Metrics that each process has one of: with them comes what Prometheus says of the scrape."""
PATIENCE = 60.0


async def scrapes(world: World) -> list[Scrape]:
    """What the stations and probes of a world showed."""
    stations = world.stations()
    made: list[Scrape] = []
    for moment in moments():
        for station in stations:
            name = station.tester.instance
            made.append((moment, STATION, name, await station.at(moment)))
            shown = list(probe(station.tester, moment, world.jobs[station.tester.name]))
            made.append((moment, PROBE, name, shown))
    return made


def kept_as(name: str) -> str | None:
    """By which name the recording rules keep a metric; `None`: they do not."""
    plain = name.removeprefix(f"{SERIES}_")
    return f"{KEPT}_{plain}" if plain in COUNTERS else None


def openmetrics(found: Iterable[Scrape]) -> Iterator[str]:
    """The samples with job, instance and time, as Prometheus takes them in from a file.

    With what its rules keep of them.
    """
    recorded = -1
    for moment, job, instance, shown in found:
        if moment % PACE == 0 and moment != recorded:
            recorded = moment
            yield f"{RECORDED} {moment} {moment}\n"
        for text in _text(shown).splitlines():
            if text.startswith("#"):
                continue
            match = _SAMPLE.match(text)
            assert match is not None, text
            name, labels, value = match.groups()
            more = f'job="{job}",instance="{instance}"' + (f",{labels}" if labels else "")
            yield f"{name}{{{more}}} {value} {moment}\n"
            if moment % PACE == 0 and (kept := kept_as(name)) is not None:
                yield f"{kept}{{{more}}} {value} {moment}\n"
            if name in FIRST:
                about = f'{{job="{job}",instance="{instance}"}}'
                yield f"up{about} 1 {moment}\n"
                yield f"scrape_duration_seconds{about} {len(job) / 100} {moment}\n"
                yield f"scrape_samples_scraped{about} {len(shown)} {moment}\n"
    yield "# EOF\n"


def points(world: World, found: Iterable[Scrape]) -> Iterator[str]:
    """The same for InfluxDB: the jobs, and the metrics of each station's tester."""
    for sequence, job in enumerate(world.everything, 1):
        yield line(Row("box", sequence, job))
    testers = {tester.instance: tester for tester in TESTERS}
    for moment, _, instance, shown in found:
        tester = testers[instance]
        chosen = values(shown, tester=tester.name, region=tester.region)
        yield from lines(chosen, moment * SECOND)


def _text(shown: list[Family]) -> str:
    registry = CollectorRegistry(auto_describe=False)

    class Shown:
        def collect(self) -> list[Family]:
            return shown

    registry.register(Shown())
    return generate_latest(registry).decode()


class Prometheus:
    """A server that answers."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60.0)

    def ask(self, path: str, **parameters: Any) -> Any:
        """The data of an answer; an error fails the test."""
        answer = self._client.post(f"/api/v1/{path}", data=parameters)
        document = answer.json()
        assert document["status"] == "success", (parameters, document)
        return document["data"]

    def get(self, path: str, **parameters: Any) -> Any:
        """The same of what is only got."""
        document = self._client.get(f"/api/v1/{path}", params=parameters).json()
        assert document["status"] == "success", (parameters, document)
        return document["data"]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def take_in(data: Path, samples: Iterable[str]) -> None:
    """Make blocks of samples, in the folder of a server that does not run."""
    text = data.parent / f"{data.name}.om"
    with text.open("w", encoding="utf-8") as file:
        file.writelines(samples)
    ran("promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(text), str(data))
    text.unlink()


@contextmanager
def prometheus(folder: Path, data: Path) -> Iterator[Prometheus]:
    """A server of what lies in `data`; it scrapes nobody."""
    config = folder / "prometheus.yml"
    config.write_text("global: {}\n", encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "prometheus.log").open("wb")
    process = subprocess.Popen(
        [
            tool("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        stdout=log,
        stderr=log,
    )
    server = Prometheus(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + PATIENCE
        while not _ready(port):
            gone = process.poll() is not None or time.monotonic() > deadline
            assert not gone, (folder / "prometheus.log").read_text()[-2000:]
            time.sleep(0.05)
        yield server
    finally:
        server.close()
        process.terminate()
        process.wait(30)
        log.close()


def _ready(port: int) -> bool:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/-/ready", trust_env=False, timeout=5)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK

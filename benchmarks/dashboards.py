"""What the dashboards' panels cost over 30 days of 100 orchestrators, on both data sources.

Everything a station and a probe of that network expose is written as a Prometheus would have
scraped it, and jobs and metrics as InfluxDB would have got them; then every panel is asked as
Grafana asks it.
Needs Go (which builds the writer of blocks), Debian's package `prometheus`, and `make services`.
"""

import argparse
import asyncio
import json
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from prometheus_client.core import Metric as Family
from rich.console import Console
from rich.table import Table

from dashboards.boards import BOARDS
from dashboards.interpolation import Asked
from exporter.alerting.kept import PACE, RECORDED
from exporter.delivery.exposition import Snapshot, families
from exporter.delivery.target_metrics import TargetMetrics
from exporter.leaderboard.display import shown
from exporter.leaderboard.ranking import rank
from exporter.model import Blame, Measurement, Offer, Outcome, Phases, Supply, Target
from exporter.stores import Group, ModelMedian, Row
from exporter.stores.influx_lines import line
from exporter.stores.influx_metric_lines import lines, values
from tests.dashboards.asking import (
    Picked,
    all_of,
    found_by_prometheus,
    from_influxdb,
    from_prometheus,
    step,
)
from tests.dashboards.filled import Prometheus, kept_as, prometheus
from tests.dashboards.probe_truth import probe
from tests.dashboards.truth import TESTERS
from tests.delivery.snapshots import NUMBERS
from tests.delivery.snapshots import SUPPLY as A_SUPPLY
from tests.measurements import SECOND, good
from tests.services.influx_server import InfluxServer, influx_server

DAY = 86400
EVERY = 900
MODELS = tuple(
    (pipeline, f"somebody/model-{number}")
    for pipeline, number in (
        *(("text-to-image", number) for number in range(4)),
        *(("llm", number) for number in range(4)),
        *(("image-to-image", 1), ("upscale", 1), ("audio-to-text", 1), ("image-to-video", 1)),
    )
)
TESTER = TESTERS[0]
FAILURES = (
    (Outcome.INFERENCE_TIMEOUT, Blame.ORCHESTRATOR),
    (Outcome.NO_CAPACITY, None),
    (Outcome.UNAVAILABLE, Blame.UNKNOWN),
)
BATCH = 20_000
SOURCES = ("prometheus", "influxdb")
SLOW = 2
"""Seconds that a panel should stay below."""
SOURCE = Path(__file__).parent / "tsdb"


def targets(orchestrators: int) -> list[Target]:
    """3.3 models each, in the mean."""
    found = []
    for who in range(orchestrators):
        for number in range(3 + (who % 3 == 0)):
            model = MODELS[(who + 3 * number) % len(MODELS)]
            found.append(Target(f"0x{who:040x}", *model))
    return found


def job(target: Target, start: int, number: int) -> Measurement:
    """A job of a target: nine of ten are good."""
    facts: dict[str, Any] = {
        "tester": TESTER.name,
        "region": TESTER.region,
        "orchestrator": target.orchestrator,
        "pipeline": target.pipeline,
        "model": target.model,
        "started_at": start * SECOND,
    }
    identity = f"{target} {start}"
    if number % 10 == 9:
        outcome, blame = FAILURES[number // 10 % len(FAILURES)]
        failed = {"outcome": outcome, "blame": blame, "message": "no", "phases": Phases(upload=1)}
        return good(identity, **(facts | failed))
    took = SECOND + hash(identity) % SECOND
    phases = Phases(upload=SECOND // 10, inference=took, download=SECOND // 5)
    return good(identity, **(facts | {"phases": phases, "unit": "token", "units": 50.0}))


async def exposed(found: list[Target], now: int) -> list[Family]:
    """What the station shows of this network."""
    offers = tuple(
        Offer(target=target, service_uri="https://o.example:8935", warm=True, price_per_unit=9.0)
        for target in found
    )
    supply = Supply(offers=offers, sources=A_SUPPLY.sources, taken_at=now * SECOND)
    metrics = TargetMetrics(
        tester=TESTER.name,
        region=TESTER.region,
        buckets=[0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600],
        reported_for=DAY,
        now=lambda: now * SECOND,
    )
    metrics.follow(supply)
    for number in (0, 9, 19, 29):
        jobs = [job(target, now - 3600 + number, number) for target in found]
        await metrics.take(list(enumerate(jobs, 1)))
    groups = [
        Group(
            orchestrator=target.orchestrator,
            region=TESTER.region,
            pipeline=target.pipeline,
            model=target.model,
            rows=10,
            success_rate=0.9,
            round_trip_time=2.0,
        )
        for target in found
    ]
    medians = [ModelMedian(*model, 2.0) for model in MODELS]
    return families(
        Snapshot(
            series=metrics.shown(),
            histograms=metrics.histograms(),
            per_unit=metrics.per_unit(),
            buckets=metrics.buckets,
            ranking=rank(groups, medians),
            supply=supply,
            numbers=NUMBERS,
            region=TESTER.region,
            display=shown,
        )
    )


def specifications(shown_by: dict[str, list[Family]]) -> Iterator[dict[str, Any]]:
    """Each series for the writer of blocks: counters rise with jobs, moments follow the time.

    With what the recording rules keep of them.
    """
    since = {"labels": {"__name__": RECORDED}, "start": 0, "every": PACE, "jump": float(PACE)}
    yield since | {"pace": PACE}
    for name, found in shown_by.items():
        port = 9877 if name == "livepeer-exporter" else 9878
        for family in found:
            for place, sample in enumerate(family.samples):
                labels = {**sample.labels, "job": name, "instance": f"fra:{port}"}
                labels["__name__"] = sample.name
                spec: dict[str, Any] = {"labels": labels, "start": place % EVERY, "every": EVERY}
                if "timestamp" in sample.name:
                    yield spec | {"jump": float(EVERY)}
                elif family.type in ("counter", "histogram", "summary"):
                    yield spec | {"jump": 1.0}
                    if (kept := kept_as(sample.name)) is not None:
                        named = {**labels, "__name__": kept}
                        yield spec | {"labels": named, "jump": 1.0, "pace": PACE}
                else:
                    yield spec | {"jump": sample.value, "gauge": True}


def fill_prometheus(
    folder: Path, specs: list[dict[str, Any]], first: int, last: int, scrape: int
) -> None:
    """Write the blocks."""
    program = folder / "fill"
    subprocess.run(["go", "build", "-o", program, "."], cwd=SOURCE, check=True)
    subprocess.run(
        [
            program,
            *("-data", str(folder / "data"), "-first", str(first), "-last", str(last)),
            *("-scrape", str(scrape)),
        ],
        input="\n".join(json.dumps(spec) for spec in specs).encode(),
        check=True,
    )


def points(
    found: list[Target], shown_by: dict[str, list[Family]], first: int, last: int
) -> Iterator[str]:
    """The jobs, and what the station writes of the metrics."""
    for number, start in enumerate(range(first, last - EVERY, EVERY)):
        for place, target in enumerate(found):
            one = job(target, start + place * EVERY // len(found), number + place)
            yield line(Row("box", number * len(found) + place + 1, one))
    kept = [
        value
        for shown_now in shown_by.values()
        for value in values(shown_now, tester=TESTER.name, region=TESTER.region)
    ]
    of_orchestrators = [value for value in kept if value.about_an_orchestrator]
    others = [value for value in kept if not value.about_an_orchestrator]
    for moment in range(first, last + 1, 60):
        yield from lines(others, moment * SECOND)
        if moment % 300 == 0:
            yield from lines(of_orchestrators, moment * SECOND)


def fill_influxdb(server: InfluxServer, written: Iterator[str]) -> int:
    """Write them in batches; gives how many."""
    server.bucket("measured")
    count = 0
    while batch := list(islice(written, BATCH)):
        server.write("measured", batch)
        count += len(batch)
    return count


class Took(NamedTuple):
    """Seconds of a panel on a data source: its queries one after the other, and the slowest."""

    board: str
    source: str
    panel: str
    seconds: float
    slowest: float


def ask(prom: Prometheus, influx: InfluxServer, days: float, last: int, scrape: int) -> list[Took]:
    """What each panel takes."""
    rows: list[Took] = []
    for board in BOARDS:
        chosen = (f"0x{3:040x}",) if board.name == "orchestrator" else None
        picked = Picked(orchestrator=chosen, testers=(TESTER.name,))
        took: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        whole = Asked(start=last - int(days * DAY), stop=last, scrape=scrape)
        for choice in board.choices:
            if choice.hidden:
                began = time.perf_counter()
                (prefix,) = found_by_prometheus(prom, choice, whole)
                took["prometheus", f"the variable {choice.name}: {prefix}"] = [
                    time.perf_counter() - began
                ]
                picked = msgspec.structs.replace(picked, **{choice.name: prefix})
        for panel, query in all_of(board):
            asked = msgspec.structs.replace(whole, least=step(panel), points=panel.points)
            began = time.perf_counter()
            from_prometheus(prom, board, panel, query, picked=picked, asked=asked)
            between = time.perf_counter()
            from_influxdb(influx, board, panel, query, picked=picked, asked=asked)
            took["prometheus", panel.title].append(between - began)
            took["influxdb", panel.title].append(time.perf_counter() - between)
        rows += [
            Took(board.name, source, title, sum(seconds), max(seconds))
            for (source, title), seconds in took.items()
        ]
    return rows


def show(console: Console, rows: list[Took], title: str, most: int) -> None:
    """The slowest panels of each board and source."""
    table = Table("board", "data source", "panel", "seconds", "slowest query", title=title)
    for board in BOARDS:
        for source in SOURCES:
            mine = [row for row in rows if (row.board, row.source) == (board.name, source)]
            for row in sorted(mine, key=lambda one: -one.seconds)[:most]:
                table.add_row(*row[:3], f"{row.seconds:.2f}", f"{row.slowest:.2f}")
    console.print(table)
    for source in SOURCES:
        mine = [row for row in rows if row.source == source]
        slow = sum(row.seconds >= SLOW for row in mine)
        alone = sum(row.slowest >= SLOW for row in mine)
        console.print(
            f"{source}: {slow} of {len(mine)} panels take {SLOW} s or more, "
            f"{alone} of them with one query alone"
        )


def count(console: Console, shown_by: dict[str, list[Family]], found: list[Target]) -> None:
    """How many series there are."""
    table = Table("process", "series", "of a target", title=f"{len(found)} targets")
    for name, shown_now in shown_by.items():
        samples = [sample for family in shown_now for sample in family.samples]
        one = Counter(
            tuple(
                sample.labels[name] for name in ("orchestrator_address", "pipeline", "model_name")
            )
            for sample in samples
            if {"orchestrator_address", "model_name"} <= sample.labels.keys()
        )
        table.add_row(name, str(len(samples)), str(max(one.values(), default=0)))
    console.print(table)


def main() -> None:
    """Fill both servers, ask every panel, print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orchestrators", type=int, default=100)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--scrape", type=int, default=30, help="seconds between two scrapes")
    parser.add_argument("--most", type=int, default=3, help="panels shown of each board")
    options = parser.parse_args()
    console = Console(width=110)
    last = 1_790_000_000 // DAY * DAY
    first = last - options.days * DAY
    found = targets(options.orchestrators)
    shown_by = {
        "livepeer-exporter": asyncio.run(exposed(found, last)),
        "livepeer-exporter-probe": list(probe(TESTER, last)),
    }
    count(console, shown_by, found)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        specs = list(specifications(shown_by))
        began = time.perf_counter()
        fill_prometheus(folder, specs, first, last, options.scrape)
        took = time.perf_counter() - began
        samples = sum(options.days * DAY // spec.get("pace", options.scrape) for spec in specs)
        console.print(f"Prometheus: {samples:,} samples of {len(specs):,} series in {took:.0f} s")
        with prometheus(folder, folder / "data") as prom, influx_server(folder) as influx:
            began = time.perf_counter()
            written = fill_influxdb(influx, points(found, shown_by, first, last))
            took = time.perf_counter() - began
            console.print(f"InfluxDB: {written:,} points in {took:.0f} s")
            for days in (options.days, 1):
                rows = ask(prom, influx, days, last, options.scrape)
                show(console, rows, f"{days} days" if days > 1 else "24 hours", options.most)


if __name__ == "__main__":
    main()

"""Whether serving disturbs measuring: the probe's event-loop lag while the station renders.

Run with `python -m benchmarks.isolation`; takes about a minute. Side by side in one run: the probe
testing alone, and the same while a station beside it is scraped without a pause for 50,000 lines
of metrics. The bound is a p99 of 2 ms. The simulated network and the scraper stand for other
machines, so they run only while what is measured does not want the processor (SCHED_IDLE).
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import msgspec

from benchmarks._processes import answer, process, until, write_config
from benchmarks._table import print_table
from benchmarks.jobs import lag_p99
from exporter.model import Measurement, Offer, Origin, Outcome, Phases, Supply, Target
from exporter.outbox import Outbox
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile

TARGETS = 2600
SECONDS = 20.0
MILLISECOND = 1_000_000


def main() -> None:
    """Measure each situation in a process of its own, since what has yielded cannot take back."""
    rows: list[list[str | int | float]] = []
    for beside in ("nothing", "station"):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.isolation", beside],
            check=True,
            stdout=subprocess.PIPE,
        )
        rows.append([beside, *json.loads(done.stdout)])
    print_table(
        "Event loop of the probe process; the station is scraped without a pause",
        ["beside it", "lines a scrape", "scrapes", "s a scrape", "lag p99 ms", "worst ms"],
        rows,
    )


async def one(beside: str) -> list[int | float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return await lag_while(
            folder / "probe", folder / "station" if beside == "station" else None
        )


async def lag_while(folder: Path, station: Path | None) -> list[int | float]:
    async with (
        SimulatedNetwork(12, profiles=[Profile.FAST]) as network,
        httpx.AsyncClient(trust_env=False, timeout=60) as client,
        AsyncExitStack() as stack,
    ):
        url = ""
        if station is not None:
            plain = write_config(network, station)
            url = f"http://{plain['station']['listen']}/metrics"
            await fill(Path(plain["data"]))
            config = str(station / "config.yaml")
            await stack.enter_async_context(
                process("station", "--config", config, log=station / "log")
            )
            await until(lambda: all_there(client, url), "the station has all targets")
        plain = write_config(network, folder, schedule={"interval": 5, "cold_interval": 5})
        probe = f"http://{plain['probe']['listen']}"
        config = str(folder / "config.yaml")
        await stack.enter_async_context(
            process("probe-process", "--together", "--config", config, log=folder / "log")
        )
        await until(lambda: answer(client, f"{probe}/readyz"), "the probe is ready")
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        if station is None:
            await asyncio.sleep(SECONDS)
            scraped: list[int | float] = [0, 0, 0.0]
        else:
            scraped = await scrape(client, url)
        return [*scraped, await lag_p99(client, probe) * 1000, await worst(client, probe)]


async def all_there(client: httpx.AsyncClient, url: str) -> bool:
    text = await answer(client, url)
    return text is not None and text.text.count("attempts_total{") >= TARGETS


async def scrape(client: httpx.AsyncClient, url: str) -> list[int | float]:
    """Scrape for a while without a pause; lines, scrapes, seconds each."""
    lines = scrapes = 0
    started = time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        text = await answer(client, url)
        lines = text.content.count(b"\n") if text else 0
        scrapes += 1
    return [lines, scrapes, (time.perf_counter() - started) / scrapes]


async def fill(data: Path) -> None:
    data.mkdir(parents=True)  # noqa: ASYNC240 - nothing else runs yet
    outbox = Outbox.open(data / "outbox.sqlite", max_bytes=2**30, keep_delivered=0)
    targets = [Target(f"0x{n:040x}", "llm", f"model-{n % 20}") for n in range(TARGETS)]
    offers = tuple(Offer(target=target, service_uri="http://h:1", warm=True) for target in targets)
    supply = Supply(offers=offers, sources=(), taken_at=time.time_ns())
    await outbox.publish("supply", msgspec.json.encode(supply))
    outcomes = [Outcome.OK, Outcome.WRONG_ANSWER, Outcome.CONNECTION_CLOSED, Outcome.NO_CAPACITY]
    for turn, outcome in enumerate(outcomes):
        await asyncio.gather(
            *(outbox.put(measurement(target, n, turn, outcome)) for n, target in enumerate(targets))
        )
    await outbox.close()


def measurement(target: Target, number: int, turn: int, outcome: Outcome) -> Measurement:
    phases = Phases(upload=MILLISECOND, inference=800 * MILLISECOND, download=2 * MILLISECOND)
    return Measurement(
        id=f"{turn}-{number}",
        origin=Origin.OWN,
        tester="demo",
        region="DEMO",
        orchestrator=target.orchestrator,
        pipeline=target.pipeline,
        model=target.model,
        started_at=time.time_ns(),
        outcome=outcome,
        phases=msgspec.structs.replace(phases, round_trip=803 * MILLISECOND),
    )


async def worst(client: httpx.AsyncClient, probe: str) -> float:
    metrics = await answer(client, f"{probe}/metrics")
    for line in (metrics.text if metrics else "").splitlines():
        if line.startswith('livepeer_ai_tester_probe_loop_lag_seconds{statistic="worst"}'):
            return float(line.split()[-1]) * 1000
    return 0.0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(asyncio.run(one(sys.argv[1]))))
    else:
        main()

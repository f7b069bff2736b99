"""Whether serving disturbs measuring: the probe's event-loop lag while the station renders.

Run with `python -m benchmarks.isolation`; takes about a minute. Side by side in one run: the probe
testing alone, and the same while a station beside it is scraped without a pause for 50,000 lines
of metrics. The bound is a p99 of 2 ms. The simulated network and the scraper stand for other
machines, so they yield the processor to what is measured.
"""

import asyncio
import os
import tempfile
import time
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


async def main() -> None:
    os.nice(15)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone = await lag_while(folder / "alone", None)
        rendering = await lag_while(folder / "probe", folder / "station")
    print_table(
        "Event loop of the probe process",
        ["beside it", "lines a scrape", "scrapes", "s a scrape", "lag p99 ms", "worst ms"],
        [["nothing", *alone], ["station, scraped without pause", *rendering]],
    )


async def lag_while(folder: Path, station: Path | None) -> list[int | float]:
    async with (
        SimulatedNetwork(12, profiles=[Profile.FAST]) as network,
        httpx.AsyncClient(trust_env=False, timeout=60) as client,
    ):
        plain = write_config(network, folder, schedule={"interval": 5, "cold_interval": 5})
        probe = f"http://{plain['probe']['listen']}"
        arguments = ("probe-process", "--together", "--config", str(folder / "config.yaml"))
        async with process(*arguments, log=folder / "log"):
            await until(lambda: answer(client, f"{probe}/readyz"), "the probe is ready")
            if station is None:
                await asyncio.sleep(SECONDS)
                scraped: list[int | float] = [0, 0, 0.0]
            else:
                scraped = await scrape(network, station, client)
            return [*scraped, await lag_p99(client, probe) * 1000, await worst(client, probe)]


async def scrape(
    network: SimulatedNetwork, folder: Path, client: httpx.AsyncClient
) -> list[int | float]:
    """Fill a station with targets and scrape it for a while; lines, scrapes, seconds each."""
    plain = write_config(network, folder)
    await fill(Path(plain["data"]))
    url = f"http://{plain['station']['listen']}/metrics"
    async with process("station", "--config", str(folder / "config.yaml"), log=folder / "log"):

        async def all_there() -> bool:
            text = await answer(client, url)
            return text is not None and text.text.count("attempts_total{") >= TARGETS

        await until(all_there, "the station has all targets")
        lines = scrapes = 0
        started = time.perf_counter()
        while time.perf_counter() - started < SECONDS:
            text = await answer(client, url)
            lines = text.text.count("\n") if text else 0
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
    asyncio.run(main())

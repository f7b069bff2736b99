"""How long until a person gets an answer: `--help`, and from `run` to ready.

Run with `python -m benchmarks.startup`; takes about 20 seconds.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks._processes import answer, process, until, write_config
from benchmarks._table import print_table
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile

TIMES = 5


async def main() -> None:
    help_seconds = [help_once() for _ in range(TIMES)]
    ready = [await ready_once() for _ in range(TIMES)]
    rows: list[list[str | int | float]] = [
        ["--help", *summary(help_seconds)],
        ["run: probe ready", *summary([probe for probe, _ in ready])],
        ["run: station ready", *summary([station for _, station in ready])],
    ]
    print_table(f"Start, milliseconds, {TIMES} times", ["what", "median", "worst"], rows)


def summary(seconds: list[float]) -> list[float]:
    return [statistics.median(seconds) * 1000, max(seconds) * 1000]


def help_once() -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "exporter", "--help"], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


async def ready_once() -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with SimulatedNetwork(12, profiles=[Profile.FAST]) as network:
            plain = write_config(network, folder)
            started = time.perf_counter()
            async with (
                process("run", "--config", str(folder / "config.yaml"), log=folder / "log"),
                httpx.AsyncClient(trust_env=False) as client,
            ):

                async def ready(role: str) -> float:
                    url = f"http://{plain[role]['listen']}/readyz"
                    await until(lambda: answer(client, url), f"{role} is ready")
                    return time.perf_counter() - started

                return await asyncio.gather(ready("probe"), ready("station"))


if __name__ == "__main__":
    asyncio.run(main())

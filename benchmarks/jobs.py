"""What jobs cost the probe process: CPU per job, and memory with 200 of them in flight.

Run with `python -m benchmarks.jobs`; takes about a minute. The network is simulated in this
process, the probe runs in its own, so the figures are the probe's alone; its proof workers are
processes of their own and shown beside it.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks._processes import answer, cpu, process, until, write_config
from benchmarks._table import print_table
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile

IN_FLIGHT = 200
MEMORY_LIMIT = 250
"""Megabytes that the probe process may have, by the project's own bound."""
MEGABYTE = 1e6


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [await measure(Path(folder) / "run")]
    print_table(
        f"Probe process with {IN_FLIGHT} orchestrators tested at once (memory bound: "
        f"{MEMORY_LIMIT} MB)",
        ["in flight", "jobs", "ok", "CPU ms/job", "probe RSS MB", "workers RSS MB", "lag p99 ms"],
        rows,
    )


async def measure(folder: Path) -> list[int | float]:
    async with SimulatedNetwork(IN_FLIGHT, profiles=[Profile.SLOW], speed=0.2) as network:
        plain = write_config(
            network,
            folder,
            schedule={"interval": 3600, "cold_interval": 3600, "max_parallel": IN_FLIGHT},
            limits={"inference": 120},
            lanes=[{"kind": "direct"}],
            pipelines={"text-to-image": {"defaults": {"width": 64, "height": 64}}},
        )
        probe_url = f"http://{plain['probe']['listen']}"
        arguments = ("probe-process", "--once", "--config", str(folder / "config.yaml"))
        async with (
            process(*arguments, log=folder / "log") as probe,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            return await watch(probe, client, probe_url)


async def watch(
    probe: psutil.Process, client: httpx.AsyncClient, probe_url: str
) -> list[int | float]:
    await until(lambda: answer(client, f"{probe_url}/readyz"), "the probe is ready")
    cpu_before = cpu(probe)
    most, memory, workers, lag = 0, 0.0, 0.0, 0.0
    report: dict[str, Any] = {}
    while True:
        status = await answer(client, f"{probe_url}/status")
        if status is None:
            break
        report = status.json()
        running = len(report["running"])
        if running >= most:
            most = running
            memory = max(memory, probe.memory_info().rss / MEGABYTE)
            workers = sum(child.memory_info().rss for child in probe.children(recursive=True))
        cpu_after = cpu(probe)
        lag = await lag_p99(client, probe_url)
        if report["round"] and report["round"]["left"] == 0:
            break
        await asyncio.sleep(0.5)
    jobs = max(report["jobs_done"], 1)
    return [
        most,
        jobs,
        report["outcomes"].get("ok", 0),
        (cpu_after - cpu_before) / jobs * 1000,
        memory,
        workers / MEGABYTE,
        lag * 1000,
    ]


async def lag_p99(client: httpx.AsyncClient, probe_url: str) -> float:
    metrics = await answer(client, f"{probe_url}/metrics")
    for line in (metrics.text if metrics else "").splitlines():
        if line.startswith('livepeer_ai_tester_probe_loop_lag_seconds{statistic="p99"}'):
            return float(line.split()[-1])
    return 0.0


if __name__ == "__main__":
    asyncio.run(main())

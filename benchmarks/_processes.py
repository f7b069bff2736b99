"""Starts the program's processes for a benchmark and asks them how they do."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from exporter.simulation.network import SimulatedNetwork

POLL = 0.02
PATIENCE = 120.0


@asynccontextmanager
async def process(*arguments: str, log: Path) -> AsyncIterator[psutil.Process]:
    """Run `livepeer-exporter ARGUMENTS` for the length of the block."""
    with log.open("ab") as stream:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "exporter", *arguments, stderr=stream, stdout=stream
        )
    try:
        yield psutil.Process(child.pid)
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


def write_config(
    network: SimulatedNetwork,
    folder: Path,
    **overrides: Any,  # noqa: ANN401 - any setting
) -> dict[str, Any]:
    """Write `config.yaml` for the network into the folder; gives the settings as plain data."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = network.settings(folder / "data", 0, **{"log": {"format": "json"}, **overrides})
    (folder / "config.yaml").write_text(yaml.safe_dump(plain), encoding="utf-8")
    return plain


async def answer(client: httpx.AsyncClient, url: str) -> httpx.Response | None:
    """The answer of a URL if it is 200; `None` while it is not."""
    try:
        response = await client.get(url)
    except httpx.TransportError:
        return None
    return response if response.status_code == httpx.codes.OK else None


def cpu(process: psutil.Process) -> float:
    """Seconds of processor time that it has used itself."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> float:
    """Wait until the condition gives something true; gives the seconds that took."""
    started = time.perf_counter()
    while time.perf_counter() - started < PATIENCE:
        if await condition():
            return time.perf_counter() - started
        await asyncio.sleep(POLL)
    raise TimeoutError(what)

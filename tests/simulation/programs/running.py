"""Programs of the simulation as the tests run them: real processes on free ports."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from exporter.simulation.node import SimulatedNode
from exporter.simulation.runner import NINE, Runner, RunnerFault
from tests.waiting import eventually

DEADLINE = 20.0
MODEL = NINE[0].model
PICTURE = {"model_id": MODEL, "prompt": "a lighthouse", "width": 64, "height": 64}


def free_ports(count: int) -> list[int]:
    taken = [socket.socket() for _ in range(count)]
    try:
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in taken]
    finally:
        for one in taken:
            one.close()


class Program:
    """A process, what it has written so far, and how it ended."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """Its standard error."""
        return self._log.read_text()

    async def ended(self) -> int:
        """Wait for its end; negative for the signal that it died of."""
        async with asyncio.timeout(DEADLINE):
            return await self.process.wait()

    async def output(self) -> str:
        """Its standard output, to the end."""
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            return (await self.process.stdout.read()).decode()


@asynccontextmanager
async def program(
    folder: Path, kind: str, *words: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Program]:
    """Run `simulate KIND WORDS`; killed at the end, if it still runs then."""
    log = folder / f"{kind}.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "exporter", "simulate", kind, *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **(environ or {})},
        )
    try:
        yield Program(process, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def run(folder: Path, kind: str, *words: str) -> tuple[int, str, str]:
    """Run a program to its end: exit code, standard output, standard error."""
    async with program(folder, kind, *words) as running:
        output = await running.output()
        return await running.ended(), output, running.log


class Gateway:
    """A gateway's process, its ports, and the node that it is pinned to."""

    def __init__(self, running: Program, ports: list[int], runner: Runner) -> None:
        self.running = running
        self.http, self.cli, self.rtmp = ports
        self.runner = runner

    async def job(self, *, timeout: float = 10) -> httpx.Response:
        """Run a job for a picture. Raises `httpx.TransportError`."""
        async with httpx.AsyncClient(timeout=timeout, trust_env=False) as client:
            return await client.post(f"http://127.0.0.1:{self.http}/text-to-image", json=PICTURE)

    async def status(self, *, timeout: float = 10) -> httpx.Response:
        """Ask the CLI port for its status. Raises `httpx.TransportError`."""
        async with httpx.AsyncClient(timeout=timeout, trust_env=False) as client:
            return await client.get(f"http://127.0.0.1:{self.cli}/status")


def words(ports: list[int], node: str, folder: Path) -> list[str]:
    """The flags that a managed lane gives to its gateway."""
    http, cli, rtmp = (f"127.0.0.1:{port}" for port in ports)
    return [
        *("-gateway", "-network", "offchain"),
        *("-httpAddr", http, "-cliAddr", cli, "-rtmpAddr", rtmp),
        *("-dataDir", str(folder / "data"), "-v", "5"),
        *("-aiProcessingRetryTimeout", "1ms", "-orchAddr", node),
    ]


@asynccontextmanager
async def a_gateway(
    folder: Path,
    *more: str,
    fault: RunnerFault | None = None,
    environ: Mapping[str, str] | None = None,
    listens: bool = True,
) -> AsyncIterator[Gateway]:
    """A gateway as a process, pinned to a node in this one; waits until it listens."""
    runner = Runner(fault=fault)
    node = SimulatedNode(runner, priced=True)
    await node.start()
    ports = free_ports(3)
    flags = [*more, *words(ports, node.url, folder)]
    try:
        async with program(folder, "gateway", *flags, environ=environ) as running:
            gateway = Gateway(running, ports, runner)
            if listens:
                await eventually(lambda: all_listen(ports[:2]))
            yield gateway
    finally:
        await node.stop()


async def all_listen(ports: list[int]) -> bool:
    """Whether connections to all of these ports are accepted."""
    for port in ports:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
    return True

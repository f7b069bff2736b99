"""Starts the program as a person would, and watches it from outside."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from exporter.simulation.network import SimulatedNetwork

POLL = 0.02
PATIENCE = 60.0
LAST_WORDS = 5.0
"""Seconds in which those who were killed along with a command let go of its output."""


def events(log: Path) -> list[dict[str, Any]]:
    """The whole lines of a log; a killed process may leave one cut off."""
    found = []
    for line in log.read_bytes().split(b"\n"):
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def jobs_done(log: Path) -> list[str]:
    """Ids of the jobs that the probe called done, in a log of level debug."""
    return [event["id"] for event in events(log) if event["event"] == "job done"]


class Service:
    """One running command of the program, its log and the processes below it."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log

    def events(self) -> list[dict[str, Any]]:
        """The whole lines of the log so far."""
        return events(self._log)

    def jobs_done(self) -> list[str]:
        """Ids of the jobs that the probe called done."""
        return jobs_done(self._log)

    def family(self) -> list[psutil.Process]:
        """The process and all below it; nobody where it has ended."""
        try:
            process = psutil.Process(self.process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; gives the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


def kill_9(family: Iterable[psutil.Process], whom: str) -> None:
    """Kill the probe, or everybody, with SIGKILL; who has ended meanwhile has ended."""
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            if whom == "everybody" or "probe-process" in process.cmdline():
                process.send_signal(signal.SIGKILL)


@asynccontextmanager
async def running(
    *arguments: str,
    log: Path,
    output_to_log: bool = False,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[Service]:
    """Run `livepeer-exporter ARGUMENTS` for the length of the block; standard error is the log."""
    with log.open("ab") as stream:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "exporter",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stream if output_to_log else asyncio.subprocess.PIPE,
            stderr=stream,
            env=environment(**(variables or {})),
        )
    service = Service(process, log)
    try:
        yield service
    finally:
        if process.returncode is None:
            for member in reversed(service.family()):
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
        await process.wait()
        if process.stdout is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    await process.stdout.read()


async def command(
    *arguments: str, patience: float = PATIENCE, **variables: str
) -> tuple[int, str, str]:
    """Run a command to its end; gives exit code, output and error output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "exporter",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(**variables),
    )
    async with asyncio.timeout(patience):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def environment(**variables: str) -> dict[str, str]:
    """The environment without settings of ours."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LIVEPEER_EXPORTER_")}
    return kept | variables


def write_config(network: SimulatedNetwork, folder: Path, **overrides: Any) -> tuple[Path, Any]:
    """Write settings for the network into the folder; gives the file and the plain settings."""
    log = {"format": "json", "level": "debug"}
    plain = network.settings(folder / "data", 0, **{"log": log, **overrides})
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(plain), encoding="utf-8")
    return path, plain


async def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait until the condition gives something true, and give that."""
    try:
        async with asyncio.timeout(patience):
            while True:
                if found := condition():
                    return found
                await asyncio.sleep(POLL)
    except TimeoutError:
        raise AssertionError(f"not within {patience:g} s: {what}") from None


async def station_of_demo(log: Path) -> str:
    """Wait until a demo, which was left to choose its ports, says where its station is."""
    said = re.compile(r"^station (\S+) ", re.MULTILINE)
    found: re.Match[str] = await until(lambda: said.search(log.read_text()), "the demo serves")
    return found[1]


async def until_answered(url: str, *, status: int = 200) -> httpx.Response:
    """Wait until the URL answers with the status."""
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        answer = await client.get(url)
                        if answer.status_code == status:
                            return answer
                    except httpx.TransportError:
                        pass
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise AssertionError(f"{url} did not answer {status}") from None


def gone(processes: Iterable[psutil.Process]) -> bool:
    """Whether none of the processes is alive."""
    return not any(_alive(process) for process in processes)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False

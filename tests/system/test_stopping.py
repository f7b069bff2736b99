"""What becomes of running jobs, of exit codes and of the log when the service is stopped."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from tests.system.service import (
    Service,
    environment,
    gone,
    running,
    until,
    until_answered,
    write_config,
)

pytestmark = pytest.mark.system

SPREAD = {"interval": 3.0, "cold_interval": 3.0}
ALONE = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc")


@asynccontextmanager
async def in_a_group(*arguments: str, log: Path, before: tuple[str, ...] = ()) -> Any:
    """Run the service as a terminal does: the first of a process group."""
    with log.open("ab") as stream:
        process = await asyncio.create_subprocess_exec(
            *before,
            sys.executable,
            "-m",
            "exporter",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=stream,
            env=environment(),
            process_group=0,
        )
    service = Service(process, log)
    try:
        yield service
    finally:
        if process.returncode is None:
            for member in reversed(service.family()):
                member.kill()
        await process.wait()


@asynccontextmanager
async def serving(
    network: SimulatedNetwork, folder: Path, before: tuple[str, ...] = (), **overrides: Any
) -> AsyncIterator[Service]:
    """The whole service, with jobs done already."""
    config, plain = write_config(network, folder, **overrides)
    arguments = ("run", "--together", "--config", str(config))
    async with in_a_group(*arguments, log=folder / "log", before=before) as service:
        await until_answered(f"http://{plain['station']['listen']}/healthz")
        await until(service.jobs_done, "jobs get done")
        yield service


def in_flight(network: SimulatedNetwork) -> bool:
    return any(o.in_flight(model) for o in network.orchestrators for model in o.member.models)


def jobs_in(service: Service) -> list[str]:
    return [event["outcome"] for event in service.events() if event["event"] == "job done"]


def probe_of(service: Service) -> psutil.Process | None:
    for member in service.family():
        try:
            if "probe-process" in member.cmdline():
                return member
        except psutil.NoSuchProcess:
            continue
    return None


def strays(log: Path) -> list[str]:
    """Lines of the log that are none, but for the last, which may be cut off."""
    found = []
    for line in log.read_text().split("\n")[:-1]:
        try:
            json.loads(line)
        except ValueError:
            found.append(line)
    return found


async def test_a_stop_lets_running_jobs_end_and_starts_no_further_one(tmp_path: Path) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.SLOW], speed=0.8) as network:
        config, _ = write_config(network, tmp_path, schedule={**SPREAD, "drain": 10.0})
        async with running("run", "--config", str(config), log=tmp_path / "log") as it:
            await until(lambda: in_flight(network), "a job runs")
            family, done, told = it.family(), len(jobs_in(it)), time.monotonic()
            assert await it.stop() == 0
            took = time.monotonic() - told
        assert gone(family)
        outcomes = jobs_in(it)
    assert outcomes[done:] == ["ok"]
    assert took < 10, "it waits no longer than the job does"


async def test_a_stop_cancels_what_still_runs_when_the_drain_is_over(tmp_path: Path) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.HANGING]) as network:
        config, _ = write_config(
            network, tmp_path, schedule={**SPREAD, "drain": 2.0}, limits={"inference": 600}
        )
        async with running("run", "--config", str(config), log=tmp_path / "log") as it:
            await until(lambda: in_flight(network), "a job hangs")
            told = time.monotonic()
            assert await it.stop() == 0
            took = time.monotonic() - told
    assert jobs_in(it) == ["cancelled"]
    assert took >= 2


async def test_signals_without_end_do_not_change_the_exit_code(tmp_path: Path) -> None:
    async with (
        SimulatedNetwork(2, profiles=[Profile.FAST], speed=10) as network,
        serving(network, tmp_path) as it,
    ):
        ending = asyncio.create_task(it.process.wait())
        while not ending.done():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                # Not by `send_signal`, which reaps a process that has ended and loses its code.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(it.process.pid, number)
            await asyncio.wait([ending], timeout=0.005)
        assert await ending == 0


async def test_a_terminal_that_closes_leaves_no_trace_in_the_log(tmp_path: Path) -> None:
    async with (
        SimulatedNetwork(2, profiles=[Profile.FAST], speed=10) as network,
        serving(network, tmp_path) as it,
    ):
        family = it.family()
        os.killpg(it.process.pid, signal.SIGHUP)
        async with asyncio.timeout(30):
            assert await it.process.wait() == 0
        await until(lambda: gone(family), "nobody is left over")
    assert strays(tmp_path / "log") == []


async def test_a_probe_that_is_killed_leaves_only_lines_in_the_log(tmp_path: Path) -> None:
    async with (
        SimulatedNetwork(2, profiles=[Profile.FAST], speed=10) as network,
        serving(network, tmp_path) as it,
    ):
        probe = probe_of(it)
        assert probe is not None
        family = [probe, *probe.children(recursive=True)]
        assert len(family) > 1
        probe.kill()
        await until(lambda: gone(family), "its helpers end, too")
        assert await it.stop() == 0
    assert strays(tmp_path / "log") == []


async def test_the_first_process_of_a_container_leaves_no_zombies(tmp_path: Path) -> None:
    if shutil.which(ALONE[0]) is None or not _works(*ALONE, "true"):
        pytest.skip("no process id namespace can be made here")
    async with (
        SimulatedNetwork(2, profiles=[Profile.FAST], speed=10) as network,
        serving(network, tmp_path, before=ALONE) as it,
    ):
        for _ in range(2):
            probe = await until(lambda: probe_of(it), "there is a probe")
            helpers = probe.children(recursive=True)
            done = len(it.jobs_done())
            probe.kill()
            await until(
                lambda: not any(helper.is_running() for helper in helpers),  # noqa: B023 - awaited
                "its helpers are gone for good",
            )
            await until(lambda: len(it.jobs_done()) > done, "another probe works")  # noqa: B023 - awaited
        (first,) = psutil.Process(it.process.pid).children()
        zombies = [p for p in first.children() if p.status() == psutil.STATUS_ZOMBIE]
        assert zombies == []
        codes = [event["code"] for event in it.events() if "unexpectedly" in event["event"]]
        assert codes == [-signal.SIGKILL] * 2
        first.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await it.process.wait() == 0


def _works(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True, timeout=10).returncode == 0

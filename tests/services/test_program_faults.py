"""The whole program while InfluxDB is away, the clock is set back or the disk is full."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from exporter import probe, station
from exporter.settings import Settings
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from tests.filesystems import small_disk
from tests.services.influx_server import InfluxServer, section
from tests.system.killing import account, count_from_one, delivered
from tests.system.service import (
    PATIENCE,
    events,
    jobs_done,
    running,
    until,
    until_answered,
    write_config,
)

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

HOUR = 3600
NOT_STORED = "measurements cannot be stored"
NOT_PUBLISHED = "no progress published"
EVERY_SECOND = {"interval": 1.0, "cold_interval": 1.0, "drain": 2.0}


def on(server: InfluxServer, bucket: str) -> dict[str, Any]:
    server.bucket(bucket)
    return {"kind": "influxdb", "influxdb": section(server, bucket)}


async def test_a_store_that_is_away_for_whole_rounds_costs_nothing(
    server: InfluxServer, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with SimulatedNetwork(4, profiles=[Profile.FAST], speed=10) as network:
        config, plain = write_config(
            network, tmp_path, schedule=EVERY_SECOND, store=on(server, "away")
        )
        settings = Settings.model_validate(plain)
        url = f"http://{plain['station']['listen']}"
        await count_from_one(settings.data)
        async with running("run", "--together", "--config", str(config), log=log) as program:
            await until_answered(f"{url}/readyz")
            server.kill()
            done = rounds_done(log)
            await until(lambda: rounds_done(log) >= done + 2, "the probe goes on for a round")
            unready = await until_answered(f"{url}/readyz", status=503)
            said = f"{server.url}: nobody listens there; is InfluxDB running?"
            assert f"store: {said}" in unready.json()["reasons"]
            metrics = (await until_answered(f"{url}/metrics")).text
            assert "livepeer_ai_job_attempts_total{" in metrics
            assert 'livepeer_ai_tester_consumer_up{consumer="store"} 0.0' in metrics
            await asyncio.to_thread(server.start)
            await until_answered(f"{url}/readyz")
            await delivered(settings.data)
            assert await program.stop() == 0
    await account(settings, jobs_done(log))


def rounds_done(log: Path) -> int:
    return sum(event["event"] == "round done" for event in events(log))


async def test_a_full_disk_while_the_store_is_away_loses_nothing_that_was_done(
    server: InfluxServer, tmp_path: Path
) -> None:
    log, disk = tmp_path / "log", tmp_path / "disk"
    disk.mkdir()
    async with SimulatedNetwork(3, profiles=[Profile.FAST], speed=10) as network:
        with small_disk(disk, kilobytes=16_384):
            config, plain = write_config(
                network, disk, schedule=EVERY_SECOND, store=on(server, "full disk")
            )
            settings = Settings.model_validate(plain)
            await count_from_one(settings.data)
            async with running("run", "--together", "--config", str(config), log=log) as program:
                await until(lambda: jobs_done(log), "jobs get done")
                server.kill()
                await until_full(log, disk, heartbeats=0)
                await until_full(log, disk, heartbeats=2)  # what had begun has ended
                begun = len(network.record)
                await until_full(log, disk, heartbeats=2)
                assert len(network.record) == begun, "a job began that could not be stored"
                url = f"http://{plain['station']['listen']}/readyz"
                unready = await until_answered(url, status=503)
                assert "its disk is full" in unready.json()["checks"]["outbox"]
                done = len(jobs_done(log))
                (disk / "filler").unlink()
                await until(
                    lambda: len(jobs_done(log)) > done + len(network.targets),
                    "jobs get done again",
                )
                await asyncio.to_thread(server.start)
                await until_answered(url)
                await delivered(settings.data)
                assert await program.stop() == 0
            told = [one["event"] for one in events(log)]
            assert any(text.startswith(NOT_STORED) for text in told)
            assert "measurements are stored again" in told
            await account(settings, jobs_done(log))


def fill(disk: Path) -> None:
    """Take all the room that is left."""
    with (disk / "filler").open("ab", buffering=0) as filler:
        for size in (2**20, 4096, 1):
            with contextlib.suppress(OSError):
                while filler.write(bytes(size)):
                    pass


async def until_full(log: Path, disk: Path, heartbeats: int) -> None:
    """Keep the disk full until the probe found it so and could not tell of itself so often."""
    before = sum(event["event"].startswith(NOT_PUBLISHED) for event in events(log))

    def found() -> bool:
        fill(disk)
        told = [event["event"] for event in events(log)]
        silent = sum(text.startswith(NOT_PUBLISHED) for text in told)
        return any(text.startswith(NOT_STORED) for text in told) and silent >= before + heartbeats

    await until(found, "the disk is full")


class Serve(Protocol):
    """How a process of the program is run inside of this one."""

    async def __call__(
        self, settings: Settings, *, stop: asyncio.Event, on_ready: Callable[[str], None]
    ) -> None: ...


@asynccontextmanager
async def serving(serve: Serve, settings: Settings) -> AsyncIterator[str]:
    """Run the probe or the station for the length of the block; gives its base URL."""
    stop, url = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(settings, stop=stop, on_ready=url.set_result))
    try:
        await asyncio.wait([task, url], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield await url
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await task


@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
async def test_a_clock_that_is_set_back_loses_nothing_and_keeps_what_comes_after_what(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    store: dict[str, Any] = {"kind": kind}
    if kind == "influxdb":
        store = on(request.getfixturevalue("server"), "clock")
    mix = [Profile.FLAKY, Profile.DEAD, Profile.FAST, Profile.LYING]
    async with SimulatedNetwork(8, seed=4, profiles=mix, speed=10) as network:
        plain = network.settings(tmp_path / "data", 0, schedule=EVERY_SECOND, store=store)
        settings = Settings.model_validate(plain)
        await count_from_one(settings.data)
        async with serving(station.serve, settings) as url:
            async with serving(probe.serve, settings):
                jobs = 2 * len(network.targets)
                await until(lambda: len(network.record) > jobs, "jobs get done")
                moments, stamps = time.time, time.time_ns
                monkeypatch.setattr(time, "time", lambda: moments() - HOUR)
                monkeypatch.setattr(time, "time_ns", lambda: stamps() - HOUR * 10**9)
                jobs = len(network.record) + 3 * len(network.targets)
                await until(lambda: len(network.record) > jobs, "jobs get done an hour ago")
            await delivered(settings.data)
            before = await kept(url)
        async with serving(station.serve, settings) as url:
            after = await kept(url)
    assert any(not line.endswith(" 0.0") for line in before if "consecutive" in line)
    assert after == before
    await account(settings, [])


async def kept(url: str) -> list[str]:
    """What is restored from the store of each target, once all consumers have everything."""
    names = (
        "livepeer_ai_job_consecutive_failures{",
        "livepeer_ai_job_last_success_timestamp_seconds{",
        "livepeer_ai_job_last_attempt_timestamp_seconds{",
    )
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient(trust_env=False) as client:
        while True:
            text = (await client.get(f"{url}/metrics")).text
            lags = [line for line in text.splitlines() if "tester_consumer_lag{" in line]
            if lags and all(line.endswith(" 0.0") for line in lags):
                return sorted(line for line in text.splitlines() if line.startswith(names))
            await asyncio.sleep(0.1)

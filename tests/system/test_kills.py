"""A process that is killed loses no job that was done, and stores none twice."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from exporter.data_folder import DataFolder
from exporter.outbox import Outbox
from exporter.run import Supervisor
from exporter.settings import Settings
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from exporter.stores.embedded import EmbeddedStore
from tests.system.service import jobs_done, running, until, until_answered, write_config

pytestmark = pytest.mark.system

KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("KILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
MIX = [Profile.FAST, Profile.FLAKY, Profile.BUSY, Profile.DEAD, Profile.LYING, Profile.FAST]


@pytest.mark.timeout(600)
async def test_kill_9_of_either_process_in_mid_round_loses_no_job_and_doubles_none(
    tmp_path: Path,
) -> None:
    print(f"KILLS={KILLS} KILL_SEED={SEED}")  # noqa: T201 - to repeat a failure
    rng = random.Random(SEED)
    log = tmp_path / "log"
    async with SimulatedNetwork(12, seed=2, profiles=MIX, speed=8) as network:
        config, plain = write_config(
            network, tmp_path, schedule={"interval": 1.0, "cold_interval": 1.0, "drain": 2.0}
        )
        await count_from_one(Path(plain["data"]))
        with log.open("ab") as stream:
            supervisor = Supervisor(
                config,
                Settings.model_validate(plain),
                once=False,
                together=True,
                log_to=stream,
                longest_pause=0.2,
            )
            stop = asyncio.Event()
            service = asyncio.create_task(supervisor.serve(stop))
            for _ in range(KILLS):
                await kill_in_mid_round(supervisor, log, rng)
            done = len(jobs_done(log))
            await until(lambda: len(jobs_done(log)) > done, "jobs go on after the last kill")
            stop.set()
            await service
        assert supervisor.code == 0
    async with running("station", "--config", str(config), log=tmp_path / "station.log") as station:
        await until_answered(f"http://{plain['station']['listen']}/healthz")
        await delivered(Path(plain["data"]))
        assert await station.stop() == 0
    await account(Path(plain["data"]), set(jobs_done(log)))


async def kill_in_mid_round(supervisor: Supervisor, log: Path, rng: random.Random) -> None:
    """Kill one of the two some jobs further on, and wait until its successor runs."""
    child = rng.choice([supervisor.probe, supervisor.station])
    mark = len(jobs_done(log)) + rng.randrange(1, 12)
    await until(lambda: len(jobs_done(log)) >= mark, "jobs get done")
    await asyncio.sleep(rng.random() * 0.05)
    pid = child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: child.pid not in (None, pid), f"{child.role} is started again")


async def count_from_one(data: Path) -> None:
    """Make the outbox beforehand, so that its last number is how many jobs were committed."""
    DataFolder.open(data, "probe").close()
    outbox = Outbox.open(data / "outbox.sqlite", max_bytes=2**30, keep_delivered=0, clock=lambda: 0)
    await outbox.close()


async def delivered(data: Path) -> None:
    outbox = Outbox.open(data / "outbox.sqlite", max_bytes=2**30, keep_delivered=0)
    try:
        async with asyncio.timeout(60):
            while await outbox.pending(await outbox.cursor("store")):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
    finally:
        await outbox.close()


async def account(data: Path, done: set[str]) -> None:
    """Count jobs done against jobs stored."""
    outbox = Outbox.open(data / "outbox.sqlite", max_bytes=2**30, keep_delivered=0)
    committed = await outbox.last()
    await outbox.close()
    store = EmbeddedStore.open(data / "store.duckdb", memory_limit=2**28)
    stored = await stored_ids(store)
    await store.close()
    print(f"done {len(done)}, committed {committed}, stored {len(stored)}")  # noqa: T201 - the count
    assert len(stored) == len(set(stored)), "a job is stored twice"
    assert len(stored) == committed, "a committed job is missing"
    assert done <= set(stored), "a job that was done is missing"
    assert len(done) > KILLS


async def stored_ids(store: EmbeddedStore) -> list[str]:
    from exporter.stores import Where, Window

    everything = Window(0, 2**62)
    return [m.id for m in await store.measurements(everything, Where(), 10**6)]

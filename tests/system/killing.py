"""Kills processes of the whole program in mid-round and counts what is stored, with any store."""

import asyncio
import os
import random
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporter.data_folder import DataFolder
from exporter.opening import open_store
from exporter.outbox import Outbox
from exporter.run import Supervisor
from exporter.settings import Settings
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from tests.stored import stored_ids
from tests.system.service import jobs_done, running, until, until_answered, write_config

KILLS = int(os.environ.get("KILLS", "5"))
SEED = int(os.environ.get("KILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
MIX = [Profile.FAST, Profile.FLAKY, Profile.BUSY, Profile.DEAD, Profile.LYING, Profile.FAST]
LONGEST = 60 + 12 * KILLS
"""Seconds that a run may take, on a machine that is busy with something else too."""


async def kill_and_count(folder: Path, store: Mapping[str, Any]) -> None:
    """Let the program work, kill one of its processes again and again, then account for all jobs.

    `store` is that section of the settings.
    """
    print(f"store={store['kind']} KILLS={KILLS} KILL_SEED={SEED}")  # noqa: T201 - to repeat it
    rng = random.Random(SEED)
    log = folder / "log"
    async with SimulatedNetwork(12, seed=2, profiles=MIX, speed=8) as network:
        config, plain = write_config(
            network,
            folder,
            schedule={"interval": 1.0, "cold_interval": 1.0, "drain": 2.0},
            store=dict(store),
        )
        settings = Settings.model_validate(plain)
        await count_from_one(settings.data)
        with log.open("ab") as stream:
            supervisor = Supervisor(
                config, settings, once=False, together=True, log_to=stream, longest_pause=0.2
            )
            stop = asyncio.Event()
            service = asyncio.create_task(supervisor.serve(stop))
            killed = [await kill_in_mid_round(supervisor, log, rng) for _ in range(KILLS)]
            done = len(jobs_done(log))
            await until(lambda: len(jobs_done(log)) > done, "jobs go on after the last kill")
            stop.set()
            await service
        assert supervisor.code == 0
    async with running("station", "--config", str(config), log=folder / "station.log") as station:
        await until_answered(f"http://{plain['station']['listen']}/healthz")
        await delivered(settings.data)
        assert await station.stop() == 0
    print(f"killed: {killed.count('probe')} x probe, {killed.count('station')} x station")  # noqa: T201 - the count
    done_in_all = jobs_done(log)
    assert len(done_in_all) > KILLS
    await account(settings, done_in_all)


async def kill_in_mid_round(supervisor: Supervisor, log: Path, rng: random.Random) -> str:
    """Kill one of the two some jobs further on, and wait until its successor runs; gives which."""
    child = rng.choice([supervisor.probe, supervisor.station])
    mark = len(jobs_done(log)) + rng.randrange(1, 12)
    await until(lambda: len(jobs_done(log)) >= mark, "jobs get done")
    await asyncio.sleep(rng.random() * 0.05)
    pid = child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: child.pid not in (None, pid), f"{child.role} is started again")
    return child.role


async def count_from_one(data: Path) -> None:
    """Make the outbox beforehand, so that its last number is how many jobs were committed."""
    DataFolder.open(data, "probe").close()
    outbox = Outbox.open(data / "outbox.sqlite", max_bytes=2**30, keep_delivered=0, clock=lambda: 0)
    await outbox.close()


async def delivered(data: Path) -> None:
    """Wait until the store has everything that is in the outbox."""
    outbox = Outbox.open(data / "outbox.sqlite", max_bytes=2**30, keep_delivered=0)
    try:
        async with asyncio.timeout(60):
            while await outbox.pending(await outbox.cursor("store")):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
    finally:
        await outbox.close()


async def account(settings: Settings, done: list[str]) -> None:
    """Count jobs done against jobs stored."""
    outbox = Outbox.open(settings.data / "outbox.sqlite", max_bytes=2**30, keep_delivered=0)
    committed, letters = await outbox.last(), await outbox.dead_letters()
    await outbox.close()
    async with open_store(settings) as store:
        stored, count = await stored_ids(store), await store.count()
    print(f"done {len(done)}, committed {committed}, stored {len(stored)}")  # noqa: T201 - the count
    assert len(done) == len(set(done)), "a job was done twice"
    assert len(stored) == len(set(stored)), "a job is stored twice"
    assert len(stored) == count == committed, "a committed job is missing"
    assert set(done) <= set(stored), "a job that was done is missing"
    assert letters == {}

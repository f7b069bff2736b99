"""The whole service over managed lanes: everybody gets what he deserves, and nothing is left."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from exporter.exit_code import ENVIRONMENT
from exporter.model import LaneKind, Measurement
from exporter.outbox import Outbox
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import MANAGED_MIX, Profile
from exporter.simulation.profiles import Act
from tests.system.service import PATIENCE, kill_9, running, until, write_config

pytestmark = pytest.mark.system


async def measured(data: Path) -> list[Measurement]:
    outbox = Outbox.open(data / "outbox.sqlite", max_bytes=2**30, keep_delivered=10_000)
    try:
        return [measurement for _, measurement in await outbox.tail(10_000)]
    finally:
        await outbox.close()


def gateways(data: Path) -> list[psutil.Process]:
    """The gateways that run the program in this data folder."""
    found = []
    for process in psutil.process_iter():
        try:
            at_home = str(data) in " ".join(process.environ().values())
            if at_home and "simulate" in process.cmdline():
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def done_in(network: SimulatedNetwork, one: Measurement, others: list[Measurement]) -> set[Act]:
    """What the orchestrator did with the jobs that reached it for this measurement."""
    clock = time.time_ns() - time.monotonic_ns()
    later = [
        other.started_at
        for other in others
        if other.target == one.target and other.started_at > one.started_at
    ]
    return {
        record.act
        for record in network.record
        if record.target == one.target
        and one.started_at <= record.received_at + clock < min(later, default=2**63)
    }


def undeserved(network: SimulatedNetwork, found: list[Measurement]) -> list[tuple[Any, ...]]:
    """The measurements that are judged otherwise than what was done in them deserves."""
    wrong: list[tuple[Any, ...]] = []
    for one in found:
        acts = done_in(network, one, found)
        deserved = network.expected(one.target, acts=acts, lane=LaneKind.MANAGED)
        if (one.outcome, one.blame) not in deserved:
            wrong.append((one.target, one.outcome, one.blame, one.evidence, deserved))
    return wrong


@pytest.mark.timeout(180)
async def test_each_profile_gets_exactly_the_outcome_and_blame_that_it_deserves(
    tmp_path: Path,
) -> None:
    async with SimulatedNetwork(
        len(MANAGED_MIX), seed=3, profiles=MANAGED_MIX, speed=4, lanes="managed"
    ) as network:
        config, plain = write_config(network, tmp_path)
        async with running("run", "--once", "--config", str(config), log=tmp_path / "log") as run:
            async with asyncio.timeout(2 * PATIENCE):
                assert await run.process.wait() == 0
        found = sorted(await measured(Path(plain["data"])), key=lambda one: one.started_at)
        assert {one.target for one in found} == set(network.targets)
        assert undeserved(network, found) == []
        busy = [one for one in found if one.repeats]
        assert all(one.repeats in {first.id for first in found} for one in busy)
        good = [one for one in found if one.ok]
        assert good
        assert all(one.session_setup_time is not None and one.attempts == 1 for one in good)
        assert all(one.lane is LaneKind.MANAGED and one.lane_version for one in found)
        assert all(one.queue_time and one.phases.round_trip for one in good)
        assert gateways(Path(plain["data"])) == []


@pytest.mark.timeout(180)
@pytest.mark.parametrize("whom", ["probe", "everybody"])
async def test_kill_9_during_a_round_leaves_no_gateway_behind(tmp_path: Path, whom: str) -> None:
    async with SimulatedNetwork(
        6, seed=3, profiles=[Profile.SLOW], speed=2, lanes="managed"
    ) as network:
        config, plain = write_config(network, tmp_path, schedule={"interval": 1.0})
        data = Path(plain["data"])
        log = tmp_path / "log"
        async with running("run", "--together", "--config", str(config), log=log) as run:
            await until(lambda: len(gateways(data)) >= 2 and run.jobs_done(), "lanes are at work")
            before = gateways(data)
            kill_9([one for one in run.family() if one not in before], whom)
            await until(
                lambda: not any(one.is_running() and not is_dead(one) for one in before),
                "the gateways of the killed process have ended",
            )
            if whom == "probe":
                done = len(run.jobs_done())
                await until(lambda: len(run.jobs_done()) > done, "testing goes on")
                assert await run.stop() == 0
        await until(lambda: gateways(data) == [], "no gateway is left")


def is_dead(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.timeout(120)
async def test_a_program_that_is_missing_is_said_without_repeating_it_and_blamed_on_nobody(
    tmp_path: Path,
) -> None:
    async with SimulatedNetwork(
        3, seed=3, profiles=[Profile.FAST], speed=4, lanes="managed"
    ) as network:
        nowhere = {"binary": str(tmp_path / "nowhere")}
        config, plain = write_config(network, tmp_path, livepeer=nowhere)
        log = tmp_path / "log"
        async with running("run", "--once", "--config", str(config), log=log) as run:
            async with asyncio.timeout(PATIENCE):
                assert await run.process.wait() == ENVIRONMENT
        assert await measured(Path(plain["data"])) == []
        events = run.events()
        done = next(event for event in events if event["event"] == "round done")
        assert done["skipped"] == {"its gateway does not start": done["expected"]}
        said = [event["event"] for event in events if "nowhere" in json.dumps(event)]
        assert said
        assert len(said) == len(set(said))

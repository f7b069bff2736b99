"""Managed lanes with the simulated gateway as their program: the flags and log of the real one."""

import shlex
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from exporter.probing.managed.faults import Fault
from exporter.probing.managed.home import LaneHome
from exporter.probing.managed.pool import LaneStartError, ManagedPool
from exporter.probing.managed.scout import Scout
from exporter.simulation.chain.node import ChainNode
from exporter.simulation.gateway.keystore import Keystore
from exporter.simulation.node import SimulatedNode
from exporter.simulation.runner import Runner, RunnerFault
from tests.probing.managed.gateways import settings
from tests.waiting import until

MakePool = Callable[..., ManagedPool]
MODEL = "ByteDance/SDXL-Lightning"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def runner() -> Runner:
    return Runner()


@pytest.fixture
async def node(runner: Runner) -> AsyncIterator[SimulatedNode]:
    node = SimulatedNode(runner, speed=20.0)
    await node.start()
    yield node
    await node.stop()


@pytest.fixture
async def make(home: LaneHome, tmp_path: Path) -> AsyncIterator[MakePool]:
    pools = []
    binary = simulated(tmp_path)

    def make(**livepeer: Any) -> ManagedPool:
        pools.append(ManagedPool(settings(binary, **livepeer), home, watch_interval=0.2))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()


def simulated(folder: Path) -> Path:
    """The simulated gateway as an executable file."""
    words = shlex.join([sys.executable, "-m", "exporter", "simulate", "gateway"])
    (folder / "livepeer").write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {words} "$@"\n')
    (folder / "livepeer").chmod(0o755)
    return folder / "livepeer"


def flags(**values: object) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in values.items()]


async def job(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        body = {"model_id": MODEL, "prompt": "a lighthouse at dusk"}
        return await client.post(f"{url}/text-to-image", json=body)


async def test_a_job_runs_on_the_orchestrator_and_its_log_is_there(
    make: MakePool, node: SimulatedNode
) -> None:
    async with make().lease("0xa", node.url) as lane:
        mark = lane.mark()
        answer = await job(lane.url)
        assert answer.status_code == 200, lane.since(mark)
        request_id = answer.json()["images"][0]["url"].split("/")[2]
        await until(lambda: any(request_id in line.text for line in lane.since(mark)))
        assert lane.version.startswith("0.9.1")
        assert lane.failure() is None


async def test_a_gateway_that_dies_during_a_job_is_replaced(
    make: MakePool, node: SimulatedNode, runner: Runner
) -> None:
    runner.fault = RunnerFault(delay=20.0)
    pool = make(flags=flags(simDieDuringJob=1))
    async with pool.lease("0xa", node.url) as lane:
        with pytest.raises(httpx.HTTPError):
            await job(lane.url)
        await lane.broken()
        assert lane.failure() == "its gateway ended: it was ended by signal 9"
    async with pool.lease("0xa", node.url) as lane:
        assert await lane.alive()
    assert (pool.numbers.crashes, pool.numbers.starts) == (1, 2)


async def test_a_gateway_that_hangs_after_a_job_is_replaced(
    make: MakePool, node: SimulatedNode
) -> None:
    pool = make(flags=flags(simHangAfterJobs=1), answer_timeout=0.3)
    async with pool.lease("0xa", node.url) as lane:
        await job(lane.url)
        await lane.broken()
    async with pool.lease("0xa", node.url) as lane:
        assert await lane.alive()
    assert pool.numbers.hangs == 1


@pytest.mark.parametrize(
    ("more", "fault", "message"),
    [
        ({"simDieAtStart": "true"}, Fault.ENDED, "it ended with exit code 1"),
        ({"simHangAtStart": "true"}, Fault.TIMEOUT, "it was not ready within 4 s"),
        ({"simClash": "true"}, Fault.PORTS, "ports were taken 5 times"),
        (
            {"simWithoutFlag": "aiProcessingRetryTimeout"},
            Fault.BINARY,
            "it does not know -aiProcessingRetryTimeout",
        ),
        ({"monitr": "true"}, Fault.FLAGS, "does not know -monitr"),
    ],
)
async def test_a_start_that_fails_is_told_in_words(
    make: MakePool, node: SimulatedNode, more: dict[str, str], fault: Fault, message: str
) -> None:
    pool = make(flags=flags(**more), start_timeout=4.0)
    with pytest.raises(LaneStartError) as caught:
        async with pool.lease("0xa", node.url):
            raise AssertionError
    assert (caught.value.fault, message in str(caught.value)) == (fault, True), str(caught.value)


@pytest.fixture
async def rpc() -> AsyncIterator[str]:
    """An Ethereum node on whose chain nobody is registered."""
    chain = ChainNode((), "SECRETSECRETKEY123")
    await chain.start()
    yield chain.url
    await chain.stop()


def paying(folder: Path, rpc: str, passphrase: str = "open sesame") -> dict[str, Any]:
    address, _ = Keystore(folder / "keys", Random(1)).create("open sesame")
    (folder / "passphrase").write_text(passphrase + "\n")
    (folder / "passphrase").chmod(0o600)
    return {
        "rpc": rpc,
        "account": address,
        "keystore": folder / "keys",
        "passphrase_file": folder / "passphrase",
        "max_price_per_unit": 10**9,
    }


async def test_a_paying_lane_unlocks_its_key_and_shows_no_secret(
    make: MakePool, node: SimulatedNode, tmp_path: Path, rpc: str
) -> None:
    async with make(on_chain=paying(tmp_path, rpc)).lease("0xa", node.url) as lane:
        await until(lambda: any("unlocked" in line.text for line in lane.since(0)))
        lines = [line.text for line in lane.since(0)]
        assert any("EthUrl" in line for line in lines)
        assert not [line for line in lines if "SECRET" in line or "sesame" in line]


async def test_a_wrong_passphrase_is_told_and_makes_no_file(
    make: MakePool, node: SimulatedNode, tmp_path: Path, rpc: str
) -> None:
    on_chain = paying(tmp_path, rpc, "wrong")
    before = list(on_chain["keystore"].iterdir())
    pool = make(on_chain=on_chain)
    for _ in range(2):
        with pytest.raises(LaneStartError, match="the passphrase is not that of the key") as caught:
            async with pool.lease("0xa", node.url):
                raise AssertionError
        assert caught.value.fault == Fault.PASSPHRASE
    assert pool.numbers.starts == 1
    assert list(on_chain["keystore"].iterdir()) == before


async def test_an_ethereum_node_that_does_not_answer_is_told_without_its_key(
    make: MakePool, node: SimulatedNode, tmp_path: Path
) -> None:
    pool = make(on_chain=paying(tmp_path, "http://127.0.0.1:9/SECRETSECRETKEY123"))
    with pytest.raises(LaneStartError, match="the Ethereum node did not answer") as caught:
        async with pool.lease("0xa", node.url):
            raise AssertionError
    assert caught.value.fault == Fault.RPC
    assert "SECRET" not in str(caught.value)


async def test_a_scout_is_up(home: LaneHome, tmp_path: Path) -> None:
    scout = Scout(settings(simulated(tmp_path)), home)
    await scout.start()
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{scout.cli_url}/getNetworkCapabilities")
    assert answer.status_code == 500, "off-chain there is no list"
    await scout.close()

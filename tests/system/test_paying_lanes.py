"""The whole service with lanes that pay, and a scout that finds whom to test on the chain."""

import asyncio
import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.model import Blame, Measurement, Outcome
from exporter.probing.evidence import BY_ADDRESS
from exporter.simulation.gateway.keystore import Keystore
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.on_chain import OnChain
from exporter.simulation.population import MANAGED_MIX, Profile
from tests.system.service import (
    PATIENCE,
    Service,
    gone,
    kill_9,
    running,
    until,
    until_answered,
    write_config,
)
from tests.system.test_managed_lanes import gateways, measured, undeserved

pytestmark = pytest.mark.system

NEVER_AGAIN = 3600.0
"""An interval, in seconds, after which no test is still running."""


def a_paying_network(count: int, *profiles: Profile, impostor: bool = False) -> SimulatedNetwork:
    return SimulatedNetwork(
        count,
        seed=3,
        profiles=profiles,
        speed=4,
        lanes="managed",
        on_chain=True,
        impostor=impostor,
    )


def chain_of(network: SimulatedNetwork) -> OnChain:
    assert network.chain is not None
    return network.chain


def secrets_in(network: SimulatedNetwork, text: str) -> list[str]:
    chain = chain_of(network)
    return [secret for secret in (chain.key, chain.passphrase) if secret in text]


@pytest.mark.timeout(180)
async def test_each_profile_gets_what_it_deserves_and_each_good_job_is_known_to_be_whose(
    tmp_path: Path,
) -> None:
    async with a_paying_network(len(MANAGED_MIX), *MANAGED_MIX, impostor=True) as network:
        config, plain = write_config(network, tmp_path, livepeer={"lanes": 6})
        log = tmp_path / "log"
        async with running("run", "--once", "--config", str(config), log=log) as run:
            async with asyncio.timeout(2 * PATIENCE):
                assert await run.process.wait() == 0
        found = sorted(await measured(Path(plain["data"])), key=lambda one: one.started_at)
        assert {one.target for one in found} == set(network.targets)
        assert undeserved(network, found) == []
        good = [one for one in found if one.ok]
        assert {one.orchestrator for one in good} >= the_good_ones(network)
        assert all(one.fee and one.attempts == 1 for one in good)
        check_the_impostor(network, found)
        assert gateways(Path(plain["data"])) == []
        assert secrets_in(network, log.read_text()) == []


def the_good_ones(network: SimulatedNetwork) -> set[str]:
    good = {Profile.FAST, Profile.COLD, Profile.SLOW}
    return {member.address for member in network.members if member.profile in good}


def check_the_impostor(network: SimulatedNetwork, found: list[Measurement]) -> None:
    """His jobs were done, and well, by somebody else: neither gets anything out of it."""
    impostor = network.impostor
    assert impostor is not None
    victim = next(one for one in network.members if one.profile is Profile.FAST)
    his = [one for one in found if one.orchestrator == impostor.address]
    assert {(one.outcome, one.blame) for one in his} == {(Outcome.WRONG_ORCHESTRATOR, Blame.TESTER)}
    assert all(victim.address in one.message for one in his)
    victims = [one for one in found if one.orchestrator == victim.address]
    assert victims
    assert all(one.ok for one in victims)
    assert all(BY_ADDRESS in one.evidence for one in victims), "their URI alone does not tell"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("whom", ["probe", "everybody"])
async def test_what_is_spent_is_counted_no_secret_is_told_and_kill_9_leaves_nobody(
    tmp_path: Path, whom: str
) -> None:
    async with a_paying_network(2, Profile.FAST) as network:
        config, plain = write_config(network, tmp_path, schedule={"interval": NEVER_AGAIN})
        data, log = Path(plain["data"]), tmp_path / "log"
        async with running("run", "--together", "--config", str(config), log=log) as run:
            count = len(network.targets)
            await until(lambda: len(run.jobs_done()) == count, "the round is done")
            found = await measured(data)
            spent = sum(math.ceil(one.fee or 0) for one in found)
            numbers = await metrics(plain)
            assert spent > 0
            assert numbers["livepeer_ai_tester_spent_wei_total"] == spent
            assert numbers["livepeer_ai_tester_spent_today_wei"] == spent
            assert numbers["livepeer_ai_tester_scout_up"] == 1
            assert numbers["livepeer_ai_tester_lanes"] == 2
            before = gateways(data)
            assert len(before) == 3
            await check_that_no_secret_is_told(network, plain, run, found)
            kill_9([one for one in run.family() if one not in before], whom)
            await until(lambda: gone(before), "scout and lanes of the killed process have ended")
            if whom == "probe":
                await until(lambda: gateways(data), "there is a new scout")
                await until_answered(f"http://{plain['probe']['listen']}/readyz")
                assert (await metrics(plain))["livepeer_ai_tester_scout_up"] == 1
                assert await run.stop() == 0
        await until(lambda: gateways(data) == [], "no gateway is left")
        assert secrets_in(network, log.read_text()) == []


async def metrics(plain: Any) -> dict[str, float]:
    """The sums of the probe's metrics, by name."""
    answer = await until_answered(f"http://{plain['probe']['listen']}/metrics")
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return sums


async def check_that_no_secret_is_told(
    network: SimulatedNetwork, plain: Any, run: Service, found: list[Measurement]
) -> None:
    told = {"log": "".join(str(event) for event in run.events())}
    for process in run.family():
        told[f"command line of {process.pid}"] = " ".join(process.cmdline())
    probe, station = (f"http://{plain[name]['listen']}" for name in ("probe", "station"))
    urls = [f"{probe}{path}" for path in ("/readyz", "/status", "/rounds", "/metrics")]
    urls += [f"{station}/jobs/{one.id}" for one in found]
    urls += [f"{station}{path}" for path in ("/", "/jobs", "/metrics", "/readyz")]
    urls += [f"{station}/api/v1/{path}" for path in ("targets", "status", "leaderboard", "rounds")]
    for url in urls:
        told[url] = (await until_answered(url)).text
    assert "livepeer_ai_tester_account_deposit_wei " in told[f"{probe}/metrics"]
    assert "deposit " in told[f"{station}/"]
    assert "money: " not in told[f"{station}/readyz"]
    data = Path(plain["data"])
    told |= await asyncio.to_thread(contents, data)
    assert any(where.endswith("lpdb.sqlite3") for where in told), "the gateways' files, too"
    assert [where for where, text in told.items() if secrets_in(network, text)] == []
    chain = chain_of(network)
    assert (data / "keystore").stat().st_mode & 0o777 == 0o700
    assert (data / "passphrase").stat().st_mode & 0o777 == 0o600
    assert (data / "passphrase").read_text().strip() == chain.passphrase
    environment = psutil.Process(gateways(data)[0].pid).environ()
    assert environment["LP_ETHURL"] != chain.node.url, "that of the relay"
    assert environment["LP_ETHURL"].startswith("http://127.0.0.1:")


def contents(data: Path) -> dict[str, str]:
    """What the files of a data folder hold, but for those that are there for the secrets."""
    holders = (data / "keystore", data / "passphrase")
    return {
        str(path): path.read_bytes().decode("latin-1")
        for path in data.rglob("*")
        if path.is_file() and not any(path.is_relative_to(holder) for holder in holders)
    }


async def trouble(plain: Any, words: str) -> str:
    """Wait until the probe says that it is not ready for a reason with these words."""
    url = f"http://{plain['probe']['listen']}/readyz"
    async with asyncio.timeout(2 * PATIENCE), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                answer = await client.get(url)
                reasons = [] if answer.status_code == httpx.codes.OK else answer.json()["reasons"]
            except httpx.TransportError:
                reasons = []
            for reason in reasons:
                if words in reason:
                    return str(reason)
            await asyncio.sleep(0.05)


def said(run: Service, event: str) -> list[dict[str, Any]]:
    """What the service said in these words, other than to those who look for mistakes in it."""
    found = [one for one in run.events() if one["event"].startswith(event)]
    return [one for one in found if one["level"] != "debug"]


@pytest.mark.timeout(120)
async def test_a_keystore_that_is_wrong_stops_all_starts_until_it_is_put_right(
    tmp_path: Path,
) -> None:
    async with a_paying_network(1, Profile.FAST) as network:
        quick = {"refresh_interval": 1.0}
        config, plain = write_config(network, tmp_path, sources=quick)
        data, log = Path(plain["data"]), tmp_path / "log"
        passphrase, (key,) = data / "passphrase", (data / "keystore").iterdir()
        right = passphrase.read_text(), key.read_bytes()
        passphrase.write_text("the wrong words\n")
        async with running("run", "--together", "--config", str(config), log=log) as run:
            await trouble(plain, "the passphrase is not that of the key")
            assert len(said(run, "no gateway is started until the files are right")) == 1
            other = tmp_path / "other"
            foreign, path = Keystore(other, Random(1)).create("the wrong words")
            key.write_bytes(path.read_bytes())
            passphrase.write_text(right[0])
            await trouble(plain, f"is the key of {foreign.lower()}, not of")
            assert list((data / "keystore").iterdir()) == [key]
            assert (await metrics(plain))["livepeer_ai_tester_lane_starts_total"] == 1
            key.write_bytes(right[1])
            await until(run.jobs_done, "testing begins")
            assert len(said(run, "no gateway is started until the files are right")) == 2
            assert len(said(run, "the files of managed lanes changed")) == 2
            assert list((data / "keystore").iterdir()) == [key]
            assert await run.stop() == 0
        assert gateways(data) == []
        assert secrets_in(network, log.read_text()) == []
        assert "the wrong words" not in log.read_text()


def down(network: SimulatedNetwork, *, still: bool) -> None:
    chain_of(network).node.down = still


def of_another_network(network: SimulatedNetwork, *, still: bool) -> None:
    chain_of(network).node.chain_id = 1 if still else 42161


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("spoil", "direct", "words"),
    [
        (down, False, "the Ethereum node did not answer as it should"),
        (of_another_network, True, "the Ethereum node is of another network"),
    ],
)
async def test_an_ethereum_node_that_fails_is_said_once_and_tried_again_after_pauses(
    tmp_path: Path, spoil: Callable[..., None], *, direct: bool, words: str
) -> None:
    async with a_paying_network(1, Profile.FAST) as network:
        spoil(network, still=True)
        rpc = {"on_chain": {"rpc": chain_of(network).node.url}} if direct else {}
        config, plain = write_config(
            network, tmp_path, sources={"refresh_interval": 1.0}, livepeer=rpc
        )
        data, log = Path(plain["data"]), tmp_path / "log"
        async with running("run", "--together", "--config", str(config), log=log) as run:
            reason = await trouble(plain, words)
            assert secrets_in(network, reason) == []
            spoil(network, still=False)
            await until(run.jobs_done, "testing begins", 2 * PATIENCE)
            await until_answered(f"http://{plain['probe']['listen']}/readyz")
            assert [one["fault"] for one in said(run, "a gateway does not start")] == ["rpc"]
            assert len(said(run, "gateways start again")) == 1
            starts = (await metrics(plain))["livepeer_ai_tester_lane_starts_total"]
            assert starts <= 2 + 2 + 2, "two tries, perhaps two more, and what runs now"
            assert len(list((data / "keystore").iterdir())) == 1
            assert await run.stop() == 0
        assert gateways(data) == []
        assert secrets_in(network, log.read_text()) == []

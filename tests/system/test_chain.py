"""The whole program reads the chain: emulated contracts, and real ones on a real EVM."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.simulation.chain.node import ChainNode
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from tests.ethereum.fault_proxy import PROXY_KEY, FaultProxy
from tests.ethereum.faults import closed
from tests.ethereum.livepeer import LPT, Livepeer, who
from tests.ethereum.rpc_node import KEY, RpcNode
from tests.system.service import (
    PATIENCE,
    POLL,
    command,
    running,
    until,
    until_answered,
    write_config,
)

pytestmark = pytest.mark.system

QUICK = {"refresh_interval": 10.0, "follow_events": 5.0, "reach_interval": 60.0}
OFTEN = {"interval": 3.0, "cold_interval": 3.0}
NEW_URI = "https://moved.example:8935"


class Ground:
    """A network, the chain on which it is registered, and what can happen there.

    `states` are those of `/api/v1/orchestrators` by address, `secrets` what nobody may see.
    """

    def __init__(self, network: SimulatedNetwork, rpc: str, secrets: list[str]) -> None:
        self.network = network
        self.rpc = rpc
        self.secrets = secrets
        self.states: dict[str, str] = {}
        self.stakes: dict[str, float] = {}
        """LPT by address, of who is registered."""
        self.moves: Callable[[str], None] = lambda _address: None
        """Lets somebody write `NEW_URI` into the registry of AI."""
        self.falls: Callable[[], None] = lambda: None
        """Lets the node answer nothing any more."""
        self.rises: Callable[[], None] = lambda: None

    @property
    def offered(self) -> set[str]:
        """Addresses of all who offer something."""
        return {member.address for member in self.network.members}


@asynccontextmanager
async def emulated(count: int) -> AsyncIterator[Ground]:
    network = SimulatedNetwork(
        count, profiles=[Profile.FAST], speed=20, registry=True, unregistered=1
    )
    async with network:
        assert network.chain is not None
        node: ChainNode = network.chain.node
        ground = Ground(network, node.url, [network.chain.key])
        state = node.chain.state
        known = [one for one in state.transcoders if one in state.pool or state.is_active(one)]
        ground.stakes = {one: state.transcoder(one).stake / LPT for one in known}
        ground.states = dict.fromkeys(known, "offers_unknown")
        ground.states |= dict.fromkeys(ground.offered, "offered")
        ground.states[network.members[-1].address] = "not_registered"
        ground.moves = lambda address: node.chain.write_uri(address, NEW_URI)
        ground.falls = lambda: setattr(node, "down", True)
        ground.rises = lambda: setattr(node, "down", False)
        yield ground


@asynccontextmanager
async def on_an_evm(count: int) -> AsyncIterator[Ground]:
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(
            SimulatedNetwork(count, profiles=[Profile.FAST], speed=20)
        )
        livepeer, idle = Livepeer(), who(99)
        proxy = FaultProxy(stack.enter_context(RpcNode(livepeer.evm).served()))
        ground = Ground(network, stack.enter_context(proxy.served()), [KEY, PROXY_KEY])
        *registered, stranger = network.orchestrators
        with livepeer.together():
            for place, one in enumerate(registered, 1):
                address = one.member.address
                ground.stakes[address] = float(place)
                livepeer.join(address, place * LPT, cuts=(1, 2), ai_uri=one.listed_uri)
                ground.states[address] = "offered"
            livepeer.join(idle, 50 * LPT, uri="https://127.0.0.1:9", ai_uri="<b>rubbish</b> \x07")
        livepeer.new_round()
        ground.stakes[idle] = 50.0
        ground.states |= {idle: "offers_unknown", stranger.member.address: "not_registered"}
        ground.moves = lambda address: livepeer.set_ai_uri(address, NEW_URI)
        ground.falls = lambda: proxy.always(closed)
        ground.rises = proxy.works
        yield ground


GROUNDS = pytest.mark.parametrize("ground_of", [emulated, on_an_evm])


def config_of(ground: Ground, folder: Path, **more: Any) -> tuple[Path, Any]:
    return write_config(
        ground.network,
        folder,
        sources={"chain": QUICK, "refresh_interval": 1.0},
        ethereum={"rpc": [{"url": ground.rpc, "name": "main"}], "timeout": 5.0},
        schedule=OFTEN,
        **more,
    )


def leaks(ground: Ground, *texts: str) -> list[str]:
    return [secret for secret in ground.secrets for text in texts if secret in text]


@GROUNDS
@pytest.mark.timeout(180)
async def test_the_command_shows_who_is_registered_with_stake_name_and_what_is_wrong(
    tmp_path: Path, ground_of: Any
) -> None:
    async with ground_of(3) as ground:
        config, _ = config_of(ground, tmp_path)
        code, out, err = await command("chain", "--json", "--config", str(config))
        assert code == 0, err
        rows = {row["orchestrator"]: row for row in json.loads(out)["orchestrators"]}
        assert {one: row["stake"] for one, row in rows.items()} == ground.stakes
        for one in ground.network.orchestrators[:-1]:
            row = rows[one.member.address]
            assert (row["active"], row["ai_service_uri"]) == (True, one.listed_uri)
        assert [row["ai_uri_refused"] for row in rows.values() if row["ai_uri_refused"]]
        if ground_of is emulated:
            names = {row["name"] for row in rows.values()}
            assert {"idle", "leaving", "joining", "rubbish"} < names
            assert ground.network.members[0].name in names
        ground.falls()
        code, out, err = await command("chain", "--config", str(config))
        assert code == 1
        assert "could not be read" in err
        assert leaks(ground, out, err) == []


class Watched:
    """What the running program says."""

    def __init__(self, plain: Any) -> None:
        self._station = f"http://{plain['station']['listen']}"
        self._probe = f"http://{plain['probe']['listen']}"

    async def orchestrators(self) -> dict[str, Any]:
        answer = await until_answered(f"{self._station}/api/v1/orchestrators")
        found: dict[str, Any] = answer.json()
        return found

    async def states(self) -> dict[str, str]:
        rows = (await self.orchestrators())["orchestrators"]
        return {row["orchestrator"]: row["state"] for row in rows}

    async def metric(self, name: str) -> dict[str, float]:
        """Values of a metric of the station by address."""
        found = await self.by_label(name, "orchestrator_address")
        return {address.lower(): value for address, value in found.items()}

    async def by_label(self, name: str, label: str) -> dict[str, float]:
        """Values of a metric of the station by one of its labels."""
        text = (await until_answered(f"{self._station}/metrics")).text
        return {
            sample.labels[label]: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        }

    async def chain_is_up(self) -> bool:
        return (await self.by_label("livepeer_ai_tester_source_up", "source"))["chain"] == 1

    async def all_pages(self) -> list[str]:
        paths = ("/", "/orchestrators", "/metrics", "/api/v1/status", "/api/v1/targets")
        urls = [f"{self._station}{path}" for path in paths]
        urls += [f"{self._probe}{path}" for path in ("/status", "/metrics")]
        return [(await until_answered(url)).text for url in urls]

    async def relay(self) -> dict[str, Any]:
        found: dict[str, Any] = (await until_answered(f"{self._probe}/relay")).json()
        return found


async def at_last(question: Callable[[], Awaitable[bool]], what: str) -> None:
    """Ask until the answer is yes."""
    try:
        async with asyncio.timeout(2 * PATIENCE):
            while not await question():  # noqa: ASYNC110 - another process is asked
                await asyncio.sleep(POLL)
    except TimeoutError:
        raise AssertionError(what) from None


@GROUNDS
@pytest.mark.timeout(300)
async def test_a_node_that_dies_empties_no_list_and_stops_no_round_and_is_followed_when_it_is_back(
    tmp_path: Path, ground_of: Any
) -> None:
    async with ground_of(3) as ground:
        config, plain = config_of(ground, tmp_path)
        log, moved = tmp_path / "log", ground.network.members[0].address
        async with running("run", "--together", "--config", str(config), log=log) as run:
            watched = Watched(plain)

            async def all_seen() -> bool:
                return bool(await watched.states() == ground.states)

            await at_last(all_seen, "the station shows everybody's state")
            stakes = await watched.metric("livepeer_ai_orchestrator_stake_lpt")
            assert stakes == pytest.approx(ground.stakes)
            counts = await watched.by_label("livepeer_ai_tester_orchestrators", "state")
            assert {state: count for state, count in counts.items() if count} == Counter(
                ground.states.values()
            )

            ground.falls()

            async def is_down() -> bool:
                return not await watched.chain_is_up()

            await at_last(is_down, "the metrics say that the chain cannot be read")
            wanted = len(run.jobs_done()) + 2 * len(ground.network.targets)
            await until(lambda: len(run.jobs_done()) >= wanted, "rounds go on", 2 * PATIENCE)
            assert await watched.states() == ground.states
            assert await watched.metric("livepeer_ai_orchestrator_stake_lpt") == stakes

            ground.moves(moved)
            ground.rises()

            async def has_moved() -> bool:
                rows = (await watched.orchestrators())["orchestrators"]
                uris = {row["orchestrator"]: row["ai_service_uri"] for row in rows}
                return bool(uris[moved] == NEW_URI) and await watched.chain_is_up()

            await at_last(has_moved, "what changed meanwhile is seen once the node is back")
            told = await watched.all_pages()
            assert await run.stop() == 0
        assert leaks(ground, log.read_text(), *told) == []


@pytest.mark.timeout(300)
async def test_gateways_that_pay_find_whom_they_test_on_the_chain_with_few_calls_to_a_node(
    tmp_path: Path,
) -> None:
    """Each lane and the scout walk the pool when they start, which is read once."""
    network = SimulatedNetwork(
        6, profiles=[Profile.FAST], speed=4, lanes="managed", on_chain=True, unregistered=1
    )
    async with network:
        assert network.chain is not None
        node = network.chain.node
        config, plain = write_config(
            network, tmp_path, livepeer={"lanes": 2}, schedule={"interval": 3600.0}
        )
        log = tmp_path / "log"
        async with running("run", "--together", "--config", str(config), log=log) as run:
            watched = Watched(plain)
            count = len(network.targets)
            await until(lambda: len(run.jobs_done()) == count, "the round is done", 2 * PATIENCE)

            async def stored() -> bool:
                rows = (await watched.orchestrators())["orchestrators"]
                return {row["state"] for row in rows} == {
                    "offered",
                    "offers_unknown",
                    "not_registered",
                }

            await at_last(stored, "the station shows everybody's state")
            report = await watched.relay()
            assert await run.stop() == 0
        calls = {
            name: {how: value for how, value in row.items() if how != "seconds"}
            for name, row in report["calls"].items()
        }
        asked = sum(sum(row.values()) for row in calls.values())
        sent = sum(row["sent"] for row in calls.values())
        members = len(network.chain.node.chain.state.pool)
        starts = 1 + len(network.members)
        assert asked >= starts * (20 + 7 * members)
        assert sent <= asked / 3
        assert node.calls.total() <= asked / 2, "with all that the chain source and money ask"
        assert not [row for row in calls.values() if row["failed"]]
        assert leaks(Ground(network, node.url, [network.chain.key]), log.read_text()) == []

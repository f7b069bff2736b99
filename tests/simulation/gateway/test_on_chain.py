"""What a client, or a reader of its log, sees of a gateway that pays."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from exporter.probing.lane_log.line import read
from exporter.probing.lane_log.table import known
from exporter.probing.managed.faults import Fault
from exporter.probing.managed.reasons import why_it_ended
from exporter.simulation.chain.functions import CHAIN_ID
from exporter.simulation.chain.node import ChainNode
from exporter.simulation.chain.state import Registered, Standing
from exporter.simulation.gateway.flags import VERSION, GatewayFlags, parse
from exporter.simulation.gateway.glog import drop
from exporter.simulation.gateway.keystore import AccountRefused, Keystore
from exporter.simulation.gateway.orchestrators import OrchestratorInfo, Price
from exporter.simulation.gateway.service import SimulatedGateway
from exporter.simulation.gateway.startup import StartFailed
from exporter.simulation.gateway.tweaks import GatewayTweaks
from exporter.simulation.node import SimulatedNode
from exporter.simulation.runner import Runner
from tests.simulation.gateway.lanes import MODELS, MS, PORTS, UNAVAILABLE, Lane, a_lane
from tests.waiting import eventually, until

START = 20
"""Calls before it listens, without those of the pool."""
JOINING = Standing.JOINING


@asynccontextmanager
async def a_chain(
    number: int = CHAIN_ID, pool: Sequence[Registered] = ()
) -> AsyncIterator[ChainNode]:
    """An Ethereum node, and who is registered on its chain."""
    node = ChainNode(pool, "a-key-that-is-secret")
    node.chain_id = number
    await node.start()
    try:
        yield node
    finally:
        await node.stop()


@asynccontextmanager
async def a_paying_lane(
    folder: Path, *flags: str, tweaks: GatewayTweaks | None = None, **more: Any
) -> AsyncIterator[Lane]:
    async with a_chain() as chain:
        account = account_flags(folder, chain)
        async with a_lane(*account, *flags, tweaks=tweaks, priced=True, **more) as lane:
            yield lane


def account_flags(folder: Path, chain: ChainNode) -> list[str]:
    password = folder / "password"
    password.write_text("letmein\n")
    address, _ = Keystore(folder / "keys", Random(1)).create("letmein")
    chain.chain.fund(address.lower(), deposit=10**17, reserve=36 * 10**16)
    return [
        *("-network", "arbitrum-one-mainnet", "-ethUrl", chain.url, "-ethAcctAddr", address),
        "-reward=false",
        *("-ethKeystorePath", str(folder / "keys"), "-ethPassword", str(password)),
        *("-dataDir", str(folder / "data")),
    ]


async def test_a_job_is_paid_for_and_done(tmp_path: Path) -> None:
    async with a_paying_lane(tmp_path) as lane:
        assert (await lane.job("text-to-image")).status == 200
        assert (await lane.cli("/EthChainID")).text == "42161"
        sender = (await lane.cli("/senderInfo")).json()
        assert sender == {
            "Deposit": 10**17,
            "WithdrawRound": 0,
            "Reserve": {"FundsRemaining": 36 * 10**16, "ClaimedInCurrentRound": 0},
        }
        assert lane.said("network: 0xD8E8328501E9645d16Cf49539efC04f734606ee4***") == 1
        assert lane.said("unlocked") == 1


@pytest.mark.parametrize("setting", [(), MS])
async def test_a_price_above_the_limit_is_closed_and_only_the_log_tells(
    tmp_path: Path, setting: tuple[str, ...]
) -> None:
    async with a_paying_lane(tmp_path, "-maxPricePerUnit", "999", *setting) as lane:
        assert (await lane.job("text-to-image")).closed
        assert lane.runner.calls == 0
        (line,) = [line for line in lane.lines if "above max price" in line]
        assert line.startswith("W")
        assert line.endswith("is above max price 999.000, price=1000.000")


async def test_a_price_at_the_limit_is_taken_and_none_set_means_any(tmp_path: Path) -> None:
    async with a_paying_lane(tmp_path, "-maxPricePerUnit", "1000") as lane:
        assert (await lane.job("text-to-image")).status == 200


async def test_a_limit_may_be_ignored_when_nobody_keeps_it(tmp_path: Path) -> None:
    async with a_paying_lane(tmp_path, "-maxPricePerUnit", "1", "-ignoreMaxPriceIfNeeded") as lane:
        assert (await lane.job("text-to-image")).status == 200
        assert lane.said("not using the filter") == 1


@pytest.mark.parametrize(
    ("model", "limit", "closed"),
    [
        (MODELS["text-to-image"], 999, True),
        ("default", 999, True),
        ("default", 1000, False),
        ("another/model", 1, False),
    ],
)
async def test_the_limit_of_a_capability_goes_before_the_general_one(
    tmp_path: Path, model: str, limit: int, closed: bool
) -> None:
    price = {
        "pipeline": "text-to-image",
        "model_id": model,
        "price_per_unit": limit,
        "pixels_per_unit": 1,
    }
    limits = tmp_path / "prices.json"
    limits.write_text(json.dumps({"capabilities_prices": [price]}))
    async with a_paying_lane(tmp_path, "-maxPricePerCapability", str(limits)) as lane:
        assert (await lane.job("text-to-image")).closed is closed
        assert (await lane.job("llm")).status == 200


async def test_limits_that_cannot_be_read_are_logged_and_limit_nothing(tmp_path: Path) -> None:
    async with a_paying_lane(tmp_path, "-maxPricePerCapability", '{"nothing": 1}') as lane:
        assert lane.said("Error while parsing max price per capability") == 1
        assert (await lane.job("text-to-image")).status == 200


def test_a_limit_for_a_pipeline_that_does_not_exist_ends_the_process() -> None:
    price = {"pipeline": "text-to-nothing", "model_id": "default", "price_per_unit": 1}
    text = json.dumps({"capabilities_prices": [price]})
    with pytest.raises(KeyError):
        SimulatedGateway(parse(["-gateway", "-maxPricePerCapability", text]))


@pytest.mark.parametrize("setting", [(), MS])
async def test_a_scripted_refusal_of_the_price_looks_the_same(setting: tuple[str, ...]) -> None:
    async with a_lane(*setting, tweaks=GatewayTweaks(refuse_price=True)) as lane:
        assert (await lane.job("llm")).closed
        assert lane.said("is above max price") == 1
        assert lane.runner.calls == 0


async def test_a_fee_above_the_limit_is_a_503_without_a_request(tmp_path: Path) -> None:
    """1024 x 576 x 25 pixels at 1000 wei are 1.5e10; the limit here is 1e10."""
    async with a_paying_lane(tmp_path, *MS, "-maxTotalEV", "10000000000") as lane:
        answer = await lane.job("image-to-video")
        assert (answer.status, answer.json()) == (503, UNAVAILABLE)
        assert lane.runner.calls == 0
        assert lane.said('Could not create payment err="total ticket EV') == 1


@pytest.mark.parametrize(
    ("flags", "tweaks", "words"),
    [
        (["-maxTicketEV", "1"], GatewayTweaks(), "> max ticket EV 1.00000"),
        (["-depositMultiplier", "1000000"], GatewayTweaks(), "> max faceValue"),
        ([], GatewayTweaks(deposit=0), "no sender deposit"),
        ([], GatewayTweaks(reserve=0), "no sender reserve"),
    ],
)
async def test_what_is_refused_before_any_request(
    tmp_path: Path, flags: list[str], tweaks: GatewayTweaks, words: str
) -> None:
    async with a_paying_lane(tmp_path, *MS, *flags, tweaks=tweaks) as lane:
        assert (await lane.job("llm")).status == 503
        assert lane.runner.calls == 0
        assert lane.said(words) >= 1


async def test_a_price_that_doubled_during_the_session_is_not_paid(tmp_path: Path) -> None:
    async with a_paying_lane(tmp_path, *MS) as lane:
        assert (await lane.job("llm")).status == 200
        (session,) = lane.gateway._selection._selectors.values()
        (one,) = session._warm._all.values()
        one.info = OrchestratorInfo(
            transcoder=one.info.transcoder,
            auth_token=one.info.auth_token,
            price_info=Price(2001, 1),
        )
        await lane.job("llm")  # The refusal takes under 1 ms, so that another try may follow.
        assert lane.said("Orchestrator price has more than doubled") == 2  # Both lines of one try.
        assert lane.said("Error submitting request modelID=") == 1


async def test_expired_ticket_parameters_are_one_503_and_the_session_stays() -> None:
    async with a_lane(*MS, tweaks=GatewayTweaks(expired_tickets=1)) as lane:
        answer = await lane.job("llm")
        assert (answer.status, answer.json()) == (503, UNAVAILABLE)
        assert lane.said("with retryable error") == 1
        pool = await lane.pool("llm")
        assert pool["suspended"]["list"] == {}
        assert (await lane.job("llm")).status == 200


async def test_expired_ticket_parameters_are_retried_on_the_same_session_by_default() -> None:
    async with a_lane(tweaks=GatewayTweaks(expired_tickets=2)) as lane:
        assert (await lane.job("llm")).status == 200
        assert lane.said("with retryable error") == 2
        pool = await lane.pool("llm")
        assert pool["suspended"]["list"] == {}


async def test_a_refused_sender_looks_like_no_orchestrator() -> None:
    async with a_lane(*MS) as lane:
        lane.node.sender_refusal = "insufficient sender reserve"
        assert (await lane.job("llm")).status == 503
        assert lane.said("insufficient sender reserve") == 1
        assert lane.said("Error selecting session") == 1
        assert lane.runner.calls == 0


async def test_a_refused_payment_stands_only_in_the_log() -> None:
    async with a_lane(*MS) as lane:
        lane.node.payment_refusal = "Insufficient balance"
        answer = await lane.job("llm")
        assert (answer.status, answer.json()) == (503, UNAVAILABLE)
        assert lane.said("Insufficient balance") == 1


async def test_an_artefact_that_cannot_be_fetched_is_a_500() -> None:
    async with a_lane(tweaks=GatewayTweaks(artefacts_fail=True)) as lane:
        for pipeline in ("text-to-image", "image-to-video", "text-to-speech"):
            answer = await lane.job(pipeline)
            assert answer.status == 500
            assert answer.json() == {"error": {"message": "Internal Server Error"}}
        assert lane.runner.calls == 3
        assert lane.said("Error with API code=500") == 3


async def test_the_network_list_names_the_pinned_node_once_it_is_polled(tmp_path: Path) -> None:
    async with a_paying_lane(tmp_path) as lane:

        async def is_there() -> bool:
            return (await lane.cli("/getNetworkCapabilities")).status_code == 200

        await eventually(is_there)
        body = (await lane.cli("/getNetworkCapabilities")).json()
        (entry,) = body["orchestrators"]
        assert set(entry) == {
            "address",
            "local_address",
            "orch_uri",
            "capabilities",
            "price_info",
            "capabilities_prices",
            "hardware",
        }
        assert entry["orch_uri"] == lane.node.url
        assert entry["address"] != ""
        assert MODELS["llm"] in str(entry["capabilities"]["constraints"])


async def test_a_walk_that_failed_leaves_no_list_for_ever(tmp_path: Path) -> None:
    async with a_paying_lane(tmp_path, tweaks=GatewayTweaks(walk_fails=True)) as lane:
        await lane.job("llm")
        assert (await lane.cli("/getNetworkCapabilities")).status_code == 500


async def test_a_data_folder_refuses_another_chain(tmp_path: Path) -> None:
    lines: list[str] = []
    folder = ["-dataDir", str(tmp_path / "data")]
    gateway = SimulatedGateway(parse(["-gateway", *PORTS, *folder]))
    await gateway.start()
    await gateway.stop()
    async with a_chain() as chain:
        flags = parse(["-gateway", *PORTS, *account_flags(tmp_path, chain)])
        with pytest.raises(StartFailed):
            await SimulatedGateway(flags, log=lines.append).start()
    assert any(
        "expecting chainID of 0, but got 42161. Did you change networks without changing network "
        "name or datadir?" in line
        for line in lines
    )


async def test_a_keystore_without_the_account_gets_a_new_key_each_try(tmp_path: Path) -> None:
    async with a_chain() as chain:
        argv = ["-gateway", *PORTS, *account_flags(tmp_path, chain)]
        argv += ["-ethAcctAddr", "0x" + "ab" * 20]
        for number in (1, 2):
            lines: list[str] = []
            with pytest.raises(StartFailed):
                await SimulatedGateway(parse(argv), log=lines.append).start()
            assert len(list((tmp_path / "keys").iterdir())) == 1 + number
            assert any("Please create a new ETH account" in line for line in lines)
            assert "Error unlocking Ethereum account: could not decrypt key" in lines[-1]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["-ethUrl", ""], "Need to specify an Ethereum node JSON-RPC URL using -ethUrl"),
        (["-ethUrl", "http://127.0.0.1:9"], "failed to get chain ID"),
        (["-ethPassword", ""], "Error unlocking Ethereum account"),
        (["-ethPassword", "wrong"], "could not decrypt key with given password"),
    ],
)
async def test_an_on_chain_start_that_cannot_work_ends_with_a_line(
    tmp_path: Path, flags: list[str], words: str
) -> None:
    lines: list[str] = []
    async with a_chain() as chain:
        argv = ["-gateway", *PORTS, *account_flags(tmp_path, chain), *flags]
        with pytest.raises(StartFailed):
            await SimulatedGateway(parse(argv), log=lines.append).start()
    assert words in lines[-1]


async def test_a_chain_that_is_not_supported_ends_the_start(tmp_path: Path) -> None:
    lines: list[str] = []
    async with a_chain(5) as chain:
        argv = ["-gateway", *PORTS, *account_flags(tmp_path, chain)]
        with pytest.raises(StartFailed):
            await SimulatedGateway(parse(argv), log=lines.append).start()
    assert "node does not support chainID = 5 right now" in lines[-1]


def test_a_key_file_opens_with_its_password_only(tmp_path: Path) -> None:
    keystore = Keystore(tmp_path, Random(2))
    address, path = keystore.create("one")
    assert keystore.find(address.lower()) == (address, path)
    assert keystore.find("") == (address, path)
    assert keystore.find("0x" + "00" * 20) is None
    keystore.unlock(path, "one")
    with pytest.raises(AccountRefused):
        keystore.unlock(path, "two")
    assert path.stat().st_mode & 0o077 == 0
    (tmp_path / "notes.txt").write_text("no key")
    assert keystore.find("") == (address, path)


def scout_flags(folder: Path, chain: ChainNode) -> GatewayFlags:
    return parse(["-gateway", *PORTS, *account_flags(folder, chain)])


@asynccontextmanager
async def a_scout(
    folder: Path, *uris: str, lines: list[str] | None = None
) -> AsyncIterator[tuple[SimulatedGateway, httpx.AsyncClient]]:
    """An unpinned gateway, ten times as fast as a real one."""
    pool = [Registered("0x" + f"{number:02x}" * 20, uri) for number, uri in enumerate(uris, 1)]
    pool.append(Registered("0x" + "ee" * 20, "https://127.0.0.1:9", standing=JOINING))
    async with a_chain(pool=pool) as chain, httpx.AsyncClient(trust_env=False) as client:
        write = drop if lines is None else lines.append
        gateway = SimulatedGateway(scout_flags(folder, chain), speed=10, log=write)
        await gateway.start()
        try:
            yield gateway, client
        finally:
            await gateway.stop()


@asynccontextmanager
async def nodes(count: int, **more: Any) -> AsyncIterator[list[SimulatedNode]]:
    found = [
        SimulatedNode(
            Runner(), address=f"0x{n:02x}" + "0" * 38, recipient="0x" + f"{n:02x}" * 20, **more
        )
        for n in range(1, count + 1)
    ]
    for node in found:
        await node.start()
    try:
        yield found
    finally:
        for node in found:
            await node.stop()


async def test_an_unpinned_gateway_lists_who_is_registered_and_answers_before_it_listens(
    tmp_path: Path,
) -> None:
    async with nodes(2, priced=True) as (one, other), nodes(1) as (free,):
        other.reported_uri = one.url
        uris = one.url, other.url, free.url, one.url, "https://127.0.0.1:9"
        lines: list[str] = []
        async with a_scout(tmp_path, *uris, lines=lines) as (scout, client):
            answer = await client.get(f"{scout.cli_url}/getNetworkCapabilities")
            assert answer.status_code == 200
            listed = [(e["address"], e["orch_uri"]) for e in answer.json()["orchestrators"]]
            assert listed == [("0x" + "01" * 20, one.url), ("0x" + "02" * 20, one.url)]
            rows = (await client.get(f"{scout.cli_url}/registeredOrchestrators")).json()
            assert [row["ServiceURI"] for row in rows] == [*uris, "https://127.0.0.1:9"]
            assert [row["Active"] for row in rows] == [True] * 5 + [False]
            status = (await client.get(f"{scout.cli_url}/status")).json()
            assert status["OrchestratorPool"] == list(uris)
            body = {"model_id": MODELS["text-to-image"], "prompt": "x"}
            job = await client.post(f"{scout.url}/text-to-image", json=body)
            assert job.status_code == 200
        said = "\n".join(lines)
        assert "Using DB orchestrator pool with 5 orchestrators" in said
        assert f"missing price info orch={free.url}" in said
        assert "No orchestrator specified" not in said


async def test_nobody_who_answers_is_no_list_at_all(tmp_path: Path) -> None:
    async with a_scout(tmp_path, "https://127.0.0.1:9") as (scout, client):
        answer = await client.get(f"{scout.cli_url}/getNetworkCapabilities")
        assert answer.status_code == 500
        assert answer.text.startswith("network capabilities not available")


async def test_a_pinned_gateway_lists_its_own_one_only(tmp_path: Path) -> None:
    async with nodes(2, priced=True) as (one, other), httpx.AsyncClient(trust_env=False) as client:
        pool = [Registered("0x" + "01" * 20, one.url), Registered("0x" + "02" * 20, other.url)]
        async with a_chain(pool=pool) as chain:
            argv = ["-gateway", *PORTS, *account_flags(tmp_path, chain), "-orchAddr", other.url]
            gateway = SimulatedGateway(parse(argv))
            await gateway.start()
            try:

                async def listed() -> bool:
                    return (await ask()).status_code == 200

                async def ask() -> httpx.Response:
                    return await client.get(f"{gateway.cli_url}/getNetworkCapabilities")

                await eventually(listed)
                (entry,) = (await ask()).json()["orchestrators"]
                assert entry["address"] == "0x" + "02" * 20
                rows = await client.get(f"{gateway.cli_url}/registeredOrchestrators")
                assert len(rows.json()) == 2
            finally:
                await gateway.stop()


async def test_a_pinned_gateway_whose_walk_fails_works_and_never_has_a_list(tmp_path: Path) -> None:
    lines: list[str] = []
    async with nodes(1, priced=True) as (node,), a_chain() as chain:
        argv = ["-gateway", *PORTS, *account_flags(tmp_path, chain), "-orchAddr", node.url]
        gateway = SimulatedGateway(parse(argv), log=lines.append)
        chain.refuses.add("getFirstTranscoderInPool")
        await gateway.start()
        try:
            await until(lambda: any("Error caching orchestrators" in line for line in lines))
        finally:
            await gateway.stop()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ({"down": True}, "failed to get chain ID from remote ethereum node: Post "),
        ({"delay": 30.0}, "context deadline exceeded"),
        ({"chain_id": 1}, "no contract code at given address"),
        ({"chain_id": 5}, "node does not support chainID = 5 right now"),
    ],
)
async def test_an_ethereum_node_that_fails_ends_a_start_with_a_line(
    tmp_path: Path, spoil: dict[str, Any], words: str
) -> None:
    lines: list[str] = []
    async with a_chain() as chain:
        for name, value in spoil.items():
            setattr(chain, name, value)
        gateway = SimulatedGateway(scout_flags(tmp_path, chain), speed=100, log=lines.append)
        with pytest.raises(StartFailed):
            await gateway.start()
    assert words in lines[-1]


async def test_an_ethereum_node_without_the_pool_ends_the_start_of_an_unpinned_gateway(
    tmp_path: Path,
) -> None:
    lines: list[str] = []
    async with a_chain() as chain:
        chain.refuses.add("getFirstTranscoderInPool")
        with pytest.raises(StartFailed):
            await SimulatedGateway(scout_flags(tmp_path, chain), log=lines.append).start()
    assert "Could not create orchestrator pool with DB cache: " in lines[-1]


async def test_before_it_listens_a_pinned_gateway_asks_twenty_times_and_walks_the_pool_afterwards(
    tmp_path: Path,
) -> None:
    members = [Registered("0x" + f"{number:02x}" * 20) for number in range(1, 7)]
    async with nodes(1, priced=True) as (node,), a_chain(pool=members) as chain:
        chain.refuses.add("getFirstTranscoderInPool")
        argv = ["-gateway", *PORTS, *account_flags(tmp_path, chain), "-orchAddr", node.url]
        gateway = SimulatedGateway(parse(argv))
        await gateway.start()
        assert sum(chain.calls.values()) == START
        await gateway.stop()

        chain.refuses.clear()
        chain.functions.clear()
        gateway = SimulatedGateway(parse(argv))
        await gateway.start()
        try:
            await until(lambda: chain.functions["getTranscoderEarningsPoolForRound"] == 6)
            walk, stakes = 6 * len(members) + 1, len(members) + 1
            not_contracts = 3  # Chain id, gas price, block.
            assert sum(chain.functions.values()) == START - not_contracts + walk + stakes
        finally:
            await gateway.stop()


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        ("eth_gasPrice", "Error starting gas price monitor: "),
        ("getContract", "Failed to create Livepeer Ethereum client: "),
        ("lastInitializedRound", "Failed to setup roundswatcher: "),
        ("getTranscoderPoolSize", "Failed to setup roundswatcher: "),
        ("getSenderInfo", "Failed to get broadcaster on-chain info: "),
        ("eth_getBlockByNumber", "Failed to backfill events: "),
    ],
)
async def test_each_call_of_a_start_that_fails_ends_the_process_with_a_line_that_the_tester_knows(
    tmp_path: Path, refused: str, words: str
) -> None:
    lines: list[str] = []
    async with a_chain() as chain:
        chain.refuses.add(refused)
        flags = parse(["-gateway", *PORTS, *account_flags(tmp_path, chain)])
        with pytest.raises(StartFailed) as failed:
            await SimulatedGateway(flags, log=lines.append).start()
    assert failed.value.exit_code == 0
    assert words in lines[-1]
    fault, _ = why_it_ended(lines, 0)
    assert fault is Fault.RPC


async def test_a_running_gateway_asks_four_times_each_five_seconds_and_outlives_its_node(
    tmp_path: Path,
) -> None:
    lines: list[str] = []
    async with nodes(1, priced=True) as (node,), a_chain() as chain:
        argv = ["-gateway", *PORTS, *account_flags(tmp_path, chain), "-orchAddr", node.url]
        gateway = SimulatedGateway(parse([*argv, "-v", "5"]), speed=50, log=lines.append)
        await gateway.start()
        try:
            await until(lambda: chain.functions["getFirstTranscoderInPool"] == 1)
            chain.calls.clear()
            await until(lambda: chain.calls["eth_getBlockByHash"] >= 4)
            turns = chain.calls["eth_getBlockByNumber"]
            assert turns <= chain.calls["eth_getBlockByHash"] + 1
            assert chain.calls["eth_getLogs"] >= 1
            assert chain.calls["eth_gasPrice"] >= 3
            said = [one for one in map(read, lines) if one.severity is not None]
            assert any("Cached gas price" in one.text for one in said)
            assert [one.text for one in said if known(one, VERSION) is None] == []
            chain.down = True
            await until(lambda: any("trying again on next polling" in line for line in lines))
            chain.down = False
            chain.calls.clear()
            await until(lambda: chain.calls["eth_gasPrice"] >= 2)
            assert gateway.exit_code is None
        finally:
            await gateway.stop()


async def test_an_unpinned_gateway_follows_who_comes_who_goes_and_who_moves(tmp_path: Path) -> None:
    async with (
        nodes(3, priced=True) as (one, other, third),
        httpx.AsyncClient(trust_env=False) as client,
    ):
        first, second, late = ("0x" + f"{number:02x}" * 20 for number in (1, 2, 3))
        pool = [Registered(first, one.url), Registered(second, other.url)]
        async with a_chain(pool=pool) as chain:
            gateway = SimulatedGateway(scout_flags(tmp_path, chain), speed=50)
            await gateway.start()
            try:

                async def known(*urls: str) -> None:
                    async def is_it() -> bool:
                        status = await client.get(f"{gateway.cli_url}/status")
                        return set(status.json()["OrchestratorPool"]) == set(urls)

                    await eventually(is_it)

                await known(one.url, other.url)
                chain.chain.join(late, 10**18)
                chain.chain.write_uri(late, third.url, ai=False)
                chain.chain.leave(first)
                chain.chain.new_round()
                await known(other.url, third.url)
                chain.chain.write_uri(second, one.url, ai=False)
                await known(one.url, third.url)
            finally:
                await gateway.stop()


async def test_service_uris_are_those_of_the_registry_that_was_asked_for(tmp_path: Path) -> None:
    async with nodes(2, priced=True) as (plain, ai), httpx.AsyncClient(trust_env=False) as client:
        pool = [Registered("0x" + "01" * 20, plain.url, ai.url), Registered("0x" + "02" * 20)]
        async with a_chain(pool=pool) as chain:
            for flags, url in (([], plain.url), (["-aiServiceRegistry"], ai.url)):
                argv = ["-gateway", *PORTS, *account_flags(tmp_path, chain), *flags]
                lines: list[str] = []
                gateway = SimulatedGateway(parse(argv), log=lines.append)
                await gateway.start()
                status = (await client.get(f"{gateway.cli_url}/status")).json()
                await gateway.stop()
                assert status["OrchestratorPool"] == [url]
                assert any(f"skipping orch=0x{'02' * 20}, URI not set" in line for line in lines)

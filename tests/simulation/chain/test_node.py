"""The simulated Ethereum node: what happens on its chain, and what can be made to go wrong."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from exporter.ethereum import contracts
from exporter.ethereum.abi import Call, Function, unhex
from exporter.ethereum.contracts import AGGREGATE, NOBODY, TOPICS
from exporter.settings.ethereum import AI_REGISTRY, MULTICALL
from exporter.simulation.chain.changes import ChangeRefused
from exporter.simulation.chain.functions import address_of
from exporter.simulation.chain.node import ChainNode
from exporter.simulation.chain.state import FIRST_ROUND, Registered, Standing

BONDING = address_of("BondingManager")
ACTIVE, JOINING, LEAVING, GONE, NEW = (f"0x{number:040x}" for number in range(1, 6))
BEGINNING = [
    Registered(ACTIVE, "https://plain.example", "https://ai.example", stake=3),
    Registered(JOINING, "", "https://joining.example", Standing.JOINING, stake=2),
    Registered(LEAVING, "", "https://leaving.example", Standing.LEAVING, stake=5),
    Registered(GONE, "", "https://gone.example", Standing.GONE),
]


class Asker:
    """Asks a node; its time is moved by the test."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0
        self.node = ChainNode(BEGINNING, "a-key", now=lambda: self.seconds)
        self.client = httpx.AsyncClient(trust_env=False)

    async def post(self, body: object) -> Any:
        return (await self.client.post(self.node.url, json=body)).json()

    async def answer(self, method: str, *params: object) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        found: dict[str, Any] = await self.post(body)
        return found

    async def ask(self, method: str, *params: object) -> Any:
        return (await self.answer(method, *params))["result"]

    async def read(
        self, to: str, function: Function, *arguments: object, at: int | str = "latest"
    ) -> Any:
        question = Call(to, function, arguments).question(at)
        return function.read(unhex(await self.ask(question.method, *question.params)))

    async def active(self, address: str, at: int | str = "latest") -> bool:
        return bool(await self.read(BONDING, contracts.IS_ACTIVE, address, at=at))

    async def pool(self) -> list[str]:
        found = [await self.read(BONDING, contracts.FIRST_IN_POOL)]
        while found[-1] != NOBODY:
            found.append(await self.read(BONDING, contracts.NEXT_IN_POOL, found[-1]))
        return found[:-1]


@pytest.fixture
async def chain() -> AsyncIterator[Asker]:
    asker = Asker()
    await asker.node.start()
    try:
        yield asker
    finally:
        await asker.client.aclose()
        await asker.node.stop()


async def test_it_begins_with_each_standing(chain: Asker) -> None:
    assert await chain.pool() == [ACTIVE, JOINING]
    active = [one for one in (ACTIVE, JOINING, LEAVING, GONE) if await chain.active(one)]
    assert active == [ACTIVE, LEAVING]
    assert await chain.read(BONDING, contracts.TOTAL_BONDED) == 3 + 5
    assert await chain.read(AI_REGISTRY, contracts.SERVICE_URI, GONE) == "https://gone.example"
    chain.node.chain.new_round()
    active = [one for one in (ACTIVE, JOINING, LEAVING, GONE) if await chain.active(one)]
    assert active == [ACTIVE, JOINING]
    assert await chain.read(BONDING, contracts.TOTAL_BONDED) == 3 + 2


async def test_what_happens_is_there_from_its_block_on(chain: Asker) -> None:
    before = chain.node.chain.head
    chain.node.chain.join(NEW, 9)
    chain.node.chain.write_uri(NEW, "https://new.example")
    assert await chain.pool() == [NEW, ACTIVE, JOINING]
    assert await chain.read(BONDING, contracts.FIRST_IN_POOL, at=before) == ACTIVE
    assert await chain.read(AI_REGISTRY, contracts.SERVICE_URI, NEW, at=before + 1) == ""
    logs = await chain.ask("eth_getLogs", {"fromBlock": hex(before), "toBlock": "latest"})
    assert [log["topics"][0] for log in logs] == [
        TOPICS[name] for name in ("TranscoderActivated", "TranscoderUpdate", "ServiceURIUpdate")
    ]
    assert [int(log["blockNumber"], 16) - before for log in logs] == [1, 1, 2]


async def test_logs_are_chosen_by_address_topic_and_block(chain: Asker) -> None:
    begins = hex(chain.node.chain.head)
    chain.node.chain.write_uri(NEW, "https://new.example", ai=False)
    chain.node.chain.write_uri(NEW, "https://new.example")
    chain.node.chain.new_round()

    async def found(**asked: object) -> int:
        return len(await chain.ask("eth_getLogs", {"fromBlock": begins, **asked}))

    assert await found() == 3
    assert await found(address=AI_REGISTRY.upper().replace("0X", "0x")) == 1
    assert await found(address=[AI_REGISTRY, BONDING]) == 1
    assert await found(topics=[[TOPICS["NewRound"], TOPICS["ServiceURIUpdate"]]]) == 3
    assert await found(topics=[None, "0x" + NEW[2:].zfill(64)]) == 2
    assert await found(topics=[None, None, None]) == 0
    assert await found(fromBlock="latest") == 1
    head = await chain.ask("eth_getBlockByNumber", "latest", False)
    assert len(await chain.ask("eth_getLogs", {"blockHash": head["hash"]})) == 1


async def test_blocks_come_by_themselves_and_hang_together(chain: Asker) -> None:
    first = int(await chain.ask("eth_blockNumber"), 16)
    chain.seconds += 10
    head = await chain.ask("eth_getBlockByNumber", "latest", False)
    assert int(head["number"], 16) == first + 40
    parent = await chain.ask("eth_getBlockByHash", head["parentHash"], False)
    assert int(parent["number"], 16) == first + 39
    assert int(head["timestamp"], 16) == 1_700_000_010
    assert await chain.ask("eth_getBlockByNumber", hex(first + 41), False) is None
    assert await chain.ask("eth_getBlockByHash", "0x" + "ab" * 32, False) is None


async def test_a_block_that_is_not_there_yet_is_refused(chain: Asker) -> None:
    call = Call(BONDING, contracts.POOL_SIZE).question(chain.node.chain.head + 1)
    refused = (await chain.answer(call.method, *call.params))["error"]
    assert (refused["code"], refused["message"]) == (-32000, "header not found")


async def test_of_the_past_only_headers_and_events_are_known(chain: Asker) -> None:
    begins = chain.node.chain.head
    logs = await chain.ask("eth_getLogs", {"fromBlock": "earliest"})
    assert [(log["topics"][0], int(log["topics"][1], 16)) for log in logs] == [
        (TOPICS["NewRound"], FIRST_ROUND),
        (TOPICS["TranscoderDeactivated"], int(LEAVING, 16)),
        (TOPICS["TranscoderActivated"], int(JOINING, 16)),
    ]
    for log in logs:
        header = await chain.ask("eth_getBlockByNumber", log["blockNumber"], False)
        assert header["hash"] == log["blockHash"]
        assert int(header["timestamp"], 16) < chain.seconds
    call = Call(BONDING, contracts.POOL_SIZE).question(begins - 1)
    assert (
        "missing trie node" in (await chain.answer(call.method, *call.params))["error"]["message"]
    )


async def test_rounds_are_counted_in_blocks_of_ethereum(chain: Asker) -> None:
    rounds = address_of("RoundsManager")
    start = await chain.read(rounds, contracts.ROUND_START_BLOCK)
    now = await chain.read(rounds, contracts.ROUND_BLOCK)
    assert now - start == 1200 // 12, "the round began 20 minutes ago"
    chain.seconds += 120
    assert await chain.read(rounds, contracts.ROUND_BLOCK) == now + 10
    head = await chain.ask("eth_getBlockByNumber", "latest", False)
    assert int(head["l1BlockNumber"], 16) == now + 10
    assert await chain.read(MULTICALL, contracts.BLOCK_NUMBER) == now + 10
    assert await chain.read(MULTICALL, contracts.BLOCK_TIME) == int(chain.seconds)
    height = await chain.read(contracts.ARB_SYS, contracts.ARB_BLOCK_NUMBER)
    assert height == int(head["number"], 16)
    chain.node.chain.pass_round()
    assert await chain.read(rounds, contracts.CURRENT_ROUND) == FIRST_ROUND + 1
    assert not await chain.read(rounds, contracts.ROUND_INITIALIZED)
    with pytest.raises(ChangeRefused, match="not initialized"):
        chain.node.chain.join(NEW, 1)


async def test_a_batch_is_answered_as_one(chain: Asker) -> None:
    asked = [{"jsonrpc": "2.0", "id": n, "method": "eth_chainId"} for n in (3, 1)]
    answers = await chain.post([*asked, "rubbish"])
    assert [(one["id"], one.get("result")) for one in answers] == [
        (3, "0xa4b1"),
        (1, "0xa4b1"),
        (None, None),
    ]
    assert (chain.node.requests, chain.node.calls["eth_chainId"]) == (1, 2)
    assert (await chain.post([]))["error"]["code"] == -32600


async def test_questions_are_counted_those_within_a_multicall_by_function(chain: Asker) -> None:
    inner = [(BONDING, True, contracts.IS_ACTIVE.data(one)) for one in (ACTIVE, GONE)]
    found = await chain.read(MULTICALL, AGGREGATE, inner)
    assert [bool(int.from_bytes(data)) for _, data in found] == [True, False]
    assert chain.node.calls == {"eth_call": 1}
    assert chain.node.functions == {"aggregate3": 1, "isActiveTranscoder": 2}


async def test_what_is_refused_gets_an_error_and_the_rest_an_answer(chain: Asker) -> None:
    chain.node.refuses.update({"getServiceURI", "eth_gasPrice"})
    call = Call(AI_REGISTRY, contracts.SERVICE_URI, (ACTIVE,)).question()
    assert "error" in await chain.answer(call.method, *call.params)
    assert "error" in await chain.answer("eth_gasPrice")
    assert await chain.active(ACTIVE)
    assert (await chain.answer("eth_nothing"))["error"]["code"] == -32601


async def test_on_another_chain_there_are_no_contracts(chain: Asker) -> None:
    assert await chain.ask("eth_getCode", BONDING, "latest") != "0x"
    chain.node.chain_id = 5
    assert await chain.ask("eth_chainId") == "0x5"
    assert await chain.ask("net_version") == "5"
    assert await chain.ask("eth_getCode", BONDING, "latest") == "0x"
    call = Call(BONDING, contracts.POOL_SIZE).question()
    assert await chain.ask(call.method, *call.params) == "0x"


async def test_only_who_has_the_key_is_answered_and_only_json(chain: Asker) -> None:
    assert (await chain.client.post(chain.node.url + "x", json={})).status_code == 401
    assert (await chain.client.post(chain.node.url, content=b"{")).status_code == 400
    chain.node.down = True
    with pytest.raises(httpx.TransportError):
        await chain.ask("eth_chainId")
    assert chain.node.requests == 0


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_call", []),
        ("eth_call", [{"to": BONDING, "data": "no data"}]),
        ("eth_call", ["text"]),
        ("eth_getBlockByNumber", ["tomorrow", False]),
        ("eth_getLogs", [{"topics": ["a", "b", "c", "d", "e"]}]),
        ("eth_getLogs", [{"address": 5}]),
        ("eth_getBlockByHash", [5]),
    ],
)
async def test_what_is_no_question_is_refused(chain: Asker, method: str, params: list[Any]) -> None:
    assert (await chain.answer(method, *params))["error"]["code"] == -32602

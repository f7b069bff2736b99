"""The node answers as nodes do, and the proxy does what it is told."""

import asyncio
from json import JSONDecodeError
from typing import Any

import httpx
import pytest

from exporter.ethereum.abi import unhex
from exporter.ethereum.contracts import (
    AGGREGATE,
    FIRST_IN_POOL,
    NOBODY,
    POOL_SIZE,
    TOPICS,
    TOTAL_STAKE,
)
from tests.ethereum import faults
from tests.ethereum.fault_proxy import Fault, FaultProxy
from tests.ethereum.livepeer import ADDRESSES, LPT, Livepeer, who
from tests.ethereum.rpc_node import RpcNode

BONDING = ADDRESSES["BondingManager"]


def call(method: str, *params: object, number: int = 0) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def eth_call(data: bytes, at: str = "latest", to: str = BONDING) -> dict[str, object]:
    return call("eth_call", {"to": to, "data": "0x" + data.hex()}, at)


def posted(url: str, body: object) -> httpx.Response:
    with httpx.Client(trust_env=False, verify=False, timeout=5) as client:
        return client.post(url, json=body)


def told(url: str, body: object) -> Any:
    return posted(url, body).json()


def result(url: str, method: str, *params: object) -> Any:
    return told(url, call(method, *params))["result"]


def refusal(url: str, body: object) -> tuple[int, str]:
    error = told(url, body)["error"]
    return error["code"], error["message"]


def test_the_node_answers_the_methods_that_are_asked(livepeer: Livepeer, node_url: str) -> None:
    livepeer.give_ether(who(1), 12345)
    assert result(node_url, "eth_chainId") == "0xa4b1"
    assert result(node_url, "net_version") == "42161"
    assert int(result(node_url, "eth_blockNumber"), 16) == livepeer.evm.height
    assert result(node_url, "eth_getBalance", who(1), "latest") == hex(12345)
    assert result(node_url, "eth_getBalance", who(1), "earliest") == "0x0"
    assert len(result(node_url, "eth_getCode", BONDING, "latest")) > 1000
    assert result(node_url, "eth_getCode", who(1), "latest") == "0x"
    assert result(node_url, "eth_gasPrice") == hex(10**8)
    assert result(node_url, "web3_clientVersion")


def test_the_chain_of_a_node_can_be_another(node: RpcNode, node_url: str) -> None:
    node.chain_id = 1
    assert result(node_url, "eth_chainId") == "0x1"


def test_unknown_methods_blocks_and_arguments_are_refused(node: RpcNode, node_url: str) -> None:
    node.evm.mine(3)
    assert refusal(node_url, call("eth_foo"))[0] == -32601
    assert refusal(node_url, eth_call(POOL_SIZE.data(), "0xffff")) == (-32000, "header not found")
    assert refusal(node_url, call("eth_getBalance"))[0] == -32602
    node.kept = 2
    code, words = refusal(node_url, eth_call(POOL_SIZE.data(), "0x0"))
    assert (code, words[:18]) == (-32000, "missing trie node ")


def test_a_revert_is_told_with_its_reason(node_url: str) -> None:
    bond = bytes.fromhex("00000000")
    error = told(node_url, eth_call(bond))["error"]
    assert (error["code"], error["message"]) == (3, "execution reverted")
    data = AGGREGATE.data([(BONDING, False, bond)])
    error = told(node_url, eth_call(data, to=ADDRESSES["Multicall3"]))["error"]
    assert error["message"] == "execution reverted: Multicall3: call failed"
    assert error["data"].startswith("0x08c379a0")


def test_blocks_are_found_by_number_and_hash(livepeer: Livepeer, node_url: str) -> None:
    block = result(node_url, "eth_getBlockByNumber", "latest", False)
    assert int(block["number"], 16) == livepeer.evm.height
    assert result(node_url, "eth_getBlockByHash", block["hash"], False) == block
    before = result(node_url, "eth_getBlockByHash", block["parentHash"], False)
    assert int(before["number"], 16) == livepeer.evm.height - 1
    assert result(node_url, "eth_getBlockByNumber", "0xffff", False) is None
    assert result(node_url, "eth_getBlockByHash", "0x" + "1" * 64, False) is None


def test_logs_are_filtered_by_block_address_and_topics(
    livepeer: Livepeer, node: RpcNode, node_url: str
) -> None:
    start = livepeer.evm.height + 1
    livepeer.set_uri(who(1), "a")
    livepeer.set_ai_uri(who(1), "b")
    livepeer.set_ai_uri(who(2), "c")
    written = TOPICS["ServiceURIUpdate"]
    second = "0x" + who(2)[2:].rjust(64, "0")

    def blocks(**wanted: object) -> list[int]:
        found = result(node_url, "eth_getLogs", {"fromBlock": hex(start), **wanted})
        return [int(log["blockNumber"], 16) - start for log in found]

    assert blocks() == [0, 1, 2]
    assert blocks(toBlock=hex(start + 1)) == [0, 1]
    assert blocks(address=ADDRESSES["AIServiceRegistry"]) == [1, 2]
    assert blocks(address=[ADDRESSES["ServiceRegistry"], BONDING]) == [0]
    assert blocks(topics=[[written, TOPICS["NewRound"]], second]) == [2]
    assert blocks(topics=[None, None, second]) == []
    assert blocks(topics=[TOPICS["NewRound"]]) == []
    node.logs_range = 2
    assert refusal(node_url, call("eth_getLogs", {"fromBlock": hex(start)}))[0] == -32602


def test_a_batch_is_answered_in_its_order(node_url: str) -> None:
    answers = told(node_url, [call("eth_chainId", number=7), call("eth_foo", number=3)])
    assert [one["id"] for one in answers] == [7, 3]
    assert "error" in answers[1]


def test_nobody_is_served_without_the_key(node_url: str, proxy: FaultProxy) -> None:
    for url in (node_url, proxy.url):
        assert posted(url.rpartition("/")[0] + "/guess", call("eth_chainId")).status_code == 401


def test_the_proxy_passes_on_and_counts(proxy: FaultProxy) -> None:
    assert result(proxy.url, "eth_chainId") == "0xa4b1"
    told(proxy.url, [call("eth_chainId"), call("eth_blockNumber", number=1)])
    assert (proxy.requests, proxy.batches) == (2, [2])
    assert proxy.methods == {"eth_chainId": 2, "eth_blockNumber": 1}
    proxy.forget()
    assert (proxy.requests, proxy.batches) == (0, [])


def test_scripted_faults_come_once_each_and_then_the_lasting_one(proxy: FaultProxy) -> None:
    proxy.next(faults.status(429, retry_after=3), faults.status(503))
    proxy.always(faults.status(401))
    asked = [posted(proxy.url, call("eth_chainId")) for _ in range(3)]
    assert [one.status_code for one in asked] == [429, 503, 401]
    assert asked[0].headers["Retry-After"] == "3"
    assert "Retry-After" not in asked[1].headers
    proxy.works()
    assert posted(proxy.url, call("eth_chainId")).status_code == 200


@pytest.mark.parametrize("fault", [faults.closed, faults.cut])
def test_a_connection_is_closed_before_and_within_an_answer(
    proxy: FaultProxy, fault: Fault
) -> None:
    proxy.always(fault)
    with pytest.raises(httpx.RemoteProtocolError):
        posted(proxy.url, call("eth_chainId"))


@pytest.mark.parametrize("fault", [faults.hang, faults.stall])
async def test_an_answer_does_not_come_or_not_to_its_end(proxy: FaultProxy, fault: Fault) -> None:
    proxy.always(fault)
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.post(proxy.url, json=call("eth_chainId"))
    assert proxy.requests == 1


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        (faults.web_page, b"<!doctype"),
        (faults.garbage, b'{"jsonrpc": "2.0", "id": 1, "resu'),
        (faults.nothing, b""),
        (faults.cut_json, b'{"jsonrpc":"2.0","'),
        (faults.huge(2**20), b'{"jsonrpc": "2.0", "id": 1, "result": "0x000'),
    ],
)
def test_a_body_is_no_answer(proxy: FaultProxy, fault: Fault, body: bytes) -> None:
    proxy.always(fault)
    answer = posted(proxy.url, call("eth_chainId"))
    assert answer.status_code == 200
    assert answer.content.startswith(body)
    with pytest.raises(JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(
    ("change", "ids"),
    [
        (faults.backwards, [2, 1, 0]),
        (faults.one_missing, [0, 1]),
        (faults.one_twice, [0, 1, 0]),
        (faults.one_more, [0, 1, 2, 987654321]),
    ],
)
def test_answers_of_a_batch_are_rearranged(
    proxy: FaultProxy, change: Fault, ids: list[int]
) -> None:
    proxy.always(change)
    answers = told(proxy.url, [call("eth_chainId", number=number) for number in range(3)])
    assert [one["id"] for one in answers] == ids


def test_batches_are_refused_in_several_ways(proxy: FaultProxy) -> None:
    two = [call("eth_chainId"), call("eth_chainId", number=1)]
    proxy.always(faults.no_batches(faults.single_error))
    assert refusal(proxy.url, two)[0] == -32600
    assert result(proxy.url, "eth_chainId") == "0xa4b1"
    proxy.always(faults.no_batches(faults.bad_request))
    assert posted(proxy.url, two).status_code == 400
    proxy.always(faults.batches_up_to(1, faults.too_large))
    assert posted(proxy.url, two).status_code == 413
    assert posted(proxy.url, two[:1]).status_code == 200


def test_single_calls_are_answered_with_errors_null_or_nothing(proxy: FaultProxy) -> None:
    proxy.always(faults.limit_exceeded)
    assert refusal(proxy.url, call("eth_chainId"))[0] == -32005
    proxy.always(faults.too_many)
    assert refusal(proxy.url, call("eth_chainId"))[0] == -32029
    proxy.always(faults.null_result)
    assert result(proxy.url, "eth_chainId") is None
    proxy.always(faults.empty_code)
    assert told(proxy.url, eth_call(POOL_SIZE.data()))["result"] == "0x"
    assert result(proxy.url, "eth_chainId") == "0xa4b1"
    proxy.always(faults.error(-32000, method="eth_call"))
    answers = told(proxy.url, [eth_call(POOL_SIZE.data()), call("eth_chainId", number=1)])
    assert ["error" in one for one in answers] == [True, False]
    proxy.always(faults.other_chain(1))
    assert result(proxy.url, "eth_chainId") == "0x1"


def test_a_lagging_node_knows_only_what_was(livepeer: Livepeer, proxy: FaultProxy) -> None:
    livepeer.join(who(1), LPT)
    livepeer.join(who(2), LPT)
    head = livepeer.evm.height
    newest = result(proxy.url, "eth_getBlockByNumber", "latest", False)["hash"]
    proxy.always(faults.lagging(1))
    assert int(result(proxy.url, "eth_blockNumber"), 16) == head - 1
    assert int(told(proxy.url, eth_call(POOL_SIZE.data()))["result"], 16) == 1
    assert refusal(proxy.url, eth_call(POOL_SIZE.data(), hex(head))) == (
        -32000,
        "header not found",
    )
    assert int(told(proxy.url, eth_call(POOL_SIZE.data(), hex(head - 1)))["result"], 16) == 1
    assert result(proxy.url, "eth_getBlockByNumber", hex(head), False) is None
    assert result(proxy.url, "eth_getBlockByHash", newest, False) is None
    activated = {"fromBlock": hex(0), "topics": [TOPICS["TranscoderActivated"]]}
    assert len(result(proxy.url, "eth_getLogs", activated)) == 1
    assert len(told(proxy.url, [eth_call(POOL_SIZE.data())])) == 1


def test_a_failing_node_says_that_the_pool_is_empty(livepeer: Livepeer, proxy: FaultProxy) -> None:
    livepeer.join(who(1), LPT)
    proxy.always(faults.empty_pool)
    first = told(proxy.url, eth_call(FIRST_IN_POOL.data()))["result"]
    assert FIRST_IN_POOL.read(unhex(first)) == NOBODY
    data = AGGREGATE.data(
        [(BONDING, True, POOL_SIZE.data()), (BONDING, True, TOTAL_STAKE.data(who(1)))]
    )
    given = told(proxy.url, eth_call(data, to=ADDRESSES["Multicall3"]))["result"]
    size, stake = AGGREGATE.read(unhex(given))
    assert POOL_SIZE.read(size[1]) == 0
    assert TOTAL_STAKE.read(stake[1]) == LPT


def test_each_request_takes_longer(proxy: FaultProxy) -> None:
    proxy.delay_ms = 50
    assert posted(proxy.url, call("eth_chainId")).elapsed.total_seconds() >= 0.05

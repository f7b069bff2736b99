"""What is asked of the nodes for what is asked of the relay, and that no answer is another's."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from exporter.ethereum.contracts import TOPICS
from exporter.ethereum.node import RefusedError
from exporter.ethereum.relay import heads, keeping
from exporter.ethereum.upstreams import Upstreams
from tests.ethereum.relay.chain import (
    CHAIN,
    FIRST,
    MANAGER,
    REGISTRY,
    ROUNDS,
    Chain,
    Node,
    call_object,
    poll_as_a_gateway_does,
    start_as_a_gateway_does,
)
from tests.ethereum.relay.relays import a_relay
from tests.waiting import until

BALANCE = call_object(MANAGER, "getSomethingElse()")
STAKE = call_object(MANAGER, "transcoderTotalStake(address)", 1)
URI = call_object(REGISTRY, "getServiceURI(address)", 1)


async def test_equal_calls_under_way_are_one_call(node: Node, upstreams: Upstreams) -> None:
    ask = a_relay(upstreams)
    node.hold = asyncio.Event()
    asked = [asyncio.create_task(ask("eth_gasPrice")) for _ in range(50)]
    await until(lambda: node.calls.total() > 0)
    node.hold.set()
    assert len(set(await asyncio.gather(*asked))) == 1
    assert node.calls["eth_gasPrice"] == 1
    assert ask.counts("eth_gasPrice") == (0, 49, 1, 0, 0)


async def test_who_leaves_does_not_take_the_answer_from_the_others(
    node: Node, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams)
    node.hold = asyncio.Event()
    first, second = (asyncio.create_task(ask("eth_gasPrice")) for _ in range(2))
    await until(lambda: node.calls.total() > 0)
    first.cancel()
    node.hold.set()
    assert await second
    assert node.calls["eth_gasPrice"] == 1


async def test_a_start_of_ten_gateways_costs_what_one_costs(
    node: Node, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=3600.0)
    made = await start_as_a_gateway_does(ask, 100)
    assert made == 718
    # Of the answers only a gas price may be over its time, on a machine that is that slow.
    alone = without_gas(node)
    assert (alone["eth_call"], alone["eth_getBlockByNumber"], alone["eth_chainId"]) == (714, 1, 2)
    assert node.sent == 716
    await asyncio.gather(*(start_as_a_gateway_does(ask, 100) for _ in range(9)))
    assert without_gas(node) == alone


def without_gas(node: Node) -> Counter[str]:
    return Counter({method: n for method, n in node.calls.items() if method != "eth_gasPrice"})


async def test_gateways_that_start_one_after_the_other_walk_the_pool_once(
    node: Node, chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=0.0)
    await start_as_a_gateway_does(ask, 100)
    before = Counter(node.calls)
    for _ in range(9):
        chain.head += 20
        await start_as_a_gateway_does(ask, 100)
    # Of each start the two readings of the round, the pool's size and the two of the sender are
    # made anew; for each, and for the newest block itself, there is a look for a newer one.
    asked = node.calls - before
    assert (asked["eth_call"], asked["eth_getBlockByNumber"]) == (9 * 5, 9 * 6)
    assert asked.keys() <= {"eth_call", "eth_getBlockByNumber", "eth_gasPrice"}


async def test_ten_gateways_that_poll_cost_what_one_costs(node: Node, upstreams: Upstreams) -> None:
    ask = a_relay(upstreams, fresh=3600.0)
    await asyncio.gather(*(poll_as_a_gateway_does(ask) for _ in range(10)))
    assert node.sent == 3
    assert node.calls == {
        "eth_chainId": 1,
        "eth_getBlockByNumber": 1,
        "eth_getLogs": 1,
        "eth_gasPrice": 1,
    }
    assert ask.counts("eth_getBlockByHash") == (10, 0, 0, 0, 0)


async def test_ten_gateways_that_walk_block_by_block_cost_what_one_costs(
    node: Node, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=3600.0)

    async def walk() -> None:
        newest = await ask("eth_getBlockByNumber", "latest", False)
        for number in range(int(newest["number"], 16) - 19, int(newest["number"], 16) + 1):
            block = await ask("eth_getBlockByNumber", hex(number), False)
            await ask("eth_getLogs", {"blockHash": block["hash"]})

    await asyncio.gather(*(walk() for _ in range(10)))
    assert (node.calls["eth_getBlockByNumber"], node.calls["eth_getLogs"]) == (20, 20)


async def test_the_newest_block_is_looked_for_when_it_is_over_its_time(
    chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=0.0)
    assert await ask("eth_blockNumber") == hex(FIRST)
    chain.head += 5
    assert await ask("eth_blockNumber") == hex(FIRST + 5)
    assert (await ask("eth_getBlockByNumber", "latest", False))["number"] == hex(FIRST + 5)


async def test_a_reading_at_the_newest_block_is_made_at_that_block_and_no_other(
    chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=3600.0)
    assert await ask("eth_blockNumber") == hex(FIRST)
    chain.head += 5
    assert await ask("eth_getBalance", MANAGER, "latest") == hex(FIRST)
    assert await ask("eth_getBalance", MANAGER, hex(FIRST + 5)) == hex(FIRST + 5)
    assert await ask("eth_getBalance", MANAGER) == hex(FIRST)


async def test_the_newest_block_never_goes_back(
    node: Node, second: Node, chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=0.0)
    assert await ask("eth_blockNumber") == hex(FIRST)
    second.lag = 7
    node.status = 503
    seen = [int(await ask("eth_blockNumber"), 16) for _ in range(3)]
    assert seen == [FIRST] * 3
    assert second.calls["eth_getBlockByNumber"] == 3
    second.lag = 0
    chain.head += 1
    assert await ask("eth_blockNumber") == hex(FIRST + 1)


async def test_a_reading_waits_for_a_node_that_lags(
    node: Node, second: Node, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=3600.0)
    await ask("eth_blockNumber")
    node.lag = second.lag = 2
    asked = asyncio.create_task(ask("eth_getBalance", MANAGER, "latest"))
    await until(lambda: second.calls["eth_getBalance"] > 1)
    second.lag = 0
    assert await asked == hex(FIRST)


async def test_logs_up_to_the_newest_block_are_not_taken_from_a_node_that_lags(
    node: Node, second: Node, chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=3600.0)
    await ask("eth_blockNumber")
    chain.logs.append((FIRST, MANAGER, []))
    node.lag = second.lag = 2
    wanted = {"fromBlock": hex(FIRST - 10), "toBlock": "latest"}
    asked = asyncio.create_task(ask("eth_getLogs", wanted))
    await until(lambda: node.calls["eth_getLogs"] > 1)
    node.lag = second.lag = 0
    assert [log["blockNumber"] for log in await asked] == [hex(FIRST)]


async def test_logs_of_a_range_that_is_not_over_are_not_kept(
    chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=3600.0)
    wanted = {"fromBlock": hex(FIRST - 10), "toBlock": hex(FIRST + 10)}
    assert await ask("eth_getLogs", wanted) == []
    chain.head += 10
    chain.logs.append((FIRST + 5, MANAGER, []))
    assert len(await ask("eth_getLogs", wanted)) == 1


async def test_what_is_of_an_old_block_is_asked_for_once(node: Node, upstreams: Upstreams) -> None:
    ask = a_relay(upstreams, fresh=0.0)
    await ask("eth_blockNumber")
    before = node.sent
    for _ in range(5):
        await ask("eth_call", BALANCE, hex(FIRST - 500))
        await ask("eth_getBlockByNumber", hex(FIRST - 500), False)
        await ask("eth_getBlockByHash", node.chain.hash(FIRST - 500), False)
    # The block by its hash is known from the one by its number.
    assert node.sent - before == 2


async def test_a_block_that_is_not_there_yet_is_asked_for_again(
    chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=3600.0)
    assert await ask("eth_getBlockByNumber", hex(FIRST + 1), False) is None
    chain.head += 1
    assert (await ask("eth_getBlockByNumber", hex(FIRST + 1), False))["number"] == hex(FIRST + 1)


async def test_after_blocks_were_replaced_none_of_the_old_ones_is_given(
    chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=0.0)
    old = await ask("eth_getBlockByNumber", "latest", False)
    assert await ask("eth_getBlockByNumber", hex(FIRST), False) == old
    chain.fork = FIRST
    chain.head += 1
    await ask("eth_blockNumber")
    new = await ask("eth_getBlockByNumber", hex(FIRST), False)
    assert new["hash"] == chain.hash(FIRST) != old["hash"]
    assert await ask("eth_getBlockByHash", old["hash"], False) == old


@pytest.mark.parametrize(
    ("method", "params", "wrong"),
    [
        ("eth_getBlockByNumber", ["0x10", False], {"number": "0x11", "hash": "0x", "x": 1}),
        (
            "eth_getBlockByHash",
            ["0x" + "1" * 64, False],
            {"number": "0x1", "hash": "0x" + "2" * 64},
        ),
        (
            "eth_getLogs",
            [{"blockHash": "0x" + "1" * 64}],
            [{"address": "0x", "blockNumber": "0x1"}],
        ),
        ("eth_getLogs", [{"fromBlock": "0x1", "toBlock": "0x2"}], [{"blockNumber": "0x3"}]),
        ("eth_getTransactionReceipt", ["0x" + "1" * 64], {"transactionHash": "0x" + "2" * 64}),
    ],
)
async def test_an_answer_about_something_else_is_none(
    node: Node, alone: Upstreams, method: str, params: list[Any], wrong: Any
) -> None:
    ask = a_relay(alone)
    await ask("eth_blockNumber")
    node.odd = lambda asked, _: wrong if asked == method else NotImplemented
    with pytest.raises(RefusedError, match="not about what was asked"):
        await ask(method, *params)
    assert ask.counts(method) == (0, 0, 0, 0, 1)


async def test_what_a_contract_refuses_at_a_block_is_asked_once(
    node: Node, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=3600.0)
    for _ in range(3):
        with pytest.raises(RefusedError, match="execution reverted"):
            await ask("eth_call", {"to": MANAGER, "data": "0xdead"}, "latest")
    assert node.calls["eth_call"] == 1


async def test_no_other_error_is_kept(node: Node, upstreams: Upstreams) -> None:
    ask = a_relay(upstreams, fresh=3600.0)
    await ask("eth_blockNumber")
    for _ in range(2):
        with pytest.raises(RefusedError, match="header not found"):
            await ask("eth_getBalance", MANAGER, hex(FIRST + 1))
    assert node.calls["eth_getBalance"] == 2


async def test_a_reading_of_the_pool_is_given_again_at_later_blocks(
    chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=0.0)
    before = await ask("eth_call", STAKE, "latest")
    chain.head += 100
    assert await ask("eth_call", STAKE, "latest") == before
    assert await ask("eth_call", STAKE, hex(chain.head)) != before
    other = await ask("eth_call", BALANCE, "latest")
    chain.head += 100
    assert await ask("eth_call", BALANCE, "latest") != other


async def test_a_gateway_that_was_told_of_a_change_reads_what_is_after_it(
    chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=0.0)
    stake, uri = [await ask("eth_call", of, "latest") for of in (STAKE, URI)]
    chain.head += 3
    chain.logs.append((chain.head, MANAGER, [TOPICS["TranscoderActivated"]]))
    assert len(await ask("eth_getLogs", {"blockHash": chain.hash(chain.head)})) == 1
    assert await ask("eth_call", STAKE, "latest") != stake
    assert await ask("eth_call", URI, "latest") == uri


async def test_a_new_round_ends_all_that_was_read_of_the_pool(
    chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=0.0)
    stake, uri = [await ask("eth_call", of, "latest") for of in (STAKE, URI)]
    chain.head += 3
    chain.logs.append((chain.head, ROUNDS, [TOPICS["NewRound"]]))
    await ask("eth_getLogs", {"fromBlock": hex(chain.head), "toBlock": hex(chain.head)})
    assert await ask("eth_call", STAKE, "latest") != stake
    assert await ask("eth_call", URI, "latest") != uri


async def test_the_pool_is_read_at_the_newest_block_where_that_is_wanted(
    chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=0.0, keep_pool=0.0)
    before = await ask("eth_call", STAKE, "latest")
    chain.head += 1
    assert await ask("eth_call", STAKE, "latest") != before


async def test_the_next_node_is_asked_when_one_fails(
    node: Node, second: Node, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams)
    node.status = 503
    assert await ask("eth_chainId") == hex(CHAIN)
    assert second.calls["eth_chainId"] == 2


async def test_a_short_failure_of_all_nodes_is_waited_out(
    node: Node, second: Node, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams)
    node.status = second.status = 503
    asked = asyncio.create_task(ask("eth_gasPrice"))
    await until(lambda: node.calls.total() > 0 and second.calls.total() > 0)
    node.status = 200
    assert await asked
    assert ask.relay.trouble is None


async def test_a_long_failure_of_all_nodes_is_told_without_their_urls(
    node: Node, second: Node
) -> None:
    nodes = [("first", node.url), ("second", second.url)]
    async with Upstreams(nodes, chain_id=CHAIN) as impatient:
        ask = a_relay(impatient)
        node.status = second.status = 503
        with pytest.raises(
            RefusedError, match=r"no Ethereum node answers: first: HTTP 503"
        ) as told:
            await ask("eth_gasPrice")
        assert "127.0.0.1" not in str(told.value)
        assert ask.relay.trouble == told.value.message
        assert ask.counts("eth_gasPrice") == (0, 0, 0, 0, 1)


@pytest.mark.parametrize(
    "method",
    [
        "eth_sendRawTransaction",
        "eth_sendTransaction",
        "eth_sign",
        "eth_signTransaction",
        "eth_signTypedData_v4",
        "personal_unlockAccount",
        "personal_sign",
        "eth_newFilter",
        "eth_subscribe",
        "eth_accounts",
        "admin_peers",
        "debug_traceCall",
        "txpool_content",
        "miner_start",
        "nothing\nat all",
    ],
)
async def test_what_does_not_read_is_refused_and_told_once(
    node: Node, upstreams: Upstreams, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    ask = a_relay(upstreams)
    for _ in range(3):
        with pytest.raises(RefusedError, match="the relay"):
            await ask(method, "0x00")
    assert node.calls.total() == 0
    assert ask.counts("other") == (0, 0, 0, 3, 0)
    assert len([one for one in caplog.records if "refused" in one.message]) == 1


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_call", [BALANCE, "pending"]),
        ("eth_getTransactionCount", [MANAGER, "pending"]),
        ("eth_call", []),
        ("eth_call", [BALANCE, 7]),
        ("eth_call", [BALANCE, "0x" + "f" * 17]),
        ("eth_call", [BALANCE, "yesterday"]),
        ("eth_call", [BALANCE, {"blockHash": "0x12"}]),
        ("eth_getBlockByNumber", []),
        ("eth_getBlockByNumber", ["latest", "yes"]),
        ("eth_getBlockByHash", ["0x12", False]),
        ("eth_getTransactionReceipt", [None]),
        ("eth_getLogs", []),
        ("eth_getLogs", [{"blockHash": "0x" + "1" * 64, "toBlock": "0x1"}]),
        ("eth_getLogs", [{"blockHash": ["0x1"]}]),
        ("eth_getLogs", [{"fromBlock": "pending"}]),
        ("eth_getStorageAt", [MANAGER]),
        ("eth_chainId", ["x"]),
    ],
)
async def test_parameters_that_are_not_those_of_the_method_are_refused(
    node: Node, upstreams: Upstreams, method: str, params: list[Any]
) -> None:
    ask = a_relay(upstreams)
    with pytest.raises(RefusedError, match=method) as told:
        await ask(method, *params)
    assert told.value.code == -32602
    assert node.sent == 0


async def test_more_than_the_nodes_may_be_asked_waits_and_then_is_refused(
    upstreams: Upstreams,
) -> None:
    ask = a_relay(upstreams, calls_per_second=0.01)
    await ask("eth_chainId")
    with pytest.raises(RefusedError, match=r"ethereum\.relay\.calls_per_second"):
        await ask("eth_gasPrice")


async def test_so_many_calls_a_second_go_to_the_nodes_and_no_more(upstreams: Upstreams) -> None:
    ask = a_relay(upstreams, calls_per_second=50.0)
    await ask("eth_chainId")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(ask("eth_getBalance", MANAGER, hex(n)) for n in range(20)))
    assert loop.time() - began >= 19 / 50


async def test_the_cache_stays_within_its_bytes(upstreams: Upstreams) -> None:
    ask = a_relay(upstreams, cache_bytes=10_000)
    await ask("eth_blockNumber")
    for number in range(100):
        await ask("eth_getBlockByNumber", hex(number + 1), False)
    assert 5_000 < ask.relay.report().cache_bytes <= 10_000


def test_the_times_that_the_documentation_names() -> None:
    assert (heads.FRESH, keeping.GAS, keeping.UNSETTLED) == (4.0, 10.0, 30.0)

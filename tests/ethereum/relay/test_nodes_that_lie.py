"""Nodes that lag, hang or say what cannot be: no gateway is told it, and the next node is asked."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

from exporter.ethereum.node import RefusedError
from exporter.ethereum.relay import clock, heads
from exporter.ethereum.upstreams import Upstreams
from tests.ethereum.relay.chain import FIRST, MANAGER, Chain, Node, call_object
from tests.ethereum.relay.relays import a_relay


async def test_a_first_node_that_lags_keeps_nobody_from_the_second(
    node: Node, chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=0.0)
    assert await ask("eth_blockNumber") == hex(FIRST)
    node.lag = 500
    chain.head += 20
    chain.logs.append((FIRST + 20, MANAGER, []))
    async with asyncio.timeout(5):
        assert await ask("eth_blockNumber") == hex(FIRST + 20)
        block = await ask("eth_getBlockByNumber", hex(FIRST + 19), False)
        assert block["number"] == hex(FIRST + 19)
        wanted = {"fromBlock": hex(FIRST), "toBlock": "latest"}
        assert len(await ask("eth_getLogs", wanted)) == 1
        digest = chain.hash(FIRST + 18)
        assert (await ask("eth_getBlockByHash", digest, False))["hash"] == digest


async def test_logs_of_old_blocks_are_not_taken_from_a_node_that_has_not_got_them(
    node: Node, second: Node, chain: Chain, upstreams: Upstreams
) -> None:
    ask = a_relay(upstreams, fresh=3600.0)
    chain.logs.append((FIRST - 100, MANAGER, []))
    await ask("eth_blockNumber")
    wanted = {"fromBlock": hex(FIRST - 150), "toBlock": hex(FIRST - 90)}
    node.lag = second.lag = 200
    with pytest.raises(RefusedError, match="unknown block"):
        await ask("eth_getLogs", wanted)
    node.lag = second.lag = 0
    assert len(await ask("eth_getLogs", wanted)) == 1


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "0x" + "f" * 17, "-0x1", "0x1_0", " 0x1"])
async def test_a_number_that_is_no_blocks_is_not_believed(
    node: Node, chain: Chain, alone: Upstreams, number: str
) -> None:
    ask = a_relay(alone, fresh=0.0)

    def odd(method: str, _: list[Any]) -> Any:
        if method != "eth_getBlockByNumber":
            return NotImplemented
        return chain.block(FIRST) | {"number": number}

    node.odd = odd
    with pytest.raises(RefusedError, match="not about what was asked for"):
        await ask("eth_blockNumber")
    msgspec.json.encode(ask.relay.report())
    node.odd = None
    assert await ask("eth_blockNumber") == hex(FIRST)


async def test_an_older_block_is_not_believed_because_nobody_asked_for_a_while(
    node: Node, alone: Upstreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = a_relay(alone, fresh=0.0)
    now, later = clock.now, 0.0
    monkeypatch.setattr(clock, "now", lambda: now() + later)
    assert await ask("eth_blockNumber") == hex(FIRST)
    node.lag = 7
    assert await ask("eth_blockNumber") == hex(FIRST)
    later = 2 * heads.LONGEST_BEHIND
    assert await ask("eth_blockNumber") == hex(FIRST)
    for _ in range(10):
        later += heads.LONGEST_BEHIND / 10
        found = await ask("eth_blockNumber")
    assert found == hex(FIRST - 7)


async def test_after_the_machine_slept_nothing_is_given_that_is_over_its_time(
    chain: Chain, alone: Upstreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = a_relay(alone, fresh=4.0, keep_pool=600.0)
    now, slept = clock.now, 0.0
    monkeypatch.setattr(clock, "now", lambda: now() + slept)
    stake = call_object(MANAGER, "transcoderTotalStake(address)", 1)
    before = await ask("eth_blockNumber"), await ask("eth_call", stake, "latest")
    chain.head += 5000
    slept = 1000.0
    after = await ask("eth_blockNumber"), await ask("eth_call", stake, "latest")
    assert before[0] == hex(FIRST)
    assert after[0] == hex(FIRST + 5000)
    assert before[1] != after[1]


def test_the_age_of_answers_goes_on_while_the_machine_sleeps() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= clock.now() <= time.clock_gettime(time.CLOCK_BOOTTIME)

"""The relay before a real EVM with Livepeer's functions: it gives what the chain says."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from exporter.ethereum.abi import Call, unhex
from exporter.ethereum.contracts import (
    CURRENT_ROUND,
    FIRST_IN_POOL,
    IS_ACTIVE,
    NEXT_IN_POOL,
    NOBODY,
    SERVICE_URI,
    TOPICS,
    TOTAL_STAKE,
)
from exporter.ethereum.node import Question
from exporter.ethereum.relay.relay import Relay
from exporter.ethereum.relay.server import relay_app
from exporter.ethereum.upstreams import Upstreams
from tests.ethereum.fault_proxy import FaultProxy
from tests.ethereum.faults import status
from tests.ethereum.fixtures import livepeer, make_proxy, node, node_url, proxy  # noqa: F401 - fixtures
from tests.ethereum.livepeer import ADDRESSES, LPT, Livepeer, who
from tests.ethereum.relay.chain import CHAIN

BONDING, REGISTRY, ROUNDS = (
    ADDRESSES[name] for name in ("BondingManager", "ServiceRegistry", "RoundsManager")
)


@pytest.fixture
async def through(proxy: FaultProxy) -> AsyncIterator[Upstreams]:  # noqa: F811 - the rig's fixture
    """A client of the relay, which asks the node through the proxy."""
    async with Upstreams([("evm", proxy.url)], chain_id=CHAIN, patience=10.0) as nodes:
        relay = Relay(
            nodes, cache_bytes=2**22, calls_per_second=10_000.0, keep_pool=600.0, fresh=0.0
        )
        async with TestServer(relay_app(relay, "token")) as server:
            at = str(server.make_url("/token"))
            async with Upstreams([("relay", at)], chain_id=CHAIN, timeout=20.0) as client:
                yield client


async def read(client: Upstreams, call: Call) -> Any:
    return call.function.read(unhex(await client.ask(call.question())))


async def pool(client: Upstreams) -> list[tuple[str, int, bool, str]]:
    """Everybody in it, as a starting gateway walks it."""
    found = []
    member = await read(client, Call(BONDING, FIRST_IN_POOL))
    while member != NOBODY:
        found.append(
            (
                member,
                await read(client, Call(BONDING, TOTAL_STAKE, (member,))),
                await read(client, Call(BONDING, IS_ACTIVE, (member,))),
                await read(client, Call(REGISTRY, SERVICE_URI, (member,))),
            )
        )
        member = await read(client, Call(BONDING, NEXT_IN_POOL, (member,)))
    return found


async def newest_logs(client: Upstreams) -> list[Any]:
    """The logs of the newest block, as a running gateway asks for them."""
    block = await client.ask(Question("eth_getBlockByNumber", ("latest", False)))
    wanted = {"blockHash": block["hash"], "topics": [list(TOPICS.values())]}
    found: list[Any] = await client.ask(Question("eth_getLogs", (wanted,)))
    return found


def joined(livepeer: Livepeer, number: int) -> None:  # noqa: F811 - the rig's
    livepeer.join(who(number), number * LPT)
    livepeer.set_uri(who(number), f"https://{number}.example:8935")


async def test_a_walk_is_given_again_until_the_chain_tells_of_a_change(
    livepeer: Livepeer,  # noqa: F811 - the rig's fixture
    proxy: FaultProxy,  # noqa: F811 - the rig's fixture
    through: Upstreams,
) -> None:
    for number in (1, 2, 3):
        joined(livepeer, number)
    livepeer.new_round()
    first = await pool(through)
    assert first == [
        (who(number), number * LPT, True, f"https://{number}.example:8935") for number in (3, 2, 1)
    ]
    proxy.forget()
    livepeer.evm.mine(3)
    assert await pool(through) == first
    assert proxy.methods["eth_call"] == 0
    livepeer.set_uri(who(2), "https://moved.example:8935")
    assert len(await newest_logs(through)) == 1
    assert [uri for *_, uri in await pool(through)] == [
        "https://3.example:8935",
        "https://moved.example:8935",
        "https://1.example:8935",
    ]
    # Only the registry told of something: what was read of the others holds.
    assert proxy.methods["eth_call"] == 3


async def test_a_new_round_that_makes_somebody_active_is_seen_by_who_was_told_of_it(
    livepeer: Livepeer,  # noqa: F811 - the rig's fixture
    through: Upstreams,
) -> None:
    joined(livepeer, 1)
    assert [active for _, _, active, _ in await pool(through)] == [False]
    before = await read(through, Call(ROUNDS, CURRENT_ROUND))
    livepeer.new_round()
    assert await read(through, Call(ROUNDS, CURRENT_ROUND)) == before + 1
    assert TOPICS["NewRound"] in (await newest_logs(through))[0]["topics"]
    assert [active for _, _, active, _ in await pool(through)] == [True]


async def test_a_walk_goes_on_while_the_node_is_too_busy_for_a_moment(
    livepeer: Livepeer,  # noqa: F811 - the rig's fixture
    proxy: FaultProxy,  # noqa: F811 - the rig's fixture
    through: Upstreams,
) -> None:
    joined(livepeer, 1)
    walk = asyncio.create_task(pool(through))
    proxy.next(*[status(429, retry_after=1)] * 2)
    assert [member for member, *_ in await walk] == [who(1)]

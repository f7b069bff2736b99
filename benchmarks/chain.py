"""What the chain costs in calls: reading the set, and gateways with and without the relay.

Run with `python -m benchmarks.chain`; takes six minutes, in which little else happens than waiting
for an Ethereum node that answers after 100 ms. It is the simulated one, whose contracts answer as
real ones do, on the same machine: what a slow line adds is not in the seconds.

First: the set of 100 and of 1,000 orchestrators, read for the first time and again when nothing
has changed, by the chain source in its three ways and by go-livepeer's walk (6 calls a member, one
after the other, then one each at once). All ways of one size run at once, each with a node of its
own. Where one call after the other would take minutes, the calls are counted at a node that answers
at once, and the seconds are reckoned: 0.1 for each call that waits for the one before.

Then: what gateways ask, with the calls of the simulated gateway. Measured are the start of all
lanes at once, later starts, and a minute of running. A round of 100 orchestrators and a day are
reckoned from these: each orchestrator means a start, since a gateway is pinned when it starts, and
all lanes run all the time. How long a lane stays with one orchestrator is assumed (`STAY`).
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from benchmarks._table import Cell, print_table
from exporter.discovery.chain.reader import Reader
from exporter.ethereum.relay.server import new_token
from exporter.ethereum.relay.serving import a_relay, listen, served, url_of
from exporter.ethereum.upstreams import Upstreams
from exporter.settings.ethereum import CONTROLLER, Ethereum, Relay
from exporter.simulation.chain.node import ChainNode
from exporter.simulation.chain.state import Registered
from exporter.simulation.gateway.chain_reader import ChainReader
from exporter.simulation.gateway.clock import Clock
from exporter.simulation.gateway.flags import parse
from exporter.simulation.gateway.glog import GatewayLog, drop

DELAY: Final = 0.1
SIZES: Final = (100, 1000)
TOO_MANY: Final = 300
"""Members from which on one call after the other takes too long."""
WAYS: Final[Mapping[str, dict[str, Any]]] = {
    "Multicall3": {},
    "batches of 50": {"multicall": None},
    "single calls": {"multicall": None, "batch": 1},
}
LANES: Final = (4, 20)
ROUND: Final = 100
"""Orchestrators of a round."""
STAY: Final = 120.0
"""Seconds that a lane is pinned to one orchestrator: its start, and some jobs of 10 s."""
RUNNING: Final = 60.0
"""Seconds for which running lanes are watched."""
LATER: Final = 5
"""Later starts that are measured."""
POLLS_A_MINUTE: Final = 12
DAY: Final = 86400.0
ACCOUNT: Final = "0x" + "ac" * 20


class Taken(NamedTuple):
    """What one reading took."""

    requests: int
    calls: int
    seconds: float


class Asked(NamedTuple):
    """Calls that reached a node."""

    at_once: int
    """While all lanes started at the same time."""
    later: float
    """For each later start."""
    minute: float
    """In a minute in which all lanes run."""


async def main() -> None:
    for size in SIZES:
        print_table(
            f"Reading the set of {size:,} orchestrators, at {1000 * DELAY:.0f} ms a request",
            ["way", "reading", "HTTP requests", "calls", "seconds", ""],
            await readings(size),
        )
    direct, *relayed = await asyncio.gather(alone(), *(through_relay(lanes) for lanes in LANES))
    rows: list[list[Cell]] = [["ask a node themselves", 1, *direct]]
    for lanes, found in zip(LANES, relayed, strict=True):
        rows.append(["ask the relay", lanes, *found])
    print_table(
        f"Calls that reach a node, with a list of {ROUND} orchestrators",
        ["gateways", "lanes", "all start at once", "each later start", "a minute of running"],
        rows,
    )
    print_table(
        f"The same for a round of {ROUND} orchestrators, {STAY:.0f} s each, and for a day of such "
        "rounds without a pause",
        ["lanes", "minutes a round", "round", "with relay", "day", "with relay", "part"],
        [reckoned(lanes, direct, found) for lanes, found in zip(LANES, relayed, strict=True)],
    )


async def readings(size: int) -> list[list[Cell]]:
    found = await asyncio.gather(*(read_by(size, how) for how in WAYS.values()), walked(size))
    rows: list[list[Cell]] = []
    for way, takens in zip([*WAYS, "go-livepeer's walk"], found, strict=True):
        in_a_row = way not in ("Multicall3", "batches of 50")
        note = "reckoned" if in_a_row and size >= TOO_MANY else ""
        for reading, taken in zip(("first", "unchanged"), takens, strict=True):
            rows.append([way, reading, *taken, note])
    return rows


async def read_by(size: int, how: dict[str, Any]) -> list[Taken]:
    """Two readings by the chain source."""
    reckon = how.get("batch") == 1 and size >= TOO_MANY
    async with a_chain(size, delay=0.0 if reckon else DELAY) as node:
        settings = Ethereum.model_validate({"rpc": [{"url": node.url}], **how})
        async with Upstreams.of(settings) as upstreams:
            reader, before, takens = Reader(upstreams, settings, members=10 * size), None, []
            for _ in range(2):
                forget(node)
                started = time.perf_counter()
                before = await reader.read(before)
                seconds = time.perf_counter() - started + (DELAY * node.requests if reckon else 0)
                assert len(before.registered) == size
                takens.append(Taken(node.requests, node.calls.total(), seconds))
    return takens


async def walked(size: int) -> list[Taken]:
    """Two walks by a gateway, which has no other way to read the set again."""
    reckon = size >= TOO_MANY
    async with a_chain(size, delay=0.0 if reckon else DELAY) as node, a_gateway(node.url) as chain:
        takens = []
        for _ in range(2):
            forget(node)
            started = time.perf_counter()
            await chain.walk()
            in_a_row = 6 * size + 2
            seconds = time.perf_counter() - started + (DELAY * in_a_row if reckon else 0)
            takens.append(Taken(node.requests, node.calls.total(), seconds))
    return takens


async def alone() -> Asked:
    """One gateway that asks a node: others beside it do the same, and know nothing of it."""
    async with a_chain(ROUND, delay=DELAY) as node, a_gateway(node.url, walks=True) as chain:
        started = node.calls.total()
        forget(node)
        minute = await running(node, [chain])
    return Asked(started, started, minute)


async def through_relay(lanes: int) -> Asked:
    async with a_chain(ROUND, delay=DELAY) as node, relay_to(node) as url:
        stack = [a_gateway(url, walks=True) for _ in range(lanes)]
        chains = await asyncio.gather(*(one.__aenter__() for one in stack))
        at_once = node.calls.total()
        forget(node)
        for _ in range(LATER):
            async with a_gateway(url, walks=True):
                pass
        later = node.calls.total() / LATER
        forget(node)
        minute = await running(node, chains)
        await asyncio.gather(*(one.__aexit__(None, None, None) for one in stack))
    return Asked(at_once, later, minute)


async def running(node: ChainNode, chains: list[ChainReader]) -> float:
    """Calls of a minute; lanes that started at different times do not poll at the same time."""
    tasks = []
    for chain in chains:
        tasks.append(asyncio.create_task(chain.keep()))
        await asyncio.sleep(RUNNING / POLLS_A_MINUTE / len(chains))
    forget(node)
    await asyncio.sleep(RUNNING)
    asked = node.calls.total()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return asked * 60 / RUNNING


def reckoned(lanes: int, direct: Asked, relayed: Asked) -> list[Cell]:
    """A round and a day, with the relay reading the list anew as often as its settings say."""
    minutes = math.ceil(ROUND / lanes) * STAY / 60
    later = ROUND - lanes
    without = ROUND * direct.later + lanes * minutes * direct.minute
    anew = max(0.0, minutes * 60 / Relay().keep_pool - 1) * relayed.at_once
    with_relay = relayed.at_once + later * relayed.later + anew + minutes * relayed.minute
    rounds = DAY / 60 / minutes
    each_day = rounds * (ROUND * relayed.later + minutes * relayed.minute)
    each_day += DAY / Relay().keep_pool * relayed.at_once
    return [
        lanes,
        minutes,
        round(without),
        round(with_relay),
        round(rounds * without),
        round(each_day),
        f"{each_day / (rounds * without):.1%}",
    ]


def forget(node: ChainNode) -> None:
    """Count from here on."""
    node.calls.clear()
    node.requests = 0


@asynccontextmanager
async def a_chain(size: int, *, delay: float) -> AsyncIterator[ChainNode]:
    members = [
        Registered(f"0x{number:040x}", "", f"https://o{number}.example:8935", stake=number * 10**18)
        for number in range(1, size + 1)
    ]
    node = ChainNode(members, "key", pool_limit=size)
    node.delay = delay
    node.chain.fund(ACCOUNT, deposit=10**17, reserve=36 * 10**16)
    await node.start()
    try:
        yield node
    finally:
        await node.stop()


@asynccontextmanager
async def relay_to(node: ChainNode) -> AsyncIterator[str]:
    settings = Ethereum.model_validate({"rpc": [{"url": node.url}]})
    token, listener = new_token(), listen(settings.relay.listen)
    async with a_relay(settings) as relay, served(relay, token, listener):
        yield url_of(listener, token)


@asynccontextmanager
async def a_gateway(url: str, *, walks: bool = False) -> AsyncIterator[ChainReader]:
    """What a gateway asks at its start, and its walk in the background, which is waited for."""
    flags = ["-gateway", "-network", "arbitrum-one-mainnet", "-ethUrl", url, "-aiServiceRegistry"]
    chain = ChainReader(parse(flags), GatewayLog(drop, 0), Clock())
    try:
        await chain.node.number("eth_chainId")
        await chain.begin(ACCOUNT, CONTROLLER, reward=False)
        if walks:
            await chain.walk()
        yield chain
    finally:
        await chain.close()


if __name__ == "__main__":
    asyncio.run(main())

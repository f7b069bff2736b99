"""What failing nodes and wrong settings give is never taken for the set."""

from collections.abc import Callable
from typing import Any

import pytest
from eth_abi.abi import decode, encode

from exporter.discovery.chain.reader import Reader
from exporter.ethereum import contracts
from exporter.ethereum.abi import Function, unhex
from exporter.ethereum.contracts import AGGREGATE, NOBODY
from exporter.ethereum.node import EthereumError
from exporter.ethereum.upstreams import Upstreams
from exporter.model import NANOSECONDS
from exporter.settings.ethereum import MULTICALL
from tests.discovery.chain.chains import MEMBERS, ethereum, populate, read, reader
from tests.ethereum import faults
from tests.ethereum.fault_proxy import Fault, FaultProxy
from tests.ethereum.livepeer import Livepeer, who
from tests.ethereum.rpc_node import RpcNode

Change = Callable[[bytes, bytes], bytes]
"""Makes another answer of call data and answer."""


def lying(change: Change) -> Fault:
    """A node whose contracts answer otherwise, within multicalls too."""

    def other(data: bytes, given: bytes) -> bytes:
        if data[:4] != AGGREGATE.data([])[:4]:
            return change(data, given)
        (calls,) = decode(AGGREGATE.takes, data[4:])
        pairs = zip(calls, AGGREGATE.read(given), strict=True)
        changed = [(good, change(call[2], one)) for call, (good, one) in pairs]
        return encode(AGGREGATE.gives, [changed])

    def answer(call: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        if call["method"] != "eth_call" or "result" not in given:
            return given
        data = unhex(call["params"][0]["data"])
        return {**given, "result": "0x" + other(data, unhex(given["result"])).hex()}

    return faults.changed(answer)


def gives(function: Function, value: object, *arguments: object) -> Fault:
    """That one function gives something else, if asked about that."""
    wanted = function.data(*arguments)
    return lying(lambda data, given: encode(function.gives, [value]) if data == wanted else given)


async def refused(proxy: FaultProxy, fault: Fault, livepeer: Livepeer) -> str:
    """What is said to a fault; one who knew the set goes on from it afterwards."""
    populate(livepeer, range(1, 6))
    async with reader(proxy.url) as someone:
        before = await someone.read()
        proxy.always(fault)
        with pytest.raises(EthereumError) as later:
            await someone.read(before)
        proxy.works()
        assert (await someone.read(before)).registered == before.registered
    proxy.always(fault)
    with pytest.raises(EthereumError) as first:
        await read(proxy.url)
    assert str(first.value) == str(later.value)
    return str(first.value)


async def test_an_empty_pool(livepeer: Livepeer, proxy: FaultProxy) -> None:
    said = await refused(proxy, faults.empty_pool, livepeer)
    assert said.startswith("the pool is empty, which is not believed")
    assert "`ethereum.controller`" in said


async def test_a_pool_that_goes_round_in_a_circle(livepeer: Livepeer, proxy: FaultProxy) -> None:
    fault = gives(contracts.NEXT_IN_POOL, who(5), who(3))
    said = await refused(proxy, fault, livepeer)
    assert said == f"what the node answers cannot be: the pool goes round in a circle at {who(5)}"


async def test_a_pool_that_is_shorter_than_it_says(livepeer: Livepeer, proxy: FaultProxy) -> None:
    fault = gives(contracts.NEXT_IN_POOL, NOBODY, who(3))
    said = await refused(proxy, fault, livepeer)
    assert said == "what the node answers cannot be: a pool of 5 in which 3 are linked"


async def test_a_pointer_that_is_no_address(livepeer: Livepeer, proxy: FaultProxy) -> None:
    asked = contracts.NEXT_IN_POOL.data(who(3))
    fault = lying(lambda data, given: b"\xff" * 32 if data == asked else given)
    said = await refused(proxy, fault, livepeer)
    assert "the answer to getNextTranscoderInPool is not what it gives" in said


async def test_round_zero(livepeer: Livepeer, proxy: FaultProxy) -> None:
    said = await refused(proxy, gives(contracts.CURRENT_ROUND, 0), livepeer)
    assert said == "what the node answers cannot be: round 0"


async def test_a_round_that_goes_back(livepeer: Livepeer, proxy: FaultProxy) -> None:
    populate(livepeer, range(1, 6))
    async with reader(proxy.url) as someone:
        before = await someone.read()
        proxy.always(gives(contracts.CURRENT_ROUND, 3000))
        with pytest.raises(EthereumError, match="round 3000 after round 3501"):
            await someone.read(before)


async def test_a_node_that_is_behind(livepeer: Livepeer, proxy: FaultProxy) -> None:
    populate(livepeer, range(1, 6))
    livepeer.evm.mine(10)
    async with reader(proxy.url) as someone:
        before = await someone.read()
        proxy.always(faults.lagging(3))
        with pytest.raises(EthereumError, match="the nodes are behind: their newest block is"):
            await someone.read(before)
        livepeer.evm.mine(4)
        assert (await someone.read(before)).state.block == before.state.block + 1


async def test_most_of_the_pool_gone_at_once_without_an_end(
    livepeer: Livepeer, proxy: FaultProxy
) -> None:
    populate(livepeer, range(1, 6))
    shorter = {
        contracts.NEXT_IN_POOL.data(who(4)): encode(["address"], [NOBODY]),
        contracts.POOL_SIZE.data(): encode(["uint256"], [2]),
    }
    async with reader(proxy.url) as someone:
        before = await someone.read()
        proxy.always(lying(shorter.get))
        with pytest.raises(EthereumError, match="3 of 5 left the pool at once, and 3 of them"):
            await someone.read(before)


async def test_most_of_the_pool_gone_at_once_as_the_contract_knows(
    livepeer: Livepeer, node_url: str
) -> None:
    populate(livepeer, range(1, 6))
    async with reader(node_url) as someone:
        before = await someone.read()
        with livepeer.together():
            for number in (1, 2, 3, 4):
                livepeer.unbond(who(number), number * 10**18)
        after = await someone.read(before)
    assert after.state.pool_size == 1
    assert len(after.registered) == 5


async def test_more_members_than_the_settings_allow(livepeer: Livepeer, node_url: str) -> None:
    populate(livepeer, range(1, 6))
    assert len((await read(node_url, members=5)).registered) == 5
    with pytest.raises(EthereumError, match=r"more than 4 members.*`sources.chain.members`"):
        await read(node_url, members=4)


async def test_another_chain(livepeer: Livepeer, node: RpcNode, node_url: str) -> None:
    populate(livepeer, range(1, 6))
    node.chain_id = 1
    with pytest.raises(EthereumError, match=r"chain 1; expected 42161 \(`ethereum.chain_id`\)"):
        await read(node_url)


async def test_no_contract_at_the_controllers_address(node_url: str) -> None:
    for multicall in (None, MULTICALL):
        with pytest.raises(
            EthereumError, match=r"no contract at 0xaa.*: see `ethereum.controller`"
        ):
            await read(node_url, controller=who(1), multicall=multicall)


async def test_another_contract_in_the_controllers_place(node_url: str) -> None:
    for multicall in (None, MULTICALL):
        with pytest.raises(EthereumError, match="knows no BondingManager: it is not Livepeer's"):
            await read(
                node_url,
                controller="0x04c0b249740175999e5bf5c9ac1da92431ef34c5",
                multicall=multicall,
            )


async def test_a_controller_that_knows_nobody(livepeer: Livepeer, node_url: str) -> None:
    livepeer.set_contract("BondingManager", NOBODY)
    with pytest.raises(EthereumError, match="knows no BondingManager"):
        await read(node_url)


async def test_no_contract_where_the_ai_registry_should_be(
    livepeer: Livepeer, node_url: str
) -> None:
    populate(livepeer, range(1, 6))
    with pytest.raises(EthereumError, match=r"gives getServiceURI: see `ethereum.ai_registry`"):
        await read(node_url, ai_registry=who(1))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.web_page, "a web page: this is no JSON-RPC URL"),
        (faults.status(401, "no"), "HTTP 401: it refuses the key in its URL"),
        (faults.status(429), "it is asked too much"),
        (faults.empty_code, "it does not say which chain it is of|no contract"),
        (faults.garbage, "something that is no JSON"),
    ],
)
async def test_a_node_that_is_none_and_no_url_is_told(
    proxy: FaultProxy, fault: Fault, words: str
) -> None:
    proxy.always(fault)
    with pytest.raises(EthereumError, match=words) as error:
        await read(proxy.url)
    assert "rpc-1" in str(error.value) or "0xd8" in str(error.value)
    assert proxy.key not in str(error.value)
    assert "127.0.0.1" not in str(error.value)


async def test_a_chain_that_was_begun_anew_is_read_like_one_that_was_never_read(
    livepeer: Livepeer, node: RpcNode, node_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    populate(livepeer, range(1, 6))
    livepeer.evm.mine(50)
    before = await read(node_url)
    anew = Livepeer()
    populate(anew, range(3, 9))
    node.evm = anew.evm
    anew_time = anew.evm.header(anew.evm.height).timestamp
    old = before.state.block_time // 10**9
    if anew_time <= old:
        before = older(before)
    found = await read(node_url, before)
    assert [one.orchestrator for one in found.registered] == [who(n) for n in range(3, 9)]
    assert "the chain was begun anew" in caplog.text


def older(reading: Any) -> Any:
    """Time of a chain for development may run ahead."""
    import msgspec

    state = msgspec.structs.replace(reading.state, block_time=1)
    return msgspec.structs.replace(reading, state=state)


def test_a_reader_shows_no_url() -> None:
    chosen = ethereum("https://rpc.example/k3y")
    someone = Reader(Upstreams.of(chosen), chosen, members=10)
    assert "k3y" not in repr(vars(someone))


@pytest.fixture
def second(make_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
    """Another way to the same chain, that works."""
    return make_proxy("an0ther-key")


NOT_BELIEVED = {
    "no code": (faults.empty_code, "there is no contract at"),
    "an empty pool": (faults.empty_pool, "the pool is empty"),
    "a circle": (gives(contracts.NEXT_IN_POOL, who(5), who(3)), "goes round in a circle"),
    "refusals": (faults.error(-32000, "not today", "eth_call"), "knows no BondingManager"),
}


@pytest.mark.parametrize("name", NOT_BELIEVED)
@pytest.mark.parametrize("multicall", [MULTICALL, None])
async def test_where_a_node_is_not_believed_the_next_is_read_and_the_reason_told(
    livepeer: Livepeer, proxy: FaultProxy, second: FaultProxy, name: str, multicall: str | None
) -> None:
    fault, words = NOT_BELIEVED[name]
    populate(livepeer, range(1, 6))
    proxy.always(fault)
    chosen = ethereum(proxy.url, second.url, multicall=multicall)
    async with Upstreams.of(chosen) as nodes:
        someone = Reader(nodes, chosen, members=MEMBERS)
        before = await someone.read()
        assert len(before.registered) == 5
        first, other = nodes.states
        assert (first.up, other.up, other.error) == (False, True, None)
        assert first.error is not None
        assert first.error.startswith("it is not believed: ")
        assert words in first.error
        second.forget()
        assert (await someone.read(before)).registered == before.registered
        if multicall is not None:
            assert second.requests == 1, "a node without state says nothing of Multicall3"


async def test_a_node_that_is_behind_is_passed_over_for_one_that_is_not(
    livepeer: Livepeer, proxy: FaultProxy, second: FaultProxy
) -> None:
    populate(livepeer, range(1, 6))
    livepeer.evm.mine(10)
    async with reader(proxy.url, second.url) as someone:
        before = await someone.read()
        livepeer.evm.mine(1)
        proxy.always(faults.lagging(5))
        assert (await someone.read(before)).state.block == livepeer.evm.height


async def test_where_all_nodes_say_the_same_none_is_blamed_and_all_are_asked_again(
    livepeer: Livepeer, proxy: FaultProxy, second: FaultProxy
) -> None:
    populate(livepeer, range(1, 6))
    chosen = ethereum(proxy.url, second.url, ai_registry=who(1))
    async with Upstreams.of(chosen) as nodes:
        someone = Reader(nodes, chosen, members=MEMBERS)
        for _ in range(2):
            with pytest.raises(EthereumError, match=r"see `ethereum.ai_registry`"):
                await someone.read()
            assert [(one.up, one.error) for one in nodes.states] == [(True, None)] * 2
        assert proxy.requests > 0
        assert second.requests > 0


async def test_a_node_that_is_not_believed_is_not_blamed_while_the_other_is_down(
    livepeer: Livepeer, proxy: FaultProxy, second: FaultProxy
) -> None:
    populate(livepeer, range(1, 6))
    proxy.always(faults.empty_pool)
    second.always(faults.closed)
    chosen = ethereum(proxy.url, second.url)
    async with Upstreams.of(chosen) as nodes:
        someone = Reader(nodes, chosen, members=MEMBERS)
        with pytest.raises(EthereumError, match="the pool is empty"):
            await someone.read()
        assert [one.up for one in nodes.states] == [True, False]
        proxy.works()
        assert len((await someone.read()).registered) == 5


async def test_a_node_that_does_not_follow_the_chain_is_passed_over_for_one_that_does(
    livepeer: Livepeer, proxy: FaultProxy, second: FaultProxy
) -> None:
    populate(livepeer, range(1, 6))
    made = livepeer.evm.header(livepeer.evm.height).timestamp
    livepeer.evm.pass_time(2 * 3600)
    proxy.always(faults.lagging(1))
    chosen = ethereum(proxy.url, second.url)
    now = (made + 2 * 3600) * NANOSECONDS
    async with Upstreams.of(chosen) as nodes:
        someone = Reader(nodes, chosen, members=MEMBERS, now=lambda: now)
        assert (await someone.read()).state.block == livepeer.evm.height
        assert "does not follow the chain" in str(nodes.states[0].error)
    async with reader(proxy.url) as alone:
        alone._now = lambda: now
        assert (await alone.read()).state.block == livepeer.evm.height - 1

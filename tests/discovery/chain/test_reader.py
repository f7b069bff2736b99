"""What is read of the contracts, with the traps that they hold."""

import math
from collections.abc import Callable, Iterator

import pytest

from exporter.discovery.chain.reading import Reading
from exporter.ethereum.contracts import TOTAL_STAKE
from exporter.ethereum.node import RefusedError
from exporter.model import NANOSECONDS
from tests.discovery.chain.chains import ai_uri, listed, of, populate, read, reader, uri
from tests.ethereum import faults
from tests.ethereum.fault_proxy import Exchange, FaultProxy, pass_on
from tests.ethereum.livepeer import FIRST_ROUND, LPT, Livepeer, who
from tests.ethereum.rpc_node import RpcNode

ACTIVE, LEAVING, COMING = (True, True), (True, False), (False, True)


async def test_it_reads_who_is_active_with_what_stake_and_where(
    livepeer: Livepeer, node_url: str
) -> None:
    populate(livepeer, range(1, 5))
    found = await read(node_url)
    assert [one.orchestrator for one in found.registered] == [who(n) for n in range(1, 5)]
    one = of(found, 3)
    assert (one.active, one.in_pool, one.stake, one.share) == (True, True, 3.0, 0.3)
    assert (one.reward_cut, one.fee_share) == (0.1, 0.05)
    assert (one.activation_round, one.deactivation_round) == (FIRST_ROUND + 1, None)
    assert (one.last_reward_round, one.name, one.reachability) == (None, None, ())
    assert (one.ai_service_uri, one.service_uri) == (ai_uri(3), uri(3))
    assert (one.ai_uri_refused, one.uri_refused) == (None, None)
    state = found.state
    assert (state.chain_id, state.block) == (42161, livepeer.evm.height)
    assert state.block_time == livepeer.evm.header(state.block).timestamp * NANOSECONDS
    assert (state.round, state.round_initialized) == (FIRST_ROUND + 1, True)
    assert (state.pool_size, state.pool_limit, state.total_active_stake) == (4, 100, 10.0)
    assert found.notes == ()


async def test_who_joined_is_in_the_pool_and_not_active_before_the_next_round(
    livepeer: Livepeer, node_url: str
) -> None:
    populate(livepeer, range(1, 3))
    livepeer.join(who(9), 9 * LPT)
    found = await read(node_url)
    assert listed(found) == {who(1): ACTIVE, who(2): ACTIVE, who(9): COMING}
    assert of(found, 9).share is None
    assert of(found, 2).share == pytest.approx(2 / 3)
    assert of(found, 9).ai_service_uri is None
    assert of(found, 9).ai_uri_refused is None


async def test_who_left_stays_listed_while_it_is_active_and_no_longer(
    livepeer: Livepeer, node_url: str
) -> None:
    populate(livepeer, range(1, 4))
    async with reader(node_url) as someone:
        before = await someone.read()
        livepeer.unbond(who(2), 2 * LPT)
        left = await someone.read(before)
        assert listed(left) == {who(1): ACTIVE, who(2): LEAVING, who(3): ACTIVE}
        assert of(left, 2).deactivation_round == FIRST_ROUND + 2
        assert of(left, 2).stake == 0.0
        assert of(left, 2).share == pytest.approx(1 / 3)
        assert of(left, 2).ai_service_uri == ai_uri(2)
        livepeer.new_round()
        gone = await someone.read(left)
    assert listed(gone) == {who(1): ACTIVE, who(3): ACTIVE}
    assert gone.notes == ()


async def test_who_left_before_the_first_reading_is_found_by_events(
    livepeer: Livepeer, node_url: str
) -> None:
    populate(livepeer, range(1, 4))
    livepeer.unbond(who(2), 2 * LPT)
    livepeer.evm.mine(5)
    found = await read(node_url)
    assert listed(found) == {who(1): ACTIVE, who(2): LEAVING, who(3): ACTIVE}
    assert found.notes == ()


async def test_who_was_pushed_out_of_a_full_pool_is_found_by_events(
    livepeer: Livepeer, node_url: str
) -> None:
    populate(livepeer, range(1, 4))
    livepeer.set_pool_size(3)
    livepeer.join(who(9), 9 * LPT)
    found = await read(node_url)
    assert listed(found) == {who(1): LEAVING, who(2): ACTIVE, who(3): ACTIVE, who(9): COMING}


async def test_without_events_it_says_that_somebody_is_missing(
    livepeer: Livepeer, node: RpcNode, node_url: str
) -> None:
    populate(livepeer, range(1, 4))
    livepeer.unbond(who(2), 2 * LPT)
    livepeer.evm.mine(20)
    node.logs_range = 10
    found = await read(node_url)
    assert listed(found) == {who(1): ACTIVE, who(3): ACTIVE}
    (note,) = found.notes
    assert note.startswith("2 LPT of 6 active in round 3501 are of orchestrators that left")
    assert "block range is too wide" in note


async def test_a_node_without_events_is_asked_for_them_once_in_a_round(
    livepeer: Livepeer, proxy: FaultProxy
) -> None:
    populate(livepeer, range(1, 4))
    livepeer.unbond(who(2), 2 * LPT)
    proxy.always(faults.result([], "eth_getLogs"))
    async with reader(proxy.url) as someone:
        found = await someone.read()
        proxy.forget()
        again = await someone.read(found)
    assert "do not reach back to the round's beginning" in found.notes[0]
    assert again.notes == found.notes
    assert proxy.methods["eth_getLogs"] == 0


async def test_who_left_and_came_back_in_one_round_is_not_active_and_that_is_told(
    livepeer: Livepeer, node_url: str
) -> None:
    populate(livepeer, range(1, 4))
    livepeer.unbond(who(2), 2 * LPT)
    livepeer.bond(who(2), 2 * LPT)
    found = await read(node_url)
    assert listed(found) == {who(1): ACTIVE, who(2): COMING, who(3): ACTIVE}
    assert "came back to it in this round" in found.notes[0]


async def test_the_share_is_of_this_rounds_stake_whatever_was_bonded_since(
    livepeer: Livepeer, node_url: str
) -> None:
    populate(livepeer, range(1, 4))
    livepeer.bond(who(99), 6 * LPT, to=who(1))
    livepeer.reward(who(3), LPT)
    found = await read(node_url)
    assert of(found, 1).stake == 7.0
    assert [of(found, n).share for n in (1, 2, 3)] == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    livepeer.new_round()
    later = await read(node_url)
    assert [of(later, n).share for n in (1, 2, 3)] == pytest.approx([7 / 13, 2 / 13, 4 / 13])
    assert of(later, 3).last_reward_round == FIRST_ROUND + 1


async def test_the_share_of_a_round_that_nobody_initialized_is_not_known(
    livepeer: Livepeer, node_url: str
) -> None:
    populate(livepeer, range(1, 4))
    livepeer.pass_l1_blocks(5760)
    found = await read(node_url)
    assert not found.state.round_initialized
    assert found.state.round == FIRST_ROUND + 2
    assert [one.share for one in found.registered] == [None] * 3
    assert found.notes == ()


async def test_a_hundred_take_a_request_each_at_first_and_one_in_all_while_nothing_changes(
    livepeer: Livepeer, proxy: FaultProxy
) -> None:
    populate(livepeer, range(1, 101))
    told: list[tuple[int, int]] = []
    async with reader(proxy.url) as someone:
        first = await someone.read(progress=lambda found, of: told.append((found, of)))
        assert len(first.registered) == 100
        # Twice the chain id, the Controller, the set as a whole, each member's successor, what is
        # known of each, the active stakes.
        assert proxy.requests == 2 + 1 + 1 + 100 + 1 + 1
        assert told == [(n, 100) for n in range(1, 101)]
        proxy.forget()
        again = await someone.read(first)
        assert proxy.requests == 1
        assert again.registered == first.registered
        livepeer.evm.mine()
        livepeer.set_ai_uri(who(50), "https://elsewhere.example")
        proxy.forget()
        changed = await someone.read(again)
        assert proxy.requests == 1
        assert of(changed, 50).ai_service_uri == "https://elsewhere.example"
        livepeer.unbond(who(1), LPT)
        livepeer.join(who(200), 50 * LPT)
        proxy.forget()
        joined = await someone.read(changed)
        assert proxy.requests == 3  # with who follows the new one, and what is known of it
        livepeer.new_round()
        proxy.forget()
        later = await someone.read(joined)
        assert proxy.requests == 2  # with the stakes of the new round
        assert len(later.registered) == 100
    assert len(joined.registered) == 101
    assert joined.notes == ()


async def test_after_a_restart_the_last_reading_spares_the_walk(
    livepeer: Livepeer, proxy: FaultProxy
) -> None:
    populate(livepeer, range(1, 30))
    before = await read(proxy.url)
    proxy.forget()
    assert (await read(proxy.url, before)).registered == before.registered
    assert proxy.requests == 2 + 1 + 1 + 1


async def test_on_a_chain_that_is_not_arbitrum_the_height_is_that_of_the_multicall() -> None:
    for arbitrum in (False, True):
        livepeer = Livepeer(arbitrum=arbitrum)
        populate(livepeer, range(1, 4))
        with RpcNode(livepeer.evm).served() as url:
            found = await read(url)
        assert found.state.block == livepeer.evm.height
        assert len(found.registered) == 3


async def same_by(proxy: FaultProxy, livepeer: Livepeer, *, multicall: str | None) -> Reading:
    """Read in another way, with the same result."""
    populate(livepeer, range(1, 30))
    livepeer.unbond(who(2), 2 * LPT)
    expected = await read(proxy.url)
    proxy.forget()
    found = await read(proxy.url, multicall=multicall)
    assert found.registered == expected.registered
    assert found.state.block == expected.state.block
    assert found.state.block_time == expected.state.block_time
    return found


async def test_without_a_multicall_contract_batches_do(
    livepeer: Livepeer, proxy: FaultProxy
) -> None:
    before = await same_by(proxy, livepeer, multicall=None)
    assert max(proxy.batches) == 50
    async with reader(proxy.url, multicall=None) as someone:
        await someone.read(before)
        proxy.forget()
        await someone.read(before)
    asked = 3 + 8 + 6 * 29
    assert sum(proxy.methods.values()) == 1 + asked
    assert proxy.requests == 1 + math.ceil(asked / 50)


async def test_an_address_without_a_multicall_contract_is_noticed(
    livepeer: Livepeer, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    await same_by(proxy, livepeer, multicall=who(4711))
    assert max(proxy.batches) == 50
    assert "no Multicall3 at the address" in caplog.text


async def test_without_batches_too_single_calls_do(livepeer: Livepeer, proxy: FaultProxy) -> None:
    populate(livepeer, range(1, 5))
    proxy.always(faults.no_batches(faults.bad_request))
    found = await read(proxy.url, multicall=None)
    assert [one.stake for one in found.registered] == [1.0, 2.0, 3.0, 4.0]


async def test_all_is_read_of_one_block_although_each_change_makes_one(
    livepeer: Livepeer, proxy: FaultProxy
) -> None:
    populate(livepeer, range(1, 12))

    async def changing(exchange: Exchange) -> object:
        answer = await pass_on(exchange)
        livepeer.reward(who(1), LPT)
        return answer

    proxy.always(changing)  # type: ignore[arg-type]
    for chosen in ({}, {"multicall": None}):
        found = await read(proxy.url, **chosen)
        at = found.state.block
        stake = livepeer.ask("BondingManager", TOTAL_STAKE, who(1), at=at)
        assert of(found, 1).stake == stake / LPT
        assert len(found.registered) == 11


async def test_a_state_that_is_gone_meanwhile_is_read_anew(
    livepeer: Livepeer, node: RpcNode, proxy: FaultProxy
) -> None:
    populate(livepeer, range(1, 12))

    async def forgetful(exchange: Exchange) -> object:
        answer = await pass_on(exchange)
        livepeer.evm.mine(1)
        return answer

    node.kept = 5
    proxy.always(forgetful)  # type: ignore[arg-type]
    found = await read(proxy.url)
    assert [one.stake for one in found.registered] == [float(n) for n in range(1, 12)]


async def test_nodes_that_keep_no_state_are_read_until_two_readings_are_the_same(
    livepeer: Livepeer, proxy: FaultProxy
) -> None:
    populate(livepeer, range(1, 4))

    def only_latest(call: dict[str, object], answer: dict[str, object]) -> dict[str, object]:
        params = call["params"]
        assert isinstance(params, list)
        if call["method"] == "eth_call" and params[1] != "latest":
            error = {"code": -32000, "message": "missing trie node 00ff"}
            return {"jsonrpc": "2.0", "id": call["id"], "error": error}
        return answer

    proxy.always(faults.changed(only_latest))
    for chosen in ({}, {"multicall": None}):
        found = await read(proxy.url, **chosen)
        assert [one.stake for one in found.registered] == [1.0, 2.0, 3.0]


async def test_the_pool_may_change_while_it_is_walked(
    livepeer: Livepeer, proxy: FaultProxy
) -> None:
    populate(livepeer, range(1, 8))
    changes: Iterator[Callable[[], None]] = iter(
        [
            *[lambda: None] * 4,
            lambda: livepeer.unbond(who(7), 7 * LPT),
            lambda: livepeer.join(who(50), 50 * LPT),
            lambda: livepeer.bond(who(1), 100 * LPT),
        ]
    )

    async def changing(exchange: Exchange) -> object:
        answer = await pass_on(exchange)
        if (change := next(changes, None)) is not None:
            change()
        return answer

    proxy.always(changing)  # type: ignore[arg-type]
    async with reader(proxy.url) as someone:
        first = await someone.read()
        assert next(changes, None) is None
        assert all(one.in_pool for one in first.registered)
        assert len(first.registered) == first.state.pool_size
        last = await someone.read(first)
    assert listed(last)[who(7)] == LEAVING
    assert listed(last)[who(50)] == COMING


async def test_a_contract_that_the_controller_moves_is_followed(
    livepeer: Livepeer, node_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    populate(livepeer, range(1, 4))
    async with reader(node_url) as someone:
        before = await someone.read()
        assert someone.directory.unexpected == {}
        livepeer.set_contract("ServiceRegistry", "0x04c0b249740175999e5bf5c9ac1da92431ef34c5")
        after = await someone.read(before)
        await someone.read(after)
        assert list(someone.directory.unexpected) == ["ServiceRegistry"]
    assert of(after, 2).service_uri == ai_uri(2)
    assert caplog.text.count("names another contract than is known") == 1


async def test_a_walk_that_was_cut_off_goes_on_where_it_was(
    livepeer: Livepeer, proxy: FaultProxy
) -> None:
    populate(livepeer, range(1, 31))
    async with reader(proxy.url) as someone:
        proxy.next(*[pass_on] * 24, faults.error(-32000, "no"))
        with pytest.raises(RefusedError):
            await someone.read()
        proxy.forget()
        found = await someone.read()
    assert len(found.registered) == 30
    assert proxy.requests == 1 + (30 - 21) + 1 + 1

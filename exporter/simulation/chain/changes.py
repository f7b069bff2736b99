"""What can happen to the contracts: each change gives the state after it, and its events.

The rules are those of livepeer/protocol's BondingManager, SortedDoublyLL, ServiceRegistry and
RoundsManager. Left out are fees, cumulative factors, and what delegators claim and get back.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from exporter.ethereum.contracts import FOR_EVER
from exporter.simulation.chain.state import Sender, State, Transcoder


class Event(msgspec.Struct, frozen=True):
    """Something that a contract says has happened."""

    contract: str
    name: str
    indexed: object
    """Its one indexed argument."""
    data: tuple[Any, ...]


Changed = tuple[State, tuple[Event, ...]]
Change = Callable[[State], Changed]
BONDING: Final = "BondingManager"


class ChangeRefused(ValueError):
    """The contracts would not do that."""


def join(address: str, stake: int, *, reward_cut: int, fee_share: int) -> Change:
    """Bond to oneself and set the shares; the pool decides on who is active from next round on."""

    def change(state: State) -> Changed:
        state, events = bond(address, stake, own=True)(state)
        state = _with(state, address, reward_cut=reward_cut, fee_share=fee_share)
        return state, (
            *events,
            Event(BONDING, "TranscoderUpdate", address, (reward_cut, fee_share)),
        )

    return change


def leave(address: str) -> Change:
    """Unbond all of one's own; stake of others stays where it is."""

    def change(state: State) -> Changed:
        own = state.transcoder(address).bonded
        if not own:
            raise ChangeRefused(f"{address} has bonded nothing")
        return unbond(address, own, own=True)(state)

    return change


def bond(address: str, amount: int, *, own: bool = False) -> Change:
    """Add stake: one's own or, for who has some of his own, that of others."""

    def change(state: State) -> Changed:
        _check_round(state)
        one = state.transcoder(address)
        total, following = one.stake + amount, state.round + 1
        was_active, in_pool = state.is_active(address), address in state.pool
        if own:
            state = _with(state, address, bonded=one.bonded + amount)
        events: tuple[Event, ...] = ()
        if in_pool:
            state = _placed(state, address, total)
            state = _replace(state, next_active_stake=state.next_active_stake + amount)
        elif state.transcoder(address).bonded:
            state, events = _try_to_join(state, address, total)
        if was_active or in_pool:
            state = _write_stake(state, address, one, total, following)
        return _with(state, address, stake=total), events

    return change


def unbond(address: str, amount: int, *, own: bool = False) -> Change:
    """Take stake away, one's own or that of others; who has none of his own left leaves."""

    def change(state: State) -> Changed:
        _check_round(state)
        one = state.transcoder(address)
        if amount > (one.bonded if own else one.stake - one.bonded):
            raise ChangeRefused(f"{address} has less than {amount} there")
        total, following = one.stake - amount, state.round + 1
        events: tuple[Event, ...] = ()
        if own:
            state = _with(state, address, bonded=one.bonded - amount)
            if amount == one.bonded and address in state.pool:
                state, events = _resigned(state, address)
        in_pool = address in state.pool
        if in_pool:
            state = _placed(state, address, total)
            state = _replace(state, next_active_stake=state.next_active_stake - amount)
        if state.is_active(address) or in_pool:
            state = _write_stake(state, address, one, total, following)
        return _with(state, address, stake=total), events

    return change


def reward(address: str, amount: int) -> Change:
    """Add so much to its stake, and write its shares for this round."""

    def change(state: State) -> Changed:
        _check_round(state)
        one = state.transcoder(address)
        if address not in state.pool:
            raise ChangeRefused(f"{address} is not in the pool")
        cuts = {**one.shares, state.round: (one.reward_cut, one.fee_share)}
        state = _with(state, address, shares=cuts, last_reward_round=state.round)
        return bond(address, amount, own=True)(state)

    return change


def write_uri(address: str, uri: str, *, ai: bool) -> Change:
    """Set one's entry of a registry, whatever it is."""

    def change(state: State) -> Changed:
        registry = "AIServiceRegistry" if ai else "ServiceRegistry"
        events = (Event(registry, "ServiceURIUpdate", address, (uri,)),)
        if ai:
            return _replace(state, ai_uris={**state.ai_uris, address: uri}), events
        return _replace(state, uris={**state.uris, address: uri}), events

    return change


def pass_round(now: float) -> Change:
    """The next round is there; nobody has initialized it yet."""

    def change(state: State) -> Changed:
        return _replace(state, round=state.round + 1, round_began=now), ()

    return change


def initialize_round(block_hash: bytes) -> Change:
    """Somebody calls initializeRound: the pool is the active set now."""

    def change(state: State) -> Changed:
        if state.initialized_round == state.round:
            raise ChangeRefused("the round is initialized")
        state = _replace(state, initialized_round=state.round, active_stake=state.next_active_stake)
        return state, (Event("RoundsManager", "NewRound", state.round, (block_hash,)),)

    return change


def fund(address: str, sender: Sender) -> Change:
    """Set what who pays has in TicketBroker."""

    def change(state: State) -> Changed:
        return _replace(state, senders={**state.senders, address: sender}), ()

    return change


def _check_round(state: State) -> None:
    if state.initialized_round != state.round:
        raise ChangeRefused("current round is not initialized")


def _try_to_join(state: State, address: str, total: int) -> Changed:
    """Into the pool, in the place of its last one where it is full, if that has less stake."""
    following, events, next_stake = state.round + 1, [], state.next_active_stake
    if len(state.pool) >= state.pool_limit:
        last = state.pool[-1]
        if total <= state.transcoder(last).stake:
            return state, ()
        next_stake -= state.transcoder(last).stake
        state = _with(state, last, deactivation_round=following)
        state = _replace(state, pool=state.pool[:-1])
        events.append(Event(BONDING, "TranscoderDeactivated", last, (following,)))
    state = _placed(state, address, total)
    state = _with(
        state,
        address,
        last_stake_round=following,
        activation_round=following,
        deactivation_round=FOR_EVER,
        stakes={**state.transcoder(address).stakes, following: total},
    )
    events.append(Event(BONDING, "TranscoderActivated", address, (following,)))
    return _replace(state, next_active_stake=next_stake + total), tuple(events)


def _resigned(state: State, address: str) -> Changed:
    following = state.round + 1
    stake = state.transcoder(address).stake
    state = _with(state, address, deactivation_round=following)
    state = _replace(
        state,
        pool=tuple(one for one in state.pool if one != address),
        next_active_stake=state.next_active_stake - stake,
    )
    return state, (Event(BONDING, "TranscoderDeactivated", address, (following,)),)


def _placed(state: State, address: str, total: int) -> State:
    """At its place by stake: before those who have as much."""
    others = [one for one in state.pool if one != address]
    stakes = (state.transcoder(one).stake for one in others)
    place = next((n for n, stake in enumerate(stakes) if stake <= total), len(others))
    return _replace(state, pool=(*others[:place], address, *others[place:]))


def _write_stake(
    state: State, address: str, before: Transcoder, total: int, following: int
) -> State:
    stakes = dict(state.transcoder(address).stakes)
    if state.transcoder(address).last_stake_round < state.round:
        stakes[state.round] = before.stake
    stakes[following] = total
    return _with(state, address, stakes=stakes, last_stake_round=following)


def _with(state: State, address: str, **fields: Any) -> State:  # noqa: ANN401 - fields of a struct
    one = msgspec.structs.replace(state.transcoder(address), **fields)
    return _replace(state, transcoders={**state.transcoders, address: one})


def _replace(state: State, **fields: Any) -> State:  # noqa: ANN401 - fields of a struct
    return msgspec.structs.replace(state, **fields)

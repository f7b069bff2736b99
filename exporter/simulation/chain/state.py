"""What the contracts of a simulated chain hold at one block: plain data, never changed."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import msgspec

from exporter.ethereum.contracts import FOR_EVER

FIRST_ROUND: Final = 3500
POOL_LIMIT: Final = 100
_EMPTY: Final[Mapping[Any, Any]] = MappingProxyType({})
_LONG_AGO: Final = 1000


class Standing(StrEnum):
    """How an orchestrator stands to the active set when a chain begins."""

    ACTIVE = "active"
    JOINING = "joining"
    """In the pool, active from the next round on."""
    LEAVING = "leaving"
    """Out of the pool, active until this round ends."""
    GONE = "gone"
    """Left long ago; what it wrote into the registries is still there."""


class Registered(msgspec.Struct, frozen=True):
    """An orchestrator that a chain begins with."""

    address: str
    """Lower-case."""
    service_uri: str = ""
    """Its entry in the registry of transcoding."""
    ai_uri: str = ""
    """Its entry in the registry of AI."""
    standing: Standing = Standing.ACTIVE
    stake: int = 10**20
    """Its own and delegated, wei of LPT."""
    reward_cut: int = 100_000
    """Parts per million."""
    fee_share: int = 500_000
    """Parts per million."""


class Transcoder(msgspec.Struct, frozen=True, kw_only=True):
    """What BondingManager keeps of one address. Amounts are wei of LPT, shares per million."""

    bonded: int = 0
    """Its own stake; above 0 it is registered."""
    stake: int = 0
    """Its own and delegated."""
    reward_cut: int = 0
    fee_share: int = 0
    last_reward_round: int = 0
    last_stake_round: int = 0
    """Round for which the stake was last written while it was, or was to be, active."""
    activation_round: int = 0
    deactivation_round: int = 0
    stakes: Mapping[int, int] = _EMPTY
    """Stake by round, of rounds for which it was written."""
    shares: Mapping[int, tuple[int, int]] = _EMPTY
    """Reward cut and fee share by round, of rounds with a reward."""


class Sender(msgspec.Struct, frozen=True):
    """What TicketBroker keeps of who pays; wei."""

    deposit: int = 0
    withdraw_round: int = 0
    reserve: int = 0
    claimed: int = 0


class State(msgspec.Struct, frozen=True, kw_only=True):
    """All contracts at one block."""

    round: int = FIRST_ROUND
    initialized_round: int = FIRST_ROUND
    round_began: float = 0.0
    """Unix seconds."""
    pool: tuple[str, ...] = ()
    """Most stake first."""
    pool_limit: int = POOL_LIMIT
    transcoders: Mapping[str, Transcoder] = _EMPTY
    active_stake: int = 0
    """Of the last initialized round."""
    next_active_stake: int = 0
    """Of the next round: all of the pool."""
    uris: Mapping[str, str] = _EMPTY
    ai_uris: Mapping[str, str] = _EMPTY
    senders: Mapping[str, Sender] = _EMPTY

    def transcoder(self, address: str) -> Transcoder:
        """What is kept of an address; of one that was never seen, zeroes."""
        return self.transcoders.get(address, _NOBODY)

    def is_active(self, address: str) -> bool:
        """Whether it is active in the current round."""
        one = self.transcoder(address)
        return one.activation_round <= self.round < one.deactivation_round


_NOBODY: Final = Transcoder()


def beginning(
    registered: Sequence[Registered], *, since: float, pool_limit: int = POOL_LIMIT
) -> State:
    """The state of a chain that begins with these, in a round that began at `since`."""
    order = sorted(registered, key=lambda one: -one.stake)
    pool = tuple(one.address for one in order if one.standing in _IN_POOL)
    active = sum(one.stake for one in registered if one.standing in _ACTIVE_NOW)
    return State(
        round_began=since,
        pool=pool,
        pool_limit=max(pool_limit, len(pool)),
        transcoders={one.address: _transcoder(one) for one in registered},
        active_stake=active,
        next_active_stake=sum(one.stake for one in registered if one.standing in _IN_POOL),
        uris={one.address: one.service_uri for one in registered if one.service_uri},
        ai_uris={one.address: one.ai_uri for one in registered if one.ai_uri},
    )


_IN_POOL: Final = frozenset({Standing.ACTIVE, Standing.JOINING})
_ACTIVE_NOW: Final = frozenset({Standing.ACTIVE, Standing.LEAVING})


def _transcoder(one: Registered) -> Transcoder:
    stays, since = one.standing in _IN_POOL, FIRST_ROUND - _LONG_AGO
    joined = FIRST_ROUND + 1 if one.standing is Standing.JOINING else since
    left = {Standing.LEAVING: FIRST_ROUND + 1, Standing.GONE: FIRST_ROUND - _LONG_AGO // 2}
    stakes = {joined: one.stake}
    if not stays:
        stakes |= {left[one.standing] - 1: one.stake, left[one.standing]: 0}
    return Transcoder(
        bonded=one.stake if stays else 0,
        stake=one.stake if stays else 0,
        reward_cut=one.reward_cut,
        fee_share=one.fee_share,
        last_reward_round=FIRST_ROUND - 1 if one.standing in _ACTIVE_NOW else 0,
        last_stake_round=max(stakes),
        activation_round=joined,
        deactivation_round=left.get(one.standing, FOR_EVER),
        stakes=stakes,
    )

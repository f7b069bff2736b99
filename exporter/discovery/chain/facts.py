"""What is asked about the whole set and about each orchestrator, and what the answers say."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from exporter.discovery.service_uri import UnusableUri, usable
from exporter.ethereum import contracts
from exporter.ethereum.abi import Call
from exporter.ethereum.contracts import FOR_EVER, NOBODY, PER_MILLION, WEI
from exporter.ethereum.node import EthereumError
from exporter.model import Registration

NAMES: Final = ("BondingManager", "ServiceRegistry", "RoundsManager")
"""The contracts that the Controller is asked for."""

_ROUND_LIMIT: Final = 2**53
_REASON_LIMIT: Final = 200


class Addresses(msgspec.Struct, frozen=True):
    """Where the contracts are."""

    controller: str
    bonding: str
    registry: str
    rounds: str
    ai_registry: str


class Whole(msgspec.Struct, frozen=True):
    """What is known of the set as a whole; stake in wei of LPT."""

    first: str
    size: int
    limit: int
    bonded: int
    """All active stake of the round that was initialized last."""
    round: int
    initialized: bool


class Facts(msgspec.Struct, frozen=True):
    """What is known of one orchestrator; stake in wei of LPT."""

    orchestrator: str
    following: str
    """Who comes after it in the pool."""
    active: bool
    stake: int
    transcoder: Sequence[int]
    """As `contracts.TRANSCODER` gives it."""
    ai_uri: str | EthereumError
    uri: str | EthereumError

    @property
    def stake_updated(self) -> int:
        """Round from which its stake is what it is."""
        return self.transcoder[3]

    @property
    def end_set(self) -> bool:
        """Whether there is a round in which it ends, or ended, or it never began."""
        return self.transcoder[5] != FOR_EVER


def resolving(controller: str) -> list[Call]:
    """Asks the Controller for each contract of `NAMES`."""
    return [
        Call(controller, contracts.GET_CONTRACT, (contracts.contract_id(name),)) for name in NAMES
    ]


def about_whole(at: Addresses) -> list[Call]:
    """What `whole` reads. The registries are asked for nobody's entry: whether they are there."""
    return [
        Call(at.bonding, contracts.FIRST_IN_POOL),
        Call(at.bonding, contracts.POOL_SIZE),
        Call(at.bonding, contracts.POOL_MAX_SIZE),
        Call(at.bonding, contracts.TOTAL_BONDED),
        Call(at.rounds, contracts.CURRENT_ROUND),
        Call(at.rounds, contracts.ROUND_INITIALIZED),
        Call(at.ai_registry, contracts.SERVICE_URI, (NOBODY,)),
        Call(at.registry, contracts.SERVICE_URI, (NOBODY,)),
    ]


def whole(values: Sequence[Any]) -> Whole:
    """From the answers to `about_whole`, none of which is an error."""
    first, size, limit, bonded, current, initialized, *_ = values
    return Whole(first, size, limit, bonded, current, initialized)


def about(at: Addresses, orchestrator: str) -> list[Call]:
    """What `facts` reads."""
    return [
        Call(at.bonding, contracts.NEXT_IN_POOL, (orchestrator,)),
        Call(at.bonding, contracts.IS_ACTIVE, (orchestrator,)),
        Call(at.bonding, contracts.TOTAL_STAKE, (orchestrator,)),
        Call(at.bonding, contracts.TRANSCODER, (orchestrator,)),
        Call(at.ai_registry, contracts.SERVICE_URI, (orchestrator,)),
        Call(at.registry, contracts.SERVICE_URI, (orchestrator,)),
    ]


ABOUT_ONE: Final = 6
"""Calls about one orchestrator."""
URIS: Final = 2
"""How many of them, at the end, give what strangers wrote, and may fail for that."""


def facts(orchestrator: str, values: Sequence[Any]) -> Facts:
    """From the answers to `about`; only those about URIs may be errors."""
    following, active, stake, transcoder, ai_uri, uri = values
    return Facts(orchestrator, following, active, stake, transcoder, ai_uri, uri)


def about_active_stake(at: Addresses, one: Facts, current: int) -> Call:
    """Asks for its stake in the current round.

    The contract writes it down only for rounds in which the stake changed, each time for the next
    one; and for the current one if that had not been written before.
    """
    arguments = (one.orchestrator, min(one.stake_updated, current))
    return Call(at.bonding, contracts.EARNINGS_POOL, arguments)


def registrations(
    known: Iterable[Facts], pool: frozenset[str], shares: Mapping[str, float]
) -> tuple[Registration, ...]:
    """Everybody who is active or in the pool, by address. Pure."""
    listed = [one for one in known if one.active or one.orchestrator in pool]
    return tuple(
        _registration(one, in_pool=one.orchestrator in pool, share=shares.get(one.orchestrator))
        for one in sorted(listed, key=lambda one: one.orchestrator)
    )


def _registration(one: Facts, *, in_pool: bool, share: float | None) -> Registration:
    rewarded, cut, fees, _, activation, deactivation = one.transcoder[:6]
    ai_uri, ai_refused = _judged(one.ai_uri)
    uri, refused = _judged(one.uri)
    return Registration(
        orchestrator=one.orchestrator,
        active=one.active,
        in_pool=in_pool,
        stake=one.stake / WEI,
        share=share,
        reward_cut=_part(cut),
        fee_share=_part(fees),
        activation_round=_round(activation),
        deactivation_round=_round(deactivation),
        last_reward_round=_round(rewarded),
        ai_service_uri=ai_uri,
        service_uri=uri,
        ai_uri_refused=ai_refused,
        uri_refused=refused,
    )


def _judged(entry: str | EthereumError) -> tuple[str | None, str | None]:
    """A usable URI, or none and why; neither if none was ever set."""
    if isinstance(entry, EthereumError):
        return None, f"it cannot be read: {entry}"[:_REASON_LIMIT]
    if not entry:
        return None, None
    try:
        return usable(entry), None
    except UnusableUri as error:
        return None, str(error)[:_REASON_LIMIT]


def _part(millionths: int) -> float | None:
    return millionths / PER_MILLION if millionths <= PER_MILLION else None


def _round(number: int) -> int | None:
    """`None` for never (0) and for ever."""
    return number if 0 < number < _ROUND_LIMIT else None

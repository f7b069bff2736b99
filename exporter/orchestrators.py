"""Who is registered on the chain, who offers something, and how the two agree."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from exporter.model import Offer, Registration, Supply, is_eth_address


class State(StrEnum):
    """What chain and sources say about an orchestrator together."""

    OFFERED = "offered"
    """Registered, and a source lists what it offers."""
    OFFERS_UNKNOWN = "offers_unknown"
    """Registered, and no source lists anything that it offers."""
    NO_LONGER_LISTED = "no_longer_listed"
    """Registered, and tested on what it offered when a source listed it last."""
    NOT_REGISTERED = "not_registered"
    """Offers something, and is not registered."""
    NOT_ON_CHAIN = "not_on_chain"
    """Offers something; it has no ETH address, or no chain is read."""


IN_WORDS: Final = {
    State.OFFERED: "registered and offered",
    State.OFFERS_UNKNOWN: "registered, offers unknown",
    State.NO_LONGER_LISTED: "registered, no longer listed",
    State.NOT_REGISTERED: "offered, not registered",
    State.NOT_ON_CHAIN: "offered, not on a chain",
}


class Orchestrator(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of one orchestrator."""

    orchestrator: str
    state: State
    registration: Registration | None
    offers: tuple[Offer, ...]

    @property
    def tested(self) -> int:
        """How many of the offers are tested."""
        return sum(offer.not_tested is None for offer in self.offers)

    @property
    def unlisted_since(self) -> int | None:
        """Unix nanoseconds since when no source lists it; `None` if one does, or never did."""
        return next((one.unlisted_since for one in self.offers if one.unlisted_since), None)


def orchestrators(supply: Supply) -> tuple[Orchestrator, ...]:
    """Everybody who is registered, most stake first, then who else offers something. Pure."""
    offers: dict[str, list[Offer]] = {}
    for offer in supply.offers:
        offers.setdefault(offer.target.orchestrator, []).append(offer)
    registered = {one.orchestrator: one for one in supply.registered}
    by_stake = sorted(registered.values(), key=lambda one: (-one.stake, one.orchestrator))
    others = sorted(offers.keys() - registered.keys())
    return tuple(
        _one(who, registered.get(who), offers.get(who, ()), looked=supply.chain is not None)
        for who in (*(one.orchestrator for one in by_stake), *others)
    )


def _one(
    orchestrator: str, registration: Registration | None, offers: Iterable[Offer], *, looked: bool
) -> Orchestrator:
    listed = tuple(offers)
    return Orchestrator(
        orchestrator=orchestrator,
        state=_state(orchestrator, registration, listed, looked=looked),
        registration=registration,
        offers=listed,
    )


def _state(
    orchestrator: str,
    registration: Registration | None,
    offers: tuple[Offer, ...],
    *,
    looked: bool,
) -> State:
    if registration is None:
        return (
            State.NOT_REGISTERED if looked and is_eth_address(orchestrator) else State.NOT_ON_CHAIN
        )
    if not offers:
        return State.OFFERS_UNKNOWN
    if all(offer.unlisted_since is not None for offer in offers):
        return State.NO_LONGER_LISTED
    return State.OFFERED

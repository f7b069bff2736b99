"""What an orchestrator offered that no source lists any more, although it is active on the chain.

A gateway lists whom it reached. A node that is down vanishes from its list, and with it from the
tests, so that nobody would measure the outage. Whoever the chain says is active is therefore tested
on what was offered last, for a bounded time.
"""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from exporter.discovery.merge import Registered, at_registered_uri
from exporter.model import Offer, Supply, is_eth_address


class Listed(msgspec.Struct, frozen=True):
    """What an orchestrator offered when a source listed it last."""

    offers: tuple[Offer, ...]
    at: int
    """Unix nanoseconds of that refresh."""
    unlisted_since: int | None = None
    """Of the first refresh without it; `None` as long as it is listed."""

    @property
    def sources(self) -> frozenset[str]:
        """Who listed it."""
        return frozenset(name for offer in self.offers for name in offer.sources)


Memory = Mapping[str, Listed]
"""By orchestrator."""

NOTHING: Final[Memory] = MappingProxyType({})


def remembered(supply: Supply) -> Memory:
    """What an earlier supply says was listed, and when."""
    return {
        orchestrator: Listed(
            tuple(msgspec.structs.replace(one, unlisted_since=None) for one in offers),
            at=min(one.unlisted_since or supply.taken_at for one in offers),
            unlisted_since=offers[0].unlisted_since,
        )
        for orchestrator, offers in _by_orchestrator(supply.offers).items()
    }


def keep(
    before: Memory,
    offers: Iterable[Offer],
    registered: Registered,
    *,
    sources: Collection[str],
    answering: Collection[str],
    now: int,
    limit: int,
) -> tuple[tuple[Offer, ...], Memory]:
    """Offers to be added to those that are listed, and what is to be remembered. Pure.

    Added are those at the registered service URI of an orchestrator that is active, was listed no
    longer than `limit` nanoseconds ago, and of which none of its `sources` lists anything any more,
    all of them `answering` now. One that still lists another model has withdrawn what is missing.
    """
    listed = _by_orchestrator(offers)
    memory = {orchestrator: Listed(ones, now) for orchestrator, ones in listed.items()}
    added: list[Offer] = []
    for orchestrator, last in before.items():
        told_by = last.sources.intersection(sources)
        if orchestrator in listed or not told_by or not 0 <= now - last.at <= limit:
            continue
        if not told_by.issubset(answering):
            memory[orchestrator] = last
            continue
        since = last.unlisted_since or now
        memory[orchestrator] = msgspec.structs.replace(last, unlisted_since=since)
        registration = registered.get(orchestrator)
        if registration is None or not registration.active:
            continue
        added += [
            msgspec.structs.replace(
                offer, unlisted_since=since, capacity=None, capacity_in_use=None
            )
            for offer in last.offers
            if at_registered_uri(offer, registration)
        ]
    return tuple(added), memory


def _by_orchestrator(offers: Iterable[Offer]) -> dict[str, tuple[Offer, ...]]:
    """Without the operator's own word, which never vanishes, and without ids of no address."""
    found: dict[str, list[Offer]] = {}
    for offer in offers:
        orchestrator = offer.target.orchestrator
        if is_eth_address(orchestrator) and not offer.named_by_operator:
            found.setdefault(orchestrator, []).append(offer)
    return {orchestrator: tuple(ones) for orchestrator, ones in found.items()}

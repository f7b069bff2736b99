"""What only an old list says that somebody offers, while the chain says something else.

A source that fails goes on with what it gave last. Who left the network meanwhile, or moved, would
be called out of reach where it was, for as long as the source fails.
"""

from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from exporter.discovery.merge import Registered, at_registered_uri
from exporter.model import NANOSECONDS, Offer, is_eth_address

HOLDS: Final = 7200.0
"""Seconds for which a block, or a source's list, bears witness that somebody is there: who left
since and switched its node off must not be called out of reach."""
REASON: Final = (
    "only sources that have failed for hours list it, and the chain does not say that it is active "
    "there"
)


def holds(moment: int | None, now: int) -> bool:
    """Whether what was seen at that moment bears witness now; both are Unix nanoseconds."""
    return moment is not None and now - moment <= HOLDS * NANOSECONDS


def outdated(
    offers: Iterable[Offer], registered: Registered, *, lately: Collection[str]
) -> tuple[Offer, ...]:
    """The same offers; not tested are those that nothing of late bears out. Pure.

    `lately` are the sources that gave a list lately, `registered` is what a fresh reading of the
    chain says. The operator's own word, and ids that the chain cannot know, stay as they are.
    """

    def judged(offer: Offer) -> Offer:
        if offer.not_tested is not None or not _old(offer, lately):
            return offer
        known = registered.get(offer.target.orchestrator)
        if known is not None and known.active and at_registered_uri(offer, known):
            return offer
        return msgspec.structs.replace(offer, not_tested=REASON)

    return tuple(map(judged, offers))


def _old(offer: Offer, lately: Collection[str]) -> bool:
    return (
        is_eth_address(offer.target.orchestrator)
        and not offer.named_by_operator
        and offer.unlisted_since is None
        and not any(source in lately for source in offer.sources)
    )

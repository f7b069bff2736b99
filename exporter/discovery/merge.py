"""One offer a target, out of all that the sources list."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

import msgspec

from exporter.model import Offer, Registration, Target
from exporter.normal_url import normal_url

T = TypeVar("T")

Registered = Mapping[str, Registration]
"""By orchestrator."""

_NOBODY: Final[Registered] = MappingProxyType({})


def merge(offers: Iterable[Offer], registered: Registered = _NOBODY) -> tuple[Offer, ...]:
    """One offer for each target, in order of the targets. Pure.

    Where one orchestrator offers a model at several service URIs, one is kept: the operator's own
    word first, then the URI that the AI registry gives, a usable one, a loaded model, a free slot,
    the earlier source. Facts about a node are taken from offers at the URI that is kept; the price,
    and the node's own key, from any if need be.
    """
    groups: dict[Target, list[Offer]] = {}
    for offer in offers:
        groups.setdefault(offer.target, []).append(offer)
    return tuple(
        _one(groups[target], registered.get(target.orchestrator)) for target in sorted(groups)
    )


def at_registered_uri(offer: Offer, registration: Registration | None) -> bool:
    """Whether it is offered where the AI registry says that the orchestrator is."""
    if registration is None or registration.ai_service_uri is None or offer.service_uri is None:
        return False
    return normal_url(offer.service_uri) == normal_url(registration.ai_service_uri)


def _one(group: Sequence[Offer], registration: Registration | None) -> Offer:
    def rank(offer: Offer) -> tuple[bool, ...]:
        return (
            offer.named_by_operator,
            at_registered_uri(offer, registration),
            offer.service_uri is not None,
            offer.warm is True,
            (offer.capacity or 0) > 0,
        )

    kept = max(group, key=rank)
    same = [kept] + [o for o in group if o is not kept and o.service_uri == kept.service_uri]
    everyone = same + [o for o in group if o.service_uri != kept.service_uri]
    return msgspec.structs.replace(
        kept,
        warm=_warm(same),
        capacity=_first(o.capacity for o in same),
        capacity_in_use=_first(o.capacity_in_use for o in same),
        price_per_unit=_first(o.price_per_unit for o in everyone),
        runner_version=_first(o.runner_version for o in same),
        node_version=_first(o.node_version for o in same),
        local_address=_first(o.local_address for o in everyone),
        hardware=_first(o.hardware or None for o in same) or (),
        sources=tuple(dict.fromkeys(name for offer in group for name in offer.sources)),
    )


def _warm(offers: Sequence[Offer]) -> bool | None:
    said = [offer.warm for offer in offers if offer.warm is not None]
    return any(said) if said else None


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)

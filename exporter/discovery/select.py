"""Which offers are tested, and why the others are not."""

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

import msgspec

from exporter.model import ChainState, Offer, Registration, pipeline_uri
from exporter.settings import Filter, Lane, Selection

UNTESTED_PIPELINE = "pipeline is not tested by this version"


def select(
    offers: Iterable[Offer],
    *,
    filters: Filter,
    lanes: Collection[Lane],
    tested_pipelines: Collection[str],
    active: Collection[str] | None = None,
) -> tuple[Offer, ...]:
    """The same offers, each with the reason why it is not tested, if there is one. Pure.

    `active` are the orchestrators that the chain says are active; `None` where it was not read.
    """

    def judged(offer: Offer) -> Offer:
        reason = _reason(offer, filters, lanes, tested_pipelines) or _inactive(
            offer, filters, active
        )
        return msgspec.structs.replace(offer, not_tested=reason)

    return tuple(map(judged, offers))


def active(registered: Iterable[Registration], chain: ChainState | None) -> frozenset[str] | None:
    """Who is active on the chain; `None` where it was not read."""
    if chain is None:
        return None
    return frozenset(one.orchestrator for one in registered if one.active)


def _reason(
    offer: Offer, filters: Filter, lanes: Collection[Lane], tested_pipelines: Collection[str]
) -> str | None:
    if offer.target.pipeline not in tested_pipelines:
        return UNTESTED_PIPELINE
    return (
        _excluded(offer, filters.exclude)
        or _not_included(offer, filters.include)
        or _cold(offer, filters)
        or _unreachable(offer, lanes)
    )


def _excluded(offer: Offer, exclude: Selection) -> str | None:
    for key, patterns, matches in _criteria(offer, exclude):
        if patterns and matches:
            return f"excluded by filter.exclude.{key}"
    return None


def _not_included(offer: Offer, include: Selection) -> str | None:
    for key, patterns, matches in _criteria(offer, include):
        if patterns and not matches:
            return f"not among filter.include.{key}"
    return None


def _criteria(offer: Offer, selection: Selection) -> tuple[tuple[str, list[str], bool], ...]:
    target = offer.target
    pipelines = [pipeline_uri(pattern) for pattern in selection.pipelines]
    return (
        ("orchestrators", selection.orchestrators, target.orchestrator in selection.orchestrators),
        ("pipelines", pipelines, _matches(target.pipeline, pipelines)),
        ("models", selection.models, _matches(target.model, selection.models)),
    )


def _matches(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _cold(offer: Offer, filters: Filter) -> str | None:
    if filters.warm == "only" and offer.warm is not True:
        return "the orchestrator does not say that it is loaded (filter.warm is `only`)"
    return None


def _inactive(offer: Offer, filters: Filter, active: Collection[str] | None) -> str | None:
    if filters.registered != "active":
        return None
    if active is None:
        return "whether it is active on the chain is not known yet (filter.registered is `active`)"
    if offer.target.orchestrator not in active:
        return "it is not active on the chain in this round (filter.registered is `active`)"
    return None


def _unreachable(offer: Offer, lanes: Collection[Lane]) -> str | None:
    own = [lane for lane in lanes if lane.orchestrator == offer.target.orchestrator]
    if any(lane.url is not None for lane in own):
        return None
    if not own and not any(lane.orchestrator is None for lane in lanes):
        return "no lane reaches this orchestrator (see lanes)"
    if offer.service_uri is None:
        return offer.not_tested or "service URI is not known"
    return None

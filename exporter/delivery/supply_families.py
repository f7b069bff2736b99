"""The families about the supply: what is offered, at what price, and who told us."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import Metric as Family

from exporter.delivery.families import clean, gauge
from exporter.model import Offer, SourceState, Supply, Target, seconds

MAX_PIPELINES: Final = 100
_WARM: Final = {True: "yes", False: "no", None: "unknown"}


def supply_families(supply: Supply | None, display: Callable[[str], str]) -> Iterator[Family]:
    """What the newest supply says; nothing as long as there is none."""
    if supply is None:
        return
    yield _offers(supply.offers)
    yield from _each(supply.offers, display)
    moment = gauge("livepeer_ai_tester_supply_timestamp_seconds")
    moment.add_metric((), supply.taken_at / 1e9)
    yield moment
    yield from _sources({source.name: source for source in supply.sources})


def _offers(offers: tuple[Offer, ...]) -> Family:
    family = gauge("livepeer_ai_tester_offers")
    pipelines = sorted({offer.target.pipeline for offer in offers})
    named = {pipeline: clean(pipeline) for pipeline in pipelines[:MAX_PIPELINES]}
    counts = Counter(
        (
            named.get(offer.target.pipeline, "other"),
            "tested" if offer.not_tested is None else "not_tested",
            _WARM[offer.warm],
        )
        for offer in offers
    )
    for labels, count in sorted(counts.items()):
        family.add_metric(labels, count)
    return family


def _each(offers: tuple[Offer, ...], display: Callable[[str], str]) -> Iterator[Family]:
    """What is known about each offer; of two of one target the first that is tested."""
    tested = gauge("livepeer_ai_tester_offer_tested")
    warm = gauge("livepeer_ai_tester_offer_warm")
    prices = gauge("livepeer_ai_tester_offer_price_wei")
    by_target: dict[Target, Offer] = {}
    for offer in sorted(offers, key=lambda one: one.not_tested is not None):
        by_target.setdefault(offer.target, offer)
    for target, offer in sorted(by_target.items()):
        address = clean(display(target.orchestrator))
        labels = (address, clean(target.pipeline), clean(target.model))
        tested.add_metric(labels, 1 if offer.not_tested is None else 0)
        if offer.warm is not None:
            warm.add_metric(labels, 1 if offer.warm else 0)
        if offer.price_per_unit is not None:
            prices.add_metric(labels, offer.price_per_unit)
    yield from (tested, warm, prices)


def _sources(sources: dict[str, SourceState]) -> Iterator[Family]:
    offers = gauge("livepeer_ai_tester_source_offers")
    refresh = gauge("livepeer_ai_tester_source_last_refresh_timestamp_seconds")
    up = gauge("livepeer_ai_tester_source_up")
    for name, source in sorted(sources.items()):
        labels = (clean(name),)
        offers.add_metric(labels, source.offers)
        refreshed = seconds(source.refreshed_at)
        if refreshed is not None:
            refresh.add_metric(labels, refreshed)
        up.add_metric(labels, 1 if source.error is None else 0)
    yield from (offers, refresh, up)

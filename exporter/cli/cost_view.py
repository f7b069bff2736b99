"""What `targets` says of money: ETH a day by the present prices and schedule."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.model import LaneKind, Offer
    from exporter.probing.scheduling.expected_cost import ExpectedCost
    from exporter.probing.scheduling.spending import Spending
    from exporter.settings import Settings

_UNKNOWN = "-"


def expected(
    settings: "Settings",
    spending: "Spending",
    offers: "Iterable[tuple[Offer, LaneKind | None]]",
) -> "ExpectedCost":
    """What a day of testing these over lanes of these kinds is expected to cost."""
    import time

    from exporter.probing.scheduling.expected_cost import cycles_per_day, expected_cost

    cycles = cycles_per_day(settings.schedule, time.time())
    return expected_cost(offers, settings.schedule, spending, cycles=cycles)


def eth_per_day(cost: "ExpectedCost", offer: "Offer") -> str:
    """Of one target; 0 where its lane pays nothing."""
    from exporter.funds.amounts import eth

    wei = cost.targets.get(offer.target, 0.0)
    return _UNKNOWN if wei is None else eth(wei)


def total(cost: "ExpectedCost", budget: int | None) -> str:
    """Of all, as a sentence."""
    from exporter.funds.amounts import eth

    if not cost.targets:
        return "Cost: nothing is paid for these tests"
    whole = sum(wei for wei in cost.targets.values() if wei is not None)
    words = [f"Cost: {eth(whole)} ETH a day at these prices and this schedule"]
    if cost.unpriced:
        words.append(f"{cost.unpriced} targets of unknown price not counted")
    if budget is not None and whole > budget:
        words.append(f"bounded to {eth(budget)} ETH by `spending.max_per_day`")
    return "; ".join(words)


def document(cost: "ExpectedCost") -> dict[str, object]:
    """The same for programs, in wei a day."""
    return {
        "wei_per_day": cost.wei,
        "unpriced": cost.unpriced,
        "targets": [{"target": target, "wei_per_day": wei} for target, wei in cost.targets.items()],
    }

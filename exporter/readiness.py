"""Whether the probe process can test, and why not."""

from collections.abc import Mapping, Sequence
from typing import Final

from exporter.funds.report import Report
from exporter.model import Supply
from exporter.probe_lanes import Gateways
from exporter.probing.lanes import DOES_NOT_START, FORBIDDEN
from exporter.probing.scheduling.skips import NETWORK_DOWN, NO_LANE, NOT_STORED, NOT_STORING

HINDRANCES: Final = frozenset(
    {DOES_NOT_START, FORBIDDEN, NETWORK_DOWN, NO_LANE, NOT_STORED, NOT_STORING}
)
"""Why a job is left out that would have been run if the surroundings allowed it."""

_ERROR_LIMIT: Final = 300
_SOURCES_SHOWN: Final = 5


def not_ready(supply: Supply | None, gateways: Gateways, money: Report | None = None) -> list[str]:
    """Every reason why nobody, or nobody over a gateway of our own, can be tested now.

    Where there is no source, nobody is meant to be tested.
    """
    reasons = []
    if supply is None:
        reasons.append("discovery has not finished its first refresh")
    elif supply.sources and not supply.tested:
        failing = _failing(supply)
        because = f" ({failing})" if failing else ""
        reasons.append(f"no source offers anything that is tested{because}")
    if gateways.trouble is not None:
        reasons.append(f"no gateway can be started: {gateways.trouble}")
    if money is not None:
        reasons += money.trouble
    return reasons


def warnings(money: Report, *, network_up: bool | None) -> list[str]:
    """What is in the way, or soon may be, of a tester that itself is well.

    No restart brings its own network back; jobs are left out until it is there again.
    """
    cut_off = ["the tester's own network is down: jobs are left out, and nobody is blamed"]
    return [*(cut_off if network_up is False else ()), *money.warnings]


def why_nothing_to_test(supply: Supply) -> str:
    """Why a round had nobody to test."""
    failing = _failing(supply)
    if not supply.sources:
        return "there is nobody to test: the settings only name leaderboards to follow"
    if failing:
        return f"there is nothing to test, since sources fail: {failing}"
    return (
        f"there is nothing to test: {len(supply.offers)} offers are known, and none is tested; "
        "`targets` tells why"
    )


def why_nothing_was_tested(skipped: Mapping[str, int], trouble: Sequence[str]) -> str | None:
    """Why a round without a single job had none; `None` if it was meant to have none.

    `skipped` counts the jobs that were left out, by reason; `trouble` is what is known to be in
    the way.
    """
    if not any(skipped.get(reason) for reason in HINDRANCES):
        return None
    counts = ", ".join(f"{count} x {reason}" for reason, count in sorted(skipped.items()))
    return "; ".join([f"nothing was tested: {counts}", *trouble])


def _failing(supply: Supply) -> str:
    failing = [f"{one.name}: {one.error[:_ERROR_LIMIT]}" for one in supply.sources if one.error]
    more = len(failing) - _SOURCES_SHOWN
    shown = "; ".join(failing[:_SOURCES_SHOWN])
    return f"{shown}; and {more} more" if more > 0 else shown

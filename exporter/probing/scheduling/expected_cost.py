"""What a day of tests is expected to cost by the present offers, prices and schedule."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import groupby
from typing import Final

import msgspec
from cronsim import CronSim, CronSimError

from exporter.model import LaneKind, Offer, Target
from exporter.probing.scheduling.spending import Spending
from exporter.probing.scheduling.utc_day import DAY
from exporter.settings import Schedule

_MOMENTS: Final = 2000
_AHEAD: Final = timedelta(days=366)


class ExpectedCost(msgspec.Struct, frozen=True):
    """Wei a day."""

    wei: float
    """Of all targets whose price is known, but never more than the budget of a day."""
    targets: Mapping[Target, float | None]
    """Of each that is tested on a lane that may pay; `None` where its price is not known. What
    the budget leaves of them is in `wei` only."""

    @property
    def unpriced(self) -> int:
        """Targets whose price is not known."""
        return sum(wei is None for wei in self.targets.values())


def expected_cost(
    offers: Iterable[tuple[Offer, LaneKind | None]],
    schedule: Schedule,
    spending: Spending,
    *,
    cycles: float,
) -> ExpectedCost:
    """The cost of testing these offers over lanes of these kinds, so many cycles a day.

    What is too dear is not tested and costs nothing. A model that is not warm is tested once in
    `cold_interval` at most; `jobs_per_day` leaves each of an orchestrator's targets the same part.
    Repeats are not in it, nor that a cycle may take longer than its interval.
    """
    jobs: dict[str, float] = defaultdict(float)
    paying: list[tuple[Offer, float]] = []
    for offer, lane in offers:
        if lane is None or spending.too_dear(offer, lane) is not None:
            continue
        often = min(cycles, DAY / schedule.cold_interval) if offer.warm is False else cycles
        jobs[offer.target.orchestrator] += often
        if spending.pays(lane):
            paying.append((offer, often))
    costs: dict[Target, float | None] = {}
    for offer, often in paying:
        fee, meant = spending.fee(offer), jobs[offer.target.orchestrator]
        most = schedule.jobs_per_day
        part = 1.0 if most is None or meant <= most else most / meant
        costs[offer.target] = None if fee is None else fee * often * part
    total = sum(wei for wei in costs.values() if wei is not None)
    return ExpectedCost(total if spending.budget is None else min(total, spending.budget), costs)


def cycles_per_day(schedule: Schedule, now: float) -> float:
    """How many cycles an orchestrator gets on a day, on average from `now` (Unix seconds) on."""
    if not schedule.cron:
        return DAY / schedule.interval
    begin = datetime.fromtimestamp(now, UTC)
    count, last = 0, begin
    # Expressions may share moments; each is looked at a year ahead and not longer.
    for moment, _ in groupby(merge(*(_moments(text, begin) for text in schedule.cron))):
        count, last = count + 1, moment
        if count == _MOMENTS:
            return count * DAY / (last - begin).total_seconds()
    return count * DAY / _AHEAD.total_seconds()


def _moments(expression: str, begin: datetime) -> Iterable[datetime]:
    moments = CronSim(expression, begin)
    while True:
        try:
            moment = next(moments)
        except (StopIteration, CronSimError):
            return
        if moment > begin + _AHEAD:
            return
        yield moment

"""What tests may cost: price ceilings, and a budget for each day."""

import math
from collections.abc import Mapping

import msgspec

from exporter.model import LaneKind, Offer
from exporter.pipelines.job import Pipeline
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.fees import estimated_fee
from exporter.probing.scheduling.skips import ABOVE_FEE, ABOVE_PRICE, BUDGET_SPENT, NO_PRICE
from exporter.probing.scheduling.utc_day import is_new_day, utc_day
from exporter.settings import Spending as SpendingSettings


class Spent(msgspec.Struct):
    """What the jobs of one day were expected to cost."""

    day: int
    """Days since 1970, UTC."""
    wei: int = 0


class Spending:
    """Tells which jobs are too dear, and adds up the others.

    Only jobs on lanes that may pay cost anything: managed ones that are `on_chain`, and gateways of
    others (pinned, webhook), of which nobody knows. A job is paid when it starts, whatever comes of
    it, so that a budget also holds for jobs that run at the same time.
    """

    def __init__(
        self,
        settings: SpendingSettings,
        pipelines: Mapping[str, Pipeline],
        *,
        on_chain: bool,
        clock: Clock,
    ) -> None:
        self._ceilings = {limit.pipeline: limit.wei_per_unit for limit in settings.max_price}
        self._max_fee = settings.max_fee
        self.budget = settings.max_per_day
        """Wei a day; `None` for no bound."""
        self._pipelines = pipelines
        self._on_chain = on_chain
        self._clock = clock
        self._spent = Spent(utc_day(clock.wall()))
        self.total = 0
        """Wei since the start."""
        self.unknown = 0
        """Jobs on lanes that may pay whose price was not known, since the start."""

    @property
    def today(self) -> Spent:
        """What was spent today."""
        day = utc_day(self._clock.wall())
        if is_new_day(self._spent.day, day):
            self._spent = Spent(day)
        return self._spent

    def reason_to_skip(self, offer: Offer, lane: LaneKind) -> str | None:
        """Why a job on this offer costs too much; `None` if it does not."""
        if not self._pays(lane):
            return None
        return self._price(offer) or self._fee(offer)

    def pay(self, offer: Offer, lane: LaneKind) -> None:
        """A job on this offer starts."""
        if not self._pays(lane):
            return
        fee = estimated_fee(offer, self._pipelines)
        if fee is None:
            self.unknown += 1
            return
        self.today.wei += math.ceil(fee)
        self.total += math.ceil(fee)

    def restore(self, spent: Spent) -> None:
        """Go on with what was spent before a restart, if that was today."""
        if not is_new_day(spent.day, utc_day(self._clock.wall())):
            self._spent = spent

    def _price(self, offer: Offer) -> str | None:
        ceiling, price = self._ceilings.get(offer.target.pipeline), offer.price_per_unit
        if ceiling is None:
            return None
        if price is None or not math.isfinite(price):
            return NO_PRICE
        return ABOVE_PRICE if price > ceiling else None

    def _fee(self, offer: Offer) -> str | None:
        fee = estimated_fee(offer, self._pipelines)
        if fee is None:
            unbounded = self._max_fee is None and self.budget is None
            return None if unbounded else NO_PRICE
        if self._max_fee is not None and fee > self._max_fee:
            return ABOVE_FEE
        if self.budget is not None and self.today.wei + math.ceil(fee) > self.budget:
            return BUDGET_SPENT
        return None

    def _pays(self, lane: LaneKind) -> bool:
        if lane is LaneKind.MANAGED:
            return self._on_chain
        return lane is not LaneKind.DIRECT

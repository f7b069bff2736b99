"""What tests may cost: price ceilings, and a budget for each day."""

import math
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Final

import msgspec

from exporter.model import LaneKind, Offer
from exporter.pipelines.job import Pipeline
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.fees import fee
from exporter.probing.scheduling.ledger import Ledger, Spent
from exporter.probing.scheduling.skips import ABOVE_FEE, ABOVE_PRICE, BUDGET_SPENT, NO_PRICE
from exporter.settings import Spending as SpendingSettings

_MODELS: Final = 4096


class Payment(msgspec.Struct, frozen=True):
    """What a job was put down for when it began."""

    day: int
    """Days since 1970, UTC."""
    fee: int | None
    """Wei; `None` where its price was not known."""


class Spending:
    """Tells which jobs are too dear, and adds up the others.

    Only jobs on lanes that may pay cost anything: managed ones that are `on_chain`, and gateways of
    others (pinned, webhook), of which nobody knows. A job is paid when it starts, whatever comes of
    it, so that a budget also holds for jobs that run at the same time; what it really sent, where
    the lane tells, takes the place of the estimate when it is over.
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
        # By the settings, which stay: with thousands of targets this is asked very often.
        self._units = lru_cache(_MODELS)(partial(_units, pipelines))
        self._on_chain = on_chain
        self.ledger = Ledger(clock)
        self.total = 0
        """Wei that all jobs since the start were expected to cost."""
        self.unknown = 0
        """Jobs on lanes that may pay whose price was not known, since the start."""
        self.sent = 0
        """Wei that the tickets sent since the start are worth, as far as lanes tell."""
        self.untold = 0
        """Jobs on lanes that may pay of which nobody tells what was sent, since the start."""

    @property
    def today(self) -> Spent:
        """What was spent today."""
        return self.ledger.today

    def fee(self, offer: Offer) -> float | None:
        """Wei that one job on the offer is expected to cost; `None` where that is not known."""
        return fee(offer, self._units(offer.target.pipeline, offer.target.model))

    def reason_to_skip(self, offer: Offer, lane: LaneKind) -> str | None:
        """Why a job on this offer costs too much; `None` if it does not."""
        reason = self.too_dear(offer, lane)
        if reason is None and self.pays(lane) and not self._is_within_budget(offer):
            return BUDGET_SPENT
        return reason

    def too_dear(self, offer: Offer, lane: LaneKind) -> str | None:
        """Why no job on this offer is run on any day; `None` if its price is no hindrance."""
        return (self._price(offer) or self._fee(offer)) if self.pays(lane) else None

    def pays(self, lane: LaneKind) -> bool:
        """Whether a job on such a lane may cost anything."""
        if lane is LaneKind.MANAGED:
            return self._on_chain
        return lane is not LaneKind.DIRECT

    def pay(self, offer: Offer, lane: LaneKind) -> Payment | None:
        """A job on this offer starts; gives what `paid` is told, `None` if it costs nothing."""
        if not self.pays(lane):
            return None
        expected, today = self.fee(offer), self.today
        others = lane is not LaneKind.MANAGED
        if expected is None:
            self.unknown += 1
            today.unpriced += 1
            today.others_unpriced += others
            return Payment(today.day, None)
        wei = math.ceil(expected)
        today.wei += wei
        today.others += wei if others else 0
        self.total += wei
        return Payment(today.day, wei)

    def paid(self, payment: Payment, ticket_value: float | None) -> None:
        """A job is over: what its tickets are worth on average, wei; `None` where nobody tells."""
        if ticket_value is None:
            self.untold += 1
            return
        self.sent += math.ceil(ticket_value)
        spent = self.ledger.of(payment.day)
        if spent is None:
            return
        spent.sent += math.ceil(ticket_value)
        spent.sent_expected += payment.fee or 0
        spent.unpriced -= payment.fee is None

    def _price(self, offer: Offer) -> str | None:
        ceiling, price = self._ceilings.get(offer.target.pipeline), offer.price_per_unit
        if ceiling is None:
            return None
        if price is None or not math.isfinite(price):
            return NO_PRICE
        return ABOVE_PRICE if price > ceiling else None

    def _fee(self, offer: Offer) -> str | None:
        expected = self.fee(offer)
        if expected is None:
            unbounded = self._max_fee is None and self.budget is None
            return None if unbounded else NO_PRICE
        return ABOVE_FEE if self._max_fee is not None and expected > self._max_fee else None

    def _is_within_budget(self, offer: Offer) -> bool:
        if self.budget is None:
            return True
        return self.today.cost + math.ceil(self.fee(offer) or 0) <= self.budget


def _units(pipelines: Mapping[str, Pipeline], pipeline: str, model: str) -> float | None:
    """Units that one job is paid by; `None` where that is not known."""
    known = pipelines.get(pipeline)
    return None if known is None else known.fee_units(model)

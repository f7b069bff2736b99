"""The operator's bounds on courtesy and money: what they hold back, and that it is said once."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from exporter.model import LaneKind, Offer, Target
from exporter.pipelines.job import Pipeline
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.courtesy import Courtesy
from exporter.probing.scheduling.skips import BOUNDS
from exporter.probing.scheduling.spending import Payment, Spending
from exporter.probing.scheduling.utc_day import utc_day
from exporter.settings import Schedule as ScheduleSettings
from exporter.settings import Spending as SpendingSettings

log = logging.getLogger(__name__)


class Bounds:
    """Asked before each job, told of each job.

    `on_chain` says whether managed lanes pay.
    """

    def __init__(
        self,
        schedule: ScheduleSettings,
        spending: SpendingSettings | None = None,
        *,
        pipelines: Mapping[str, Pipeline] | None = None,
        on_chain: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self.courtesy = Courtesy(schedule, self._clock)
        self.spending = Spending(
            spending or SpendingSettings(), pipelines or {}, on_chain=on_chain, clock=self._clock
        )
        self.held_back: dict[Target, str] = {}
        """Targets that a bound keeps from being tested now, with the reason."""
        self.changes = 0
        """Jobs that started, or whose cost became known, since the start of the process."""
        self._told: dict[str, int] = {}

    def reason_to_skip(self, offer: Offer, lane: LaneKind, *, again: bool = False) -> str | None:
        """Why no job may be run on this offer; `again` for the repeat of a job."""
        reason = self.courtesy.reason_to_skip(offer, again=again) or self.spending.reason_to_skip(
            offer, lane
        )
        if reason in BOUNDS:
            if not again:
                self.held_back[offer.target] = reason
            self._tell(reason)
        return reason

    def start(self, offer: Offer, lane: LaneKind) -> Payment | None:
        """A job on this offer starts: it counts, and it is paid; gives what it is put down for."""
        self.changes += 1
        self.held_back.pop(offer.target, None)
        self.courtesy.started(offer)
        return self.spending.pay(offer, lane)

    def end(self, payment: Payment | None, ticket_value: float | None) -> None:
        """That job is over: what its tickets are worth, wei; `None` where nobody tells."""
        if payment is not None:
            self.changes += 1
            self.spending.paid(payment, ticket_value)

    def keep(self, offers: Iterable[Offer]) -> None:
        """Forget what was held back of targets that are gone."""
        wanted = {offer.target for offer in offers}
        self.held_back = {t: reason for t, reason in self.held_back.items() if t in wanted}
        self.courtesy.forget()

    def report(self) -> dict[str, Any]:
        """How far the bounds are used up, as plain data."""
        return {
            "wei_today": self.spending.today.wei,
            "wei_total": self.spending.total,
            "cost_today": self.spending.today.cost,
            "sent_today": self.spending.today.sent,
            "sent_total": self.spending.sent,
            "sent_unknown": self.spending.untold,
            "wei_per_day": self.spending.budget,
            "price_unknown": self.spending.unknown,
            "held_back": dict(Counter(self.held_back.values())),
        }

    def _tell(self, reason: str) -> None:
        """Say it, once a day for each bound."""
        today = utc_day(self._clock.wall())
        if self._told.get(reason) != today:
            self._told[reason] = today
            log.warning("a bound is hit, jobs are skipped: %s", reason)

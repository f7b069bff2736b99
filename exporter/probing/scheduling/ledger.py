"""What the tests of the last days cost, day by day, over restarts."""

from collections.abc import Iterable
from typing import Final

import msgspec

from exporter.model import NANOSECONDS
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.utc_day import is_new_day, utc_day

DAYS_KEPT: Final = 7
"""Days before today."""


class Spent(msgspec.Struct):
    """What the jobs of one day cost."""

    day: int
    """Days since 1970, UTC."""
    wei: int = 0
    """What they were expected to cost when they began, as far as their price was known."""
    sent: int = 0
    """What the tickets were worth that were sent for them, as far as the lanes' logs tell."""
    sent_expected: int = 0
    """The part of `wei` for those jobs of which `sent` tells."""
    unpriced: int = 0
    """Jobs of which neither tells."""
    others: int = 0
    """The part of `wei` that gateways of others pay."""
    others_unpriced: int = 0
    """Those of `unpriced` that gateways of others pay."""
    seconds: float = 0.0
    """How long the tester ran on that day."""

    @property
    def cost(self) -> int:
        """The best that is known: what was sent, and what was expected where nothing tells."""
        return self.wei - self.sent_expected + self.sent

    @property
    def own(self) -> "Spent":
        """The same without what gateways of others pay."""
        return msgspec.structs.replace(
            self,
            wei=self.wei - self.others,
            unpriced=self.unpriced - self.others_unpriced,
            others=0,
            others_unpriced=0,
        )


class Ledger:
    """Adds up by UTC day."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._today = Spent(utc_day(clock.wall()))
        self._past: list[Spent] = []
        self._counted_to = clock.stamp()

    @property
    def today(self) -> Spent:
        """The sums of today."""
        day = utc_day(self._clock.wall())
        if is_new_day(self._today.day, day):
            self._past = _lately([*self._past, self._today], day)
            self._today = Spent(day)
        return self._today

    @property
    def days(self) -> list[Spent]:
        """The days that are remembered, oldest first and today last."""
        today = self.today
        return [*self._past, today]

    def of(self, day: int) -> Spent | None:
        """The sums of a day; `None` where it is not remembered any more."""
        return next((spent for spent in self.days if spent.day == day), None)

    def count_time(self) -> None:
        """The tester ran up to now. Called now and then."""
        today, now = self.today, self._clock.stamp()
        today.seconds += (now - self._counted_to) / NANOSECONDS
        self._counted_to = now

    def restore(self, days: Iterable[Spent]) -> None:
        """Go on with the days before a restart; those of a clock that was wrong are dropped."""
        day = utc_day(self._clock.wall())
        *past, last = sorted(days, key=lambda spent: spent.day) or [self._today]
        if is_new_day(last.day, day):
            past, last = [*past, last], Spent(day)
        self._past, self._today = _lately(past, last.day), last


def _lately(days: Iterable[Spent], today: int) -> list[Spent]:
    return [spent for spent in days if 0 < today - spent.day <= DAYS_KEPT]

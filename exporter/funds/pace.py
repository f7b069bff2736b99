"""How fast the deposit is used up, and how long it lasts."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

import msgspec

DAY: Final = 86_400
SEEN_LEAST: Final = float(DAY)
"""Seconds of tests after which what they cost says more than an estimate: models that are not warm
are tested once a day, and all of them soon after the start."""


class Basis(StrEnum):
    """What a pace is taken from."""

    SPENT = "spent"
    """What the jobs of the latest days cost."""
    SCHEDULE = "schedule"
    """What the present targets are expected to cost at the present prices and schedule."""


class Day(Protocol):
    """What the jobs of one day cost."""

    @property
    def cost(self) -> int:
        """Wei."""
        ...

    @property
    def unpriced(self) -> int:
        """Jobs of which nobody knows what they cost."""
        ...

    @property
    def seconds(self) -> float:
        """How long the tester ran on that day."""
        ...


class Pace(msgspec.Struct, frozen=True):
    """What tests cost in a day."""

    wei_per_day: float
    basis: Basis
    unpriced: int
    """Jobs (by what was spent) or targets (by the schedule) of which nobody knows what they cost.
    With any, the pace is the least that it can be."""
    days: float | None = None
    """Days of tests that it is taken from, by what was spent."""


def pace(
    days: Sequence[Day], *, expected: float | None, unpriced: int, budget: int | None
) -> Pace | None:
    """The pace by what was spent, once there is a day of tests; else by what is expected.

    The time counts in which the tester ran: what it costs while it stands still says nothing of
    how long the deposit lasts once it goes on. No pace is above the `budget` of a day, wei.
    `expected` is the estimate in wei a day, `None` where there is none yet; `unpriced` are the
    targets that are not in it.
    """
    seconds = sum(day.seconds for day in days)
    if seconds >= SEEN_LEAST:
        spent = max(0, sum(day.cost for day in days)) * DAY / seconds
        jobs = sum(day.unpriced for day in days)
        return Pace(_within(spent, budget), Basis.SPENT, jobs, seconds / DAY)
    if expected is None:
        return None
    return Pace(_within(expected, budget), Basis.SCHEDULE, unpriced)


def days_at_most(deposit: int | None, pace: Pace | None) -> float | None:
    """Days after which the deposit is used up at this pace, or sooner where prices are unknown.

    `None` where deposit or pace are unknown, and where nothing is spent.
    """
    if deposit is None or pace is None or pace.wei_per_day <= 0:
        return None
    return deposit / pace.wei_per_day


def days_left(deposit: int | None, pace: Pace | None) -> float | None:
    """The same; `None` also where the pace may be higher, since prices are unknown."""
    return None if pace is None or pace.unpriced else days_at_most(deposit, pace)


def _within(wei: float, budget: int | None) -> float:
    return wei if budget is None else min(wei, budget)

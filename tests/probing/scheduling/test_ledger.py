"""Sums by the day, over midnights, clocks that are set, and restarts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import NANOSECONDS, LaneKind
from exporter.pipelines import registry
from exporter.probing.scheduling.bounds import Bounds
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.ledger import DAYS_KEPT, Ledger, Spent
from exporter.probing.scheduling.notices import SPENDING, Notices
from exporter.probing.scheduling.rounds import Rounds
from exporter.probing.scheduling.utc_day import DAY
from exporter.settings import Pipelines, Schedule, Spending
from tests.probing.shared_lanes import offer

TODAY = 20_000
PRICE, FEE = 2.0, 256
"""Wei per token, and of a job of 128 tokens."""


class Time:
    """A wall clock and a monotonic one that go together, until the wall clock is set."""

    def __init__(self, day: float = TODAY + 0.5) -> None:
        self.wall = day * DAY
        self.stamp = 0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.stamp += round(seconds * NANOSECONDS)

    @property
    def clock(self) -> Clock:
        return Clock(wall=lambda: self.wall, stamp=lambda: self.stamp)


class Run:
    """One run of a tester as far as its money goes."""

    def __init__(self, time: Time, before: "Run | None" = None) -> None:
        self.bounds = Bounds(
            Schedule(),
            Spending(),
            pipelines=registry(Pipelines()),
            on_chain=True,
            clock=time.clock,
        )
        self.notices = Notices(Rounds(time.clock), self.bounds)
        self.published: dict[str, bytes] = {} if before is None else before.published
        self.notices.restore(SPENDING, self.published.get(SPENDING))

    @property
    def ledger(self) -> Ledger:
        return self.bounds.spending.ledger

    def job(self, ticket_value: float | None = None, lane: LaneKind = LaneKind.MANAGED) -> None:
        payment = self.bounds.start(offer("o", price=PRICE), lane)
        self.bounds.end(payment, ticket_value)

    def publish(self) -> "Run":
        self.published |= dict(self.notices.changed())
        return self


def test_what_was_sent_takes_the_place_of_what_was_expected() -> None:
    run = Run(Time())
    run.job(ticket_value=300.0)
    run.job(ticket_value=0.0)
    run.job()
    today = run.ledger.today
    assert (today.wei, today.sent, today.cost) == (3 * FEE, 300, 300 + FEE)
    spending = run.bounds.spending
    assert (spending.total, spending.sent, spending.untold) == (3 * FEE, 300, 1)


def test_a_job_of_unknown_price_is_known_by_what_was_sent() -> None:
    run = Run(Time())
    for value in (40.0, None):
        payment = run.bounds.start(offer("o"), LaneKind.MANAGED)
        run.bounds.end(payment, value)
    assert (run.ledger.today.cost, run.ledger.today.unpriced) == (40, 1)


def test_a_job_over_midnight_costs_the_day_on_which_it_began() -> None:
    time = Time(TODAY + 0.9999)
    run = Run(time)
    payment = run.bounds.start(offer("o", price=PRICE), LaneKind.MANAGED)
    time.pass_(600)
    run.bounds.end(payment, 7.0)
    assert [(day.day, day.cost) for day in run.ledger.days] == [(TODAY, 7), (TODAY + 1, 0)]


def test_the_budget_of_a_day_goes_by_what_was_sent_where_that_is_known() -> None:
    time = Time()
    bounds = Bounds(
        Schedule(),
        Spending(max_per_day=2 * FEE),
        pipelines=registry(Pipelines()),
        on_chain=True,
        clock=time.clock,
    )
    of = offer("o", price=PRICE)
    bounds.end(bounds.start(of, LaneKind.MANAGED), 2.0 * FEE)
    assert bounds.reason_to_skip(of, LaneKind.MANAGED) is not None


def test_gateways_of_others_are_told_apart() -> None:
    run = Run(Time())
    run.job(ticket_value=5.0)
    run.job(lane=LaneKind.PINNED)
    run.bounds.end(run.bounds.start(offer("o"), LaneKind.WEBHOOK), None)
    today = run.ledger.today
    assert (today.cost, today.unpriced) == (5 + FEE, 1)
    assert (today.own.cost, today.own.unpriced) == (5, 0)


def test_the_days_survive_restarts() -> None:
    time = Time()
    run = Run(time)
    for day in range(3):
        run.job()
        time.pass_(DAY / 4)
        run.ledger.count_time()
        run.publish()
        time.pass_(3 * DAY / 4)
        run = Run(time, run)
        assert len(run.ledger.days) == day + 2
    assert [day.cost for day in run.ledger.days] == [FEE, FEE, FEE, 0]
    assert [day.seconds for day in run.ledger.days[:3]] == [DAY / 4] * 3


def test_a_day_is_forgotten_after_a_week() -> None:
    time = Time()
    run = Run(time)
    for _ in range(2 * DAYS_KEPT):
        run.job()
        time.pass_(DAY)
        assert run.ledger.today.cost == 0
    assert len(run.ledger.days) == DAYS_KEPT + 1


def test_what_an_older_version_left_is_taken_over() -> None:
    time = Time()
    run = Run(time)
    run.published[SPENDING] = (
        b'{"spent":{"day":20000,"wei":77},"jobs":{"day":20000,"jobs":{"o":3}}}'
    )
    again = Run(time, run)
    assert [(day.day, day.cost) for day in again.ledger.days] == [(TODAY, 77)]


@pytest.mark.parametrize("day", [TODAY + 40, TODAY - 40])
def test_days_of_a_clock_that_was_wrong_are_dropped(day: int) -> None:
    time = Time()
    ledger = Ledger(time.clock)
    ledger.restore([Spent(day, wei=5)])
    assert [spent.day for spent in ledger.days] == [TODAY]
    ledger.restore([])
    assert ledger.today.day == TODAY


def test_the_time_is_published_by_the_minute_and_not_at_every_look() -> None:
    time = Time()
    run = Run(time).publish()
    for seconds, published in ((20, False), (20, False), (30, True), (2, False)):
        time.pass_(seconds)
        run.ledger.count_time()
        assert (SPENDING in dict(run.notices.changed())) == published


@given(st.lists(st.tuples(st.floats(0, 2 * DAY), st.none() | st.floats(0, 1e18)), max_size=30))
def test_no_wei_is_lost_or_counted_twice_over_days_and_restarts(
    jobs: list[tuple[float, float | None]],
) -> None:
    time = Time()
    run = Run(time)
    costs: dict[int, int] = {}
    for pause, value in jobs:
        time.pass_(pause)
        run.ledger.count_time()
        run.job(value)
        day = int(time.wall // DAY)
        costs[day] = costs.get(day, 0) + (FEE if value is None else -int(-value // 1))
        run = Run(time, run.publish())
    kept = {spent.day: spent.cost for spent in run.ledger.days if spent.cost}
    last = int(time.wall // DAY)
    assert kept == {day: cost for day, cost in costs.items() if cost and last - day <= DAYS_KEPT}

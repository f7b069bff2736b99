"""How long the deposit lasts: the laws of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.funds.pace import SEEN_LEAST, Basis, Pace, days_at_most, days_left, pace
from exporter.probing.scheduling.ledger import Spent

DAYS = st.lists(
    st.builds(
        Spent,
        st.integers(0, 30_000),
        wei=st.integers(0, 10**20),
        unpriced=st.integers(0, 3),
        seconds=st.floats(0, 86_400),
    ),
    max_size=8,
)
WEI = st.none() | st.floats(0, 1e24)
BUDGET = st.none() | st.integers(1, 2**62)


@given(DAYS, WEI, BUDGET, st.integers(0, 5))
def test_a_pace_is_by_what_was_spent_once_there_is_a_day_and_never_above_the_budget(
    days: list[Spent], expected: float | None, budget: int | None, unpriced: int
) -> None:
    found = pace(days, expected=expected, unpriced=unpriced, budget=budget)
    seconds = sum(day.seconds for day in days)
    if found is None:
        assert seconds < SEEN_LEAST
        assert expected is None
        return
    assert found.basis is (Basis.SPENT if seconds >= SEEN_LEAST else Basis.SCHEDULE)
    assert found.wei_per_day >= 0
    assert budget is None or found.wei_per_day <= budget
    if found.basis is Basis.SPENT:
        assert found.unpriced == sum(day.unpriced for day in days)
        spent = sum(day.wei for day in days)
        whole = found.wei_per_day * seconds / 86_400
        assert math.isclose(whole, spent) or (budget is not None and whole < spent)


@given(st.integers(0, 10**25), st.floats(1, 1e24), st.integers(2, 50))
def test_twice_the_pace_lasts_half_as_long_and_twice_the_deposit_twice_as_long(
    deposit: int, wei: float, times: int
) -> None:
    one = days_left(deposit, Pace(wei, Basis.SPENT, 0))
    assert one is not None
    faster = days_left(deposit, Pace(wei * times, Basis.SPENT, 0))
    richer = days_left(deposit * times, Pace(wei, Basis.SPENT, 0))
    assert faster == pytest.approx(one / times)
    assert richer == pytest.approx(one * times)
    assert one * wei == pytest.approx(deposit)


@given(
    st.none() | st.integers(0, 10**25),
    st.none() | st.builds(Pace, WEI.filter(bool), st.just(Basis.SPENT), st.integers(0, 2)),
)
def test_what_is_not_known_gives_no_days(deposit: int | None, known: Pace | None) -> None:
    left, at_most = days_left(deposit, known), days_at_most(deposit, known)
    if deposit is None or known is None:
        assert (left, at_most) == (None, None)
    elif known.unpriced:
        assert left is None
    else:
        assert left == at_most


def test_where_nothing_is_spent_no_number_of_days_is_right() -> None:
    assert days_left(10, Pace(0.0, Basis.SPENT, 0)) is None
    assert days_at_most(10, Pace(0.0, Basis.SPENT, 0)) is None


def test_nothing_left_lasts_no_day() -> None:
    assert days_left(0, Pace(5.0, Basis.SCHEDULE, 0)) == 0


def test_a_tester_that_stood_still_spends_as_fast_once_it_goes_on() -> None:
    days = [Spent(1, wei=500, seconds=43_200.0), Spent(4, wei=500, seconds=43_200.0)]
    found = pace(days, expected=7.0, unpriced=0, budget=None)
    assert found == Pace(1000.0, Basis.SPENT, 0, 1.0)


def test_before_the_first_day_of_tests_the_schedule_tells() -> None:
    days = [Spent(1, wei=500, seconds=SEEN_LEAST - 1)]
    assert pace(days, expected=7.0, unpriced=2, budget=5) == Pace(5, Basis.SCHEDULE, 2)
    assert pace(days, expected=None, unpriced=0, budget=None) is None

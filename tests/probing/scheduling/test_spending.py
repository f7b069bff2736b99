import logging
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import LaneKind, Offer
from exporter.pipelines import registry
from exporter.probing.scheduling.bounds import Bounds
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.fees import estimated_fee
from exporter.probing.scheduling.skips import (
    ABOVE_FEE,
    ABOVE_PRICE,
    BUDGET_SPENT,
    JOBS_OF_DAY,
    NO_PRICE,
)
from exporter.probing.scheduling.utc_day import DAY, is_new_day
from exporter.settings import Pipelines, Spending
from exporter.settings import Schedule as Settings
from tests.probing.shared_lanes import offer

PIPELINES = registry(Pipelines())
NOON = 20_000 * DAY + DAY / 2


class Wall:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def bounds(
    wall: Wall | None = None, *, on_chain: bool = True, schedule: Any = None, **spending: Any
) -> Bounds:
    return Bounds(
        Settings.model_validate(schedule or {}),
        Spending.model_validate(spending),
        pipelines=PIPELINES,
        on_chain=on_chain,
        clock=Clock(wall=wall or Wall()),
    )


def picture(price: float | None, who: str = "o") -> Offer:
    return offer(who, pipeline="text-to-image", price=price)


def test_a_picture_is_paid_by_the_pixel_and_an_answer_by_the_tokens_it_may_have() -> None:
    assert estimated_fee(picture(2.0), PIPELINES) == 2.0 * 512 * 512
    assert estimated_fee(offer("o", price=0.5), PIPELINES) == 0.5 * 128
    sized = registry(
        Pipelines.model_validate({"text-to-image": {"defaults": {"width": 64, "height": 128}}})
    )
    assert estimated_fee(picture(1.0), sized) == 64 * 128


@pytest.mark.parametrize("price", [None, math.inf, math.nan, -1.0])
def test_a_price_that_is_none_gives_no_fee(price: float | None) -> None:
    assert estimated_fee(picture(price), PIPELINES) is None


def test_a_pipeline_that_is_not_known_has_no_fee() -> None:
    assert estimated_fee(offer("o", pipeline="dance", price=1.0), PIPELINES) is None


@pytest.mark.parametrize(
    ("price", "reason"),
    [(100.0, None), (100.1, ABOVE_PRICE), (None, NO_PRICE), (math.inf, NO_PRICE)],
)
def test_a_price_above_the_ceiling_of_its_pipeline_is_too_dear(
    price: float | None, reason: str | None
) -> None:
    made = bounds(max_price=[{"pipeline": "text-to-image", "wei_per_unit": 100}])
    assert made.reason_to_skip(picture(price), LaneKind.MANAGED) == reason
    assert made.reason_to_skip(offer("o", price=price), LaneKind.MANAGED) is None


def test_a_job_that_costs_more_than_the_highest_fee_is_too_dear() -> None:
    made = bounds(max_fee=512 * 512)
    assert made.reason_to_skip(picture(1.0), LaneKind.MANAGED) is None
    assert made.reason_to_skip(picture(1.001), LaneKind.MANAGED) == ABOVE_FEE
    assert made.reason_to_skip(picture(None), LaneKind.MANAGED) == NO_PRICE


@pytest.mark.parametrize(
    ("lane", "on_chain", "pays"),
    [
        (LaneKind.MANAGED, True, True),
        (LaneKind.MANAGED, False, False),
        (LaneKind.PINNED, False, True),
        (LaneKind.WEBHOOK, False, True),
        (LaneKind.DIRECT, True, False),
    ],
)
def test_bounds_hold_where_a_lane_may_pay(*, lane: LaneKind, on_chain: bool, pays: bool) -> None:
    made = bounds(on_chain=on_chain, max_fee=1)
    assert (made.reason_to_skip(picture(1.0), lane) is not None) == pays
    made.start(picture(1.0), lane)
    made.start(picture(None), lane)
    assert made.spending.total == (512 * 512 if pays else 0)
    assert made.spending.unknown == (1 if pays else 0)


def test_without_bounds_an_unknown_price_is_no_hindrance() -> None:
    made = bounds()
    assert made.reason_to_skip(picture(None), LaneKind.MANAGED) is None


def test_the_budget_of_a_day_is_never_exceeded_and_begins_anew_at_midnight() -> None:
    wall = Wall()
    made = bounds(wall, max_per_day=3 * 512 * 512)
    for _ in range(3):
        assert made.reason_to_skip(picture(1.0), LaneKind.MANAGED) is None
        made.start(picture(1.0), LaneKind.MANAGED)
    assert made.reason_to_skip(picture(1.0), LaneKind.MANAGED) == BUDGET_SPENT
    assert made.reason_to_skip(picture(0.0), LaneKind.MANAGED) is None
    wall.now = 20_001 * DAY - 1.0
    assert made.reason_to_skip(picture(1.0), LaneKind.MANAGED) == BUDGET_SPENT
    wall.now = 20_001 * DAY
    assert made.reason_to_skip(picture(1.0), LaneKind.MANAGED) is None
    assert made.spending.today.wei == 0
    assert made.spending.total == 3 * 512 * 512


@given(
    st.integers(1, 10**12),
    st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, DAY / 4)), max_size=80),
)
def test_no_day_costs_more_than_its_budget(budget: int, jobs: list[tuple[float, float]]) -> None:
    wall = Wall()
    made = bounds(wall, max_per_day=budget)
    days: dict[int, float] = {}
    for price, pause in jobs:
        wall.now += pause
        of = offer("o", price=price)
        if made.reason_to_skip(of, LaneKind.MANAGED) is None:
            made.start(of, LaneKind.MANAGED)
            day = int(wall.now // DAY)
            days[day] = days.get(day, 0) + price * 128
    assert all(spent <= budget for spent in days.values())


def test_an_orchestrator_gets_so_many_jobs_a_day_repeats_included() -> None:
    wall = Wall()
    made = bounds(wall, schedule={"jobs_per_day": 2})
    one, other = offer("one"), offer("other")
    made.start(one, LaneKind.DIRECT)
    assert made.reason_to_skip(one, LaneKind.DIRECT, again=True) is None
    made.start(one, LaneKind.DIRECT)
    assert made.reason_to_skip(one, LaneKind.DIRECT) == JOBS_OF_DAY
    assert made.reason_to_skip(one, LaneKind.DIRECT, again=True) == JOBS_OF_DAY
    assert made.reason_to_skip(other, LaneKind.DIRECT) is None
    wall.now += DAY
    assert made.reason_to_skip(one, LaneKind.DIRECT) is None


@pytest.mark.parametrize(
    ("counted", "today", "new"), [(5, 5, False), (5, 6, True), (5, 4, False), (5, 3, True)]
)
def test_a_clock_set_back_over_midnight_does_not_begin_a_budget_anew(
    *, counted: int, today: int, new: bool
) -> None:
    assert is_new_day(counted, today) == new


def test_what_is_held_back_is_known_until_it_is_tested_or_gone() -> None:
    made = bounds(max_fee=1)
    dear, cheap = picture(1.0), picture(1.0, "p")
    for of in (dear, cheap):
        made.reason_to_skip(of, LaneKind.MANAGED)
    assert made.held_back == {dear.target: ABOVE_FEE, cheap.target: ABOVE_FEE}
    assert made.report()["held_back"] == {ABOVE_FEE: 2}
    made.start(cheap, LaneKind.DIRECT)
    assert made.held_back == {dear.target: ABOVE_FEE}
    made.keep([cheap])
    assert made.held_back == {}


def test_a_bound_is_told_once_a_day(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    wall = Wall()
    made = bounds(wall, max_fee=1)
    for _ in range(50):
        made.reason_to_skip(picture(1.0), LaneKind.MANAGED)
    assert [record.getMessage() for record in caplog.records] == [
        f"a bound is hit, jobs are skipped: {ABOVE_FEE}"
    ]
    wall.now += DAY
    made.reason_to_skip(picture(1.0), LaneKind.MANAGED)
    assert len(caplog.records) == 2

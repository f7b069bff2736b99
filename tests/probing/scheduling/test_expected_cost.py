"""What a day of tests is expected to cost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import LaneKind, Offer
from exporter.pipelines import registry
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.expected_cost import ExpectedCost, cycles_per_day, expected_cost
from exporter.probing.scheduling.spending import Spending
from exporter.settings import Pipelines, Schedule
from exporter.settings import Spending as SpendingSettings
from tests.probing.shared_lanes import offer

MANAGED = LaneKind.MANAGED
NOW = 1_700_000_000.0
TOKENS = 128


def cost(
    *offers: Offer | tuple[Offer, LaneKind | None],
    schedule: dict[str, Any] | None = None,
    on_chain: bool = True,
    **spending: Any,
) -> ExpectedCost:
    settings = Schedule.model_validate(schedule or {"interval": 900})
    bounds = Spending(
        SpendingSettings.model_validate(spending),
        registry(Pipelines()),
        on_chain=on_chain,
        clock=Clock(),
    )
    meant = [one if isinstance(one, tuple) else (one, MANAGED) for one in offers]
    return expected_cost(meant, settings, bounds, cycles=cycles_per_day(settings, NOW))


def test_a_warm_model_is_paid_at_every_cycle_and_a_cold_one_once_a_day() -> None:
    warm, cold = offer("o", "a", price=2.0), offer("o", "b", price=2.0, warm=False)
    found = cost(warm, cold)
    assert found.targets == {warm.target: 96 * 2.0 * TOKENS, cold.target: 2.0 * TOKENS}
    assert found.wei == 97 * 2.0 * TOKENS
    assert found.unpriced == 0


def test_where_nobody_pays_or_nobody_gets_it_costs_nothing() -> None:
    of = offer("o", price=2.0)
    for lane, on_chain in ((LaneKind.DIRECT, True), (None, True), (MANAGED, False)):
        found = cost((of, lane), on_chain=on_chain)
        assert (found.wei, found.targets) == (0, {})
    assert cost((of, LaneKind.PINNED), on_chain=False).wei == 96 * 2.0 * TOKENS


def test_an_unknown_price_is_unknown_and_not_free() -> None:
    of = offer("o")
    found = cost(of, offer("p", price=1.0))
    assert (found.targets[of.target], found.unpriced, found.wei) == (None, 1, 96 * TOKENS)


def test_what_is_too_dear_is_not_tested() -> None:
    dear = offer("o", price=3.0)
    assert cost(dear, offer("p"), max_fee=2 * TOKENS).targets == {}
    assert cost(dear, max_price=[{"pipeline": "llm", "wei_per_unit": 2}]).wei == 0


def test_no_day_costs_more_than_its_budget() -> None:
    of = offer("o", price=2.0)
    found = cost(of, max_per_day=500)
    assert (found.wei, found.targets[of.target]) == (500, 96 * 2.0 * TOKENS)


def test_the_jobs_of_a_day_are_shared_by_an_orchestrators_targets_and_by_nobody_else() -> None:
    offers = [offer("o", "a", price=1.0), offer("o", "b", price=1.0), offer("p", price=1.0)]
    found = cost(*offers, schedule={"interval": 900, "jobs_per_day": 96})
    assert [found.targets[of.target] for of in offers] == [48 * TOKENS, 48 * TOKENS, 96 * TOKENS]


@pytest.mark.parametrize(
    ("schedule", "cycles"),
    [
        ({"interval": 900}, 96),
        ({"interval": 86400 * 7}, 1 / 7),
        ({"cron": ["0 * * * *"]}, 24),
        ({"cron": ["*/30 6-22 * * *"]}, 34),
        ({"cron": ["* * * * *"]}, 1440),
        ({"cron": ["0 0 * * *", "0 12 * * *", "0 */12 * * *"]}, 2),
        ({"cron": ["0 0 * * 0"]}, 1 / 7),
        ({"cron": ["0 0 1 1 *"]}, 1 / 366),
    ],
)
def test_cycles_are_counted_as_the_timetable_has_them(
    schedule: dict[str, Any], cycles: float
) -> None:
    found = cycles_per_day(Schedule.model_validate(schedule), NOW)
    assert found == pytest.approx(cycles, rel=0.02)


@given(
    st.lists(st.tuples(st.sampled_from("opq"), st.floats(0, 1e9), st.booleans()), max_size=12),
    st.none() | st.integers(1, 500),
    st.floats(60, 90_000),
)
def test_the_sum_of_all_targets_is_what_the_day_costs_and_no_bound_makes_it_dearer(
    targets: list[tuple[str, float, bool]], jobs: int | None, interval: float
) -> None:
    offers = [
        offer(who, str(number), price=price, warm=warm)
        for number, (who, price, warm) in enumerate(targets)
    ]
    free = cost(*offers, schedule={"interval": interval})
    bound = cost(*offers, schedule={"interval": interval, "jobs_per_day": jobs})
    for found in (free, bound):
        assert found.wei == pytest.approx(sum(wei or 0 for wei in found.targets.values()))
    assert bound.wei <= free.wei * (1 + 1e-9)
    if jobs is not None:
        for who in "opq":
            prices = [of.price_per_unit or 0 for of in offers if of.target.orchestrator == who]
            spent = sum(
                wei or 0 for target, wei in bound.targets.items() if target.orchestrator == who
            )
            assert spent <= jobs * max(prices, default=0) * TOKENS * (1 + 1e-9)

"""The AI examples of the leaderboard's contract, and laws of the formula."""

import math
from collections.abc import Iterable
from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.leaderboard.scoring import Score, round_trip_score, score
from exporter.stores import Group

Stat = tuple[str, str, float, float]

EXAMPLE: list[Stat] = [
    ("FRA", "A", 1, 2),
    ("FRA", "A", 1, 4),
    ("LAX", "A", 0, 0),
    ("LAX", "A", 1, 10),
    ("FRA", "B", 0.5, 3),
    ("LAX", "C", 1, 1),
    ("LAX", "C", 1, 0),
]


def group(region: str, orchestrator: str, stats: Iterable[Stat]) -> Group:
    rows = [stat for stat in stats if stat[:2] == (region, orchestrator)]
    return Group(
        orchestrator=orchestrator,
        region=region,
        pipeline="text-to-image",
        model="m/one",
        rows=len(rows),
        success_rate=fmean(row[2] for row in rows),
        round_trip_time=fmean(row[3] for row in rows),
    )


def median_of(stats: Iterable[Stat]) -> float:
    return median(time for _, _, success, time in stats if success == 1 and time != 0)


@pytest.mark.parametrize(
    ("region", "orchestrator", "expected"),
    [
        ("FRA", "A", Score(1, 0.8, 0.9299999999999999)),
        ("LAX", "A", Score(0.5, 0.6894191008102029, 0.566296685283571)),
        ("FRA", "B", Score(0.5, 0.8, 0.605)),
        ("LAX", "C", Score(1, 0.9634924839989961, 0.9872223693996487)),
    ],
)
def test_scores_over_all_regions(region: str, orchestrator: str, expected: Score) -> None:
    assert score(group(region, orchestrator, EXAMPLE), median_of(EXAMPLE)) == expected


@pytest.mark.parametrize(
    ("orchestrator", "expected"),
    [
        ("A", Score(0.5, 0.816394345734772, 0.6107380210071702)),
        ("C", Score(1, 0.9799185947080309, 0.9929715081478108)),
    ],
)
def test_a_region_has_a_median_of_its_own(orchestrator: str, expected: Score) -> None:
    stats = [stat for stat in EXAMPLE if stat[0] == "LAX"]
    assert median_of(stats) == 5.5
    assert score(group("LAX", orchestrator, stats), median_of(stats)) == expected


def test_without_a_full_success_only_the_success_rate_counts() -> None:
    stats: list[Stat] = [("FRA", "A", 0.5, 3), ("LAX", "A", 0, 5)]
    assert score(group("FRA", "A", stats), None) == Score(0.5, 0, 0.325)
    assert score(group("LAX", "A", stats), None) == Score(0, 0, 0)


def test_where_the_original_has_no_number_it_is_zero() -> None:
    stats: list[Stat] = [("FRA", "B", 0, 0)]
    assert score(group("FRA", "B", stats), None) == Score(0, 0, 0)
    assert score(group("FRA", "B", stats), 0.0) == Score(0, 0, 0)


def test_negative_times_go_through_the_same_formula() -> None:
    stats: list[Stat] = [("FRA", "c", 1, -1), ("FRA", "d", 1, 4)]
    assert median_of(stats) == 1.5
    assert score(group("FRA", "c", stats), 1.5) == Score(1, 1.1603972084031946, 1.056139022941118)
    assert score(group("FRA", "d", stats), 1.5) == Score(1, 0.5515352806481623, 0.8430373482268568)


def test_a_group_without_any_round_trip_is_not_fast() -> None:
    none = Group(
        orchestrator="A",
        region="FRA",
        pipeline="p",
        model="m",
        rows=3,
        success_rate=1.0,
        round_trip_time=None,
    )
    assert score(none, 2.0) == Score(1.0, 0.0, 0.65)


ANY = st.floats(width=64)


@given(ANY, st.none() | ANY, st.none() | ANY)
def test_every_number_is_finite_whatever_was_posted(
    success_rate: float, time: float | None, middle: float | None
) -> None:
    one = Group(
        orchestrator="A",
        region="FRA",
        pipeline="p",
        model="m",
        rows=1,
        success_rate=success_rate,
        round_trip_time=time,
    )
    numbers = score(one, middle)
    assert all(
        math.isfinite(number)
        for number in (numbers.success_rate, numbers.round_trip_score, numbers.score)
    )


SANE = st.floats(0.001, 600)


@given(st.floats(0.001, 1), SANE, SANE, SANE)
def test_faster_is_never_worse_and_scores_lie_between_0_and_1(
    success_rate: float, time: float, slower_by: float, middle: float
) -> None:
    fast, slow = round_trip_score(time, middle), round_trip_score(time + slower_by, middle)
    assert 0 <= slow <= fast <= 1
    assert round_trip_score(middle, middle) == pytest.approx(0.8)
    assert 0 < 0.65 * success_rate + 0.35 * fast <= 1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.leaderboard.ranking import rank
from exporter.stores import Group, ModelMedian
from tests.leaderboard.groups import ALICE, BOB, CAROL, group

MEDIANS = [ModelMedian("text-to-image", "m/one", 2.0), ModelMedian("llm", "m/two", 1.0)]


def test_the_best_comes_first_and_whoever_has_no_data_last() -> None:
    entries = rank([group(ALICE, 0.5), group(BOB)], MEDIANS, expected=[ALICE, CAROL, "own"])
    assert [(entry.rank, entry.orchestrator) for entry in entries] == [
        (1, BOB),
        (2, ALICE),
        (None, CAROL),
        (None, "own"),
    ]


def test_no_data_is_not_zero() -> None:
    failing, unknown = rank([group(ALICE, 0.0, None)], MEDIANS, expected=[CAROL])
    assert (failing.score, failing.success_rate, failing.rank) == (0.0, 0.0, 1)
    assert failing.round_trip_time is None
    assert (unknown.score, unknown.success_rate, unknown.jobs, unknown.groups) == (
        None,
        None,
        0,
        (),
    )


def test_every_model_counts_the_same_and_within_it_every_region() -> None:
    groups = [
        group(time=2.0, region="FRA", rows=1000),
        group(time=2.0, region="LAX", success_rate=0.5, rows=1),
        group(time=1.0, pipeline="llm", model="m/two", success_rate=0.0, rows=1),
    ]
    (entry,) = rank(groups, MEDIANS)
    first, second = 0.65 * 1 + 0.35 * 0.8, 0.65 * 0.5 + 0.35 * 0.8
    assert entry.score == pytest.approx(((first + second) / 2 + 0.0) / 2)
    assert entry.round_trip_score == pytest.approx(0.8)
    assert entry.jobs == 1002
    assert entry.success_rate == pytest.approx(1000.5 / 1002)


def test_each_model_is_compared_with_its_own_median() -> None:
    slow_model = group(ALICE, time=20.0, pipeline="video", model="v")
    medians = [*MEDIANS, ModelMedian("video", "v", 20.0)]
    (entry,) = rank([slow_model], medians)
    assert entry.groups[0].median_round_trip_time == 20.0
    assert entry.score == pytest.approx(0.93)


def test_the_mean_round_trip_is_that_of_good_jobs() -> None:
    groups = [
        group(time=2.0, rows=4, success_rate=0.5),
        group(time=8.0, rows=2, region="LAX"),
        group(time=None, rows=9, region="SIN", success_rate=0.0),
    ]
    (entry,) = rank(groups, MEDIANS)
    assert entry.round_trip_time == pytest.approx((2 * 2.0 + 2 * 8.0) / 4)


GROUPS = st.builds(
    group,
    st.sampled_from([ALICE, BOB, CAROL]),
    st.floats(0, 1),
    st.none() | st.floats(0, 1000),
    region=st.sampled_from(["FRA", "LAX"]),
    model=st.sampled_from(["m/one", "m/two", "m/three"]),
    rows=st.integers(1, 100),
)


@given(
    st.lists(GROUPS, unique_by=lambda group: (group.orchestrator, group.region, group.model)),
    st.sets(st.sampled_from([ALICE, BOB, CAROL])),
)
def test_everyone_appears_once_in_order_of_score(groups: list[Group], expected: set[str]) -> None:
    entries = rank(groups, MEDIANS, expected)
    names = [entry.orchestrator for entry in entries]
    assert sorted(names) == sorted({group.orchestrator for group in groups} | expected)
    scores = [entry.score for entry in entries if entry.score is not None]
    assert scores == sorted(scores, reverse=True)
    assert [entry.rank for entry in entries] == [
        place if place <= len(scores) else None for place in range(1, len(entries) + 1)
    ]

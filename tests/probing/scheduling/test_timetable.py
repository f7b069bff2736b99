import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.probing.scheduling.timetable import (
    ROUNDING,
    AtMoments,
    EveryInterval,
    Timetable,
    timetable,
)
from exporter.settings import Schedule as Settings

NAMES = [f"0x{number:040x}" for number in range(200)]


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


moments = st.floats(0, 4e9)
names = st.text(min_size=1, max_size=42)
crons = st.sampled_from(
    ["* * * * *", "*/5 * * * *", "0 * * * *", "7 3 * * *", "0 0 1 * *", "30 6 * * 1-5"]
)
timetables = st.one_of(
    st.builds(
        EveryInterval,
        st.floats(1, 1e5),
        shift=st.fractions(0, 1).map(float).filter(lambda x: x < 1),
    ),
    st.builds(AtMoments, st.lists(crons, min_size=1, max_size=3), spread=st.floats(0, 3600)),
)


@given(names, moments, st.integers(1, 10**5), st.integers(1, 5))
def test_the_next_start_is_ahead_within_one_interval_and_always_at_the_same_offset(
    orchestrator: str, now: float, interval: int, place: int
) -> None:
    made = timetable(Settings(interval=interval, region_slot=f"{place} of 5"))
    assert isinstance(made, EveryInterval)
    start = made.next(orchestrator, now)
    assert now < start.due <= now + interval + 2 * ROUNDING
    phase = (start.due - made.offset(orchestrator)) / interval
    assert phase == pytest.approx(start.number, abs=1e-4)
    assert 0 <= made.offset(orchestrator) < interval


@given(timetables, names, moments)
def test_starts_follow_each_other_without_gap_or_repetition(
    made: Timetable, orchestrator: str, now: float
) -> None:
    start = made.next(orchestrator, now)
    assert start.due > now
    for _ in range(5):
        following = made.following(orchestrator, start)
        assert following.number > start.number
        assert following.due > start.due
        assert made.next(orchestrator, start.due) == following
        assert made.next(orchestrator, (start.due + following.due) / 2) == following
        start = following


@given(timetables, names, names, moments)
def test_all_starts_of_one_number_come_before_all_starts_of_the_next(
    made: Timetable, one: str, other: str, now: float
) -> None:
    first, second = made.next(one, now), made.next(other, now)
    if first.number < second.number:
        assert first.due <= second.due
    elif first.number == second.number:
        assert second.due < made.following(one, first).due + ROUNDING


def test_offsets_are_spread_over_the_interval() -> None:
    made = EveryInterval(100)
    offsets = sorted(made.offset(name) for name in NAMES)
    assert offsets[0] < 5
    assert offsets[-1] > 95
    assert max(b - a for a, b in itertools.pairwise(offsets)) < 6


def test_offsets_do_not_change_from_one_version_to_the_next() -> None:
    assert EveryInterval(900).offset("0x" + "a" * 40) == pytest.approx(172.2610, abs=1e-3)


@pytest.mark.parametrize("regions", [1, 2, 3, 7])
@pytest.mark.parametrize("name", NAMES[:5])
def test_regions_that_take_turns_are_evenly_apart(regions: int, name: str) -> None:
    starts = []
    for place in range(1, regions + 1):
        made = timetable(Settings(interval=900, region_slot=f"{place} of {regions}"))
        starts.append(made.next(name, 1e9).due % 900)
    starts.sort()
    gaps = [b - a for a, b in itertools.pairwise([*starts, starts[0] + 900])]
    assert gaps == pytest.approx([900 / regions] * regions, abs=1e-3)


def test_the_first_region_keeps_the_pace_of_a_tester_without_a_slot() -> None:
    alone, first = timetable(Settings()), timetable(Settings(region_slot="1 of 3"))
    assert [alone.next(name, 1e9) for name in NAMES] == [first.next(name, 1e9) for name in NAMES]


def test_cron_cycles_begin_within_the_spread_after_their_moment() -> None:
    made = timetable(Settings(cron=["0 3 * * *"], cron_spread=60))
    dues = [made.next(name, moment("2026-03-01T12:00")).due for name in NAMES]
    begin = moment("2026-03-02T03:00")
    assert all(begin <= due < begin + 60 for due in dues)
    assert max(dues) - min(dues) > 50


def test_without_a_spread_cron_cycles_begin_at_the_very_moment() -> None:
    made = timetable(Settings(cron=["15 10 * * *"], cron_spread=0))
    start = made.next("a", moment("2026-03-01T10:15"))
    assert start.due == moment("2026-03-02T10:15")
    assert start.number == start.due // 60


def test_several_cron_expressions_give_all_their_moments_once() -> None:
    made = timetable(Settings(cron=["0 */6 * * *", "0 12 * * *", "30 7 * * SUN"], cron_spread=0))
    start, found = made.next("a", moment("2026-03-01T00:00")), []
    for _ in range(5):
        found.append(datetime.fromtimestamp(start.due, UTC).strftime("%H:%M"))
        start = made.following("a", start)
    assert found == ["06:00", "07:30", "12:00", "18:00", "00:00"]


def test_a_spread_longer_than_the_gap_between_moments_is_cut() -> None:
    made = timetable(Settings(cron=["*/5 * * * *"], cron_spread=3600))
    begin = moment("2026-03-01T00:00")
    starts = [made.next(name, begin) for name in NAMES]
    for name, start in zip(NAMES, starts, strict=True):
        assert start.due - start.number * 60 < 300
        assert made.following(name, start).due - start.due == pytest.approx(300)


def test_together_a_round_begins_an_interval_after_the_last_one() -> None:
    made = EveryInterval(60)
    assert made.next_round(None, 1000.0) == 1000.0
    assert made.next_round(1000.0, 1030.0) == 1060.0
    assert made.next_round(1000.0, 1200.0) <= 1200.0
    assert made.next_round(5000.0, 1000.0) == 1060.0, "the clock was set back"


def test_together_with_cron_a_round_begins_at_the_next_moment() -> None:
    made = AtMoments(["0 * * * *"], spread=60)
    noon = moment("2026-03-01T12:00")
    assert made.next_round(None, noon - 1) == noon
    assert made.next_round(noon, noon) == noon + 3600
    assert made.next_round(noon, noon + 4000) == noon + 7200


@given(moments, st.floats(1, 1e5))
def test_the_number_of_a_moment_is_that_of_the_cycles_that_begin_around_it(
    now: float, interval: float
) -> None:
    made = EveryInterval(interval)
    number = made.number(now)
    assert made.next("a", now).number in (number, number + 1)

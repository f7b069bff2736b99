"""What is new is told from what came before, whatever shows up late, twice or not at all."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.following.memory import HALF_DAY, REMEMBERED, SETTLING, Memory, key_of
from exporter.moving.leaderboard_client import Span

T = 1_790_000_000
A, B, C = (letter * 32 for letter in (b"a", b"b", b"c"))


def read(
    memory: Memory, settling: list[bytes], unsettled: list[bytes], now: int
) -> tuple[Memory, dict[bytes, list[int]]]:
    asked = memory.spans(now)
    after, new = memory.after(asked, settling, unsettled, most=1000)
    return after, {key[:1]: list(places) for key, places in new.items()}


def test_spans_are_read_twice_and_then_no_more() -> None:
    memory = Memory.beginning(T - 60)
    seen = []
    for now in (T, T + 300, T + 600, T + 900, T + 1200):
        asked = memory.spans(now)
        seen.append((asked.settling, asked.unsettled))
        memory, _ = memory.after(asked, [], [], most=1)
    assert [(a.since, a.until, b.until) for a, b in seen] == [
        (T - 60, T - 60, T),
        (T - 60, T - 60, T + 300),
        (T - 60, T - 60, T + 600),
        (T - 60, T, T + 900),
        (T, T, T + 1200),
    ]


def test_after_an_outage_half_days_are_read_oldest_first() -> None:
    memory = Memory.beginning(T)
    now = T + 3 * HALF_DAY + 1000
    spans = []
    while memory.horizon < now:
        asked = memory.spans(now)
        spans.append((asked.settling.since - T, asked.unsettled.since - T, asked[1].until - T))
        memory, _ = memory.after(asked, [], [], most=1)
    assert spans == [
        (0, HALF_DAY, HALF_DAY),
        (HALF_DAY, 2 * HALF_DAY, 2 * HALF_DAY),
        (2 * HALF_DAY, 2 * HALF_DAY, 3 * HALF_DAY),
        (2 * HALF_DAY, 3 * HALF_DAY, now - T),
    ]


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    memory = Memory.beginning(T - 100)
    memory, _ = memory.after(memory.spans(T), [], [], most=1)
    assert memory.spans(T - 50).unsettled == Span(T - 100, T)


def test_equal_rows_are_counted_on() -> None:
    memory = Memory.beginning(T - 60)
    memory, new = read(memory, [], [A, A, B], T)
    assert new == {b"a": [0, 1], b"b": [0]}
    memory, new = read(memory, [], [A, A, B], T + 1)
    assert new == {}
    memory, new = read(memory, [], [A, B, A, A], T + 2)
    assert new == {b"a": [2]}


def test_what_is_settled_does_not_hide_an_equal_row_that_comes_later() -> None:
    memory = Memory.beginning(T - 60)
    memory, _ = read(memory, [], [A], T)
    memory, new = read(memory, [A], [], T + SETTLING)
    assert (new, memory.settled) == ({}, T)
    memory, new = read(memory, [], [A], T + SETTLING + 1)
    assert new == {b"a": [1]}


def test_a_row_that_an_older_answer_lacks_is_not_new_when_it_is_back() -> None:
    memory = Memory.beginning(T - 60)
    memory, _ = read(memory, [], [A, B], T)
    memory, new = read(memory, [], [], T + SETTLING)
    assert new == {}
    memory, new = read(memory, [], [B], T + SETTLING + 1)
    assert new == {}


def test_memory_is_bounded_by_time_and_number() -> None:
    memory = Memory.beginning(T - 60)
    memory, _ = read(memory, [], [A], T)
    asked = memory.spans(T + SETTLING)
    memory, _ = memory.after(asked, [], [B, C], most=2)
    assert set(memory.rows) == {key_of(B), key_of(C)}
    now = T + SETTLING
    while now < T + SETTLING + REMEMBERED:
        now += HALF_DAY
        memory, _ = memory.after(memory.spans(now), [], [], most=2)
    assert memory.rows == {}


def test_it_survives_being_written() -> None:
    memory, _ = Memory.beginning(T).after(Memory.beginning(T).spans(T + 5), [], [A], most=5)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(memory), type=Memory) == memory


@pytest.mark.parametrize("seed", range(3))
@given(
    posts=st.lists(
        st.tuples(st.integers(0, 5000), st.integers(0, SETTLING - 1), st.sampled_from([A, B, C])),
        max_size=30,
    ),
    polls=st.lists(st.integers(0, 9000), max_size=20),
)
def test_every_row_is_new_once_and_numbered_in_a_row(
    posts: list[tuple[int, int, bytes]], polls: list[int], seed: int
) -> None:
    """Rows have a time in the window of the leaderboard, and show up some time after it."""
    random = Random(seed)
    memory = Memory.beginning(T)
    came: dict[bytes, list[int]] = {}
    for now in [*sorted(polls), 9000, 9000 + SETTLING, 9000 + 2 * SETTLING]:
        asked = memory.spans(T + now)
        there = [
            [
                digest
                for at, late, digest in posts
                if span.since <= T + at < span.until and at + late <= now
            ]
            for span in asked
        ]
        for rows in there:
            random.shuffle(rows)
        memory, new = memory.after(asked, *there, most=1000)
        for key, places in new.items():
            came.setdefault(key, []).extend(places)
    expected = [digest for _, _, digest in posts]
    assert came == {key_of(digest): list(range(expected.count(digest))) for digest in set(expected)}

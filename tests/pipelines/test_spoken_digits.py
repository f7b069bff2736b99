import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.pipelines.spoken_digits import digits_in, in_order


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("Two, nine, seven.", "297"),
        ("two nine SEVEN", "297"),
        ("2, 9, 7", "297"),
        ("297", "297"),
        ("29-7", "297"),
        ("4,192", "4192"),
        ("4.192,5", "41925"),
        ("555-0199 and 2", "55501992"),
        ("Oh, won, to, tree, for, five, six, seven, ate, niner", "0123456789"),
        ("zero-one", "01"),
        ("٢٩٧", "297"),
        ("\uff12\uff19\uff17", "297"),
        ("二九七", "297"),
        ("2² ½", "22"),
        ("twenty forty often phone wonder eighth", ""),
        ("Thank you very much.", ""),
        ("one's", "1"),
        ("", ""),
    ],
)
def test_digits_are_read_however_they_are_written(text: str, digits: str) -> None:
    assert digits_in(text) == digits


@pytest.mark.parametrize(
    ("spoken", "heard", "found"),
    [
        ("0123", "0123", 4),
        ("0123", "3210", 1),
        ("0123", "9091929399", 4),
        ("0123", "013", 3),
        ("0123", "", 0),
        ("0123", "4567", 0),
        ("1213", "1123", 3),
    ],
)
def test_digits_count_if_they_come_in_order(spoken: str, heard: str, found: int) -> None:
    assert in_order(spoken, heard) == found


@given(st.text("012", max_size=7), st.text("012", max_size=7))
def test_it_is_the_longest_sequence_that_both_have(one: str, other: str) -> None:
    common = {
        "".join(part)
        for size in range(len(one) + 1)
        for part in itertools.combinations(one, size)
        if is_within("".join(part), other)
    }
    assert in_order(one, other) == in_order(other, one) == max(map(len, common))


def is_within(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(digit in rest for digit in part)


def test_whoever_guesses_does_not_reach_the_threshold() -> None:
    rng = random.Random(5)
    spoken = "481530729634"
    best = max(in_order(spoken, "".join(rng.choices("0123456789", k=15))) for _ in range(5_000))
    assert best < 0.8 * len(spoken)

"""Scores of AI jobs, by the formulas of the network's leaderboard. Pure arithmetic.

With S the mean success rate and T the mean round trip of a group of jobs, and M the median round
trip of the fully successful jobs of all orchestrators in the same query:

    round_trip_score = exp(ln(0.8) · T / M) = 0.8^(T/M)
    score            = 0.65 · S + 0.35 · round_trip_score, but 0 if S = 0

A group that is as fast as the median has a round trip score of 0.8.
"""

import math
from typing import Final

import msgspec

from exporter.stores import Group

SUCCESS_WEIGHT: Final = 0.65
ROUND_TRIP_WEIGHT: Final = 0.35
AT_MEDIAN: Final = math.log(0.8)


class Score(msgspec.Struct, frozen=True):
    """A group's three numbers, always finite; 0 to 1 for sane input."""

    success_rate: float
    round_trip_score: float
    score: float


def round_trip_score(round_trip_time: float | None, median: float | None) -> float:
    """How fast, compared with the median. 0 where there is nothing to compare.

    The original has no number where median and time are both 0; here that is 0, too.
    """
    if round_trip_time is None or not median:
        return 0.0
    try:
        return _finite(math.exp(AT_MEDIAN * round_trip_time / median))
    except OverflowError:
        return 0.0


def score(group: Group, median: float | None) -> Score:
    """The three numbers of a group; `median` in seconds, `None` if no job was fully successful."""
    success_rate = _finite(group.success_rate)
    speed = round_trip_score(group.round_trip_time, median)
    if success_rate == 0:
        return Score(0.0, speed, 0.0)
    total = SUCCESS_WEIGHT * success_rate + ROUND_TRIP_WEIGHT * speed
    return Score(success_rate, speed, _finite(total))


def _finite(number: float) -> float:
    return number if math.isfinite(number) else 0.0

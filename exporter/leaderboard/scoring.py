"""Scores by the formulas of the network's leaderboard. Pure arithmetic.

AI jobs: with S the mean success rate and T the mean round trip of a group of jobs, and M the median
round trip of the fully successful jobs of all orchestrators in the same query:

    round_trip_score = exp(ln(0.8) · T / M) = 0.8^(T/M)
    score            = 0.65 · S + 0.35 · round_trip_score, but 0 if S = 0

A group that is as fast as the median has a round trip score of 0.8. Without a median (M = 0) it is
0 where T is above 0, and not a number where T is 0.

Transcoding: with D the mean duration of what was transcoded:

    round_trip_score = 1 - e^(-D/T), 0 if T = 0
    score            = S · round_trip_score, 0 if S = 0

What is not a number by these formulas, or infinite, is 0 here; the original fails then.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from exporter.stores import Group, SpelledGroup, TranscodingGroup

SUCCESS_WEIGHT: Final = 0.65
ROUND_TRIP_WEIGHT: Final = 0.35
AT_MEDIAN: Final = math.log(0.8)


class Score(msgspec.Struct, frozen=True):
    """A group's three numbers, always finite; 0 to 1 for sane input."""

    success_rate: float
    round_trip_score: float
    score: float


class Means(msgspec.Struct, frozen=True):
    """Means over the rows of a group whose names were spelled in several ways."""

    rows: int
    success_rate: float
    round_trip_time: float | None
    """Seconds; `None` if no row has one."""


def means_of(parts: Sequence[SpelledGroup]) -> Means:
    """The means over all rows of the parts, of which there is at least one."""
    rows, timed = sum(one.rows for one in parts), sum(one.timed for one in parts)
    return Means(
        rows,
        sum(one.success for one in parts) / rows,
        sum(one.time for one in parts) / timed if timed else None,
    )


def round_trip_score(round_trip_time: float | None, median: float | None) -> float:
    """How fast, compared with the median, both in seconds. 0 where there is nothing to compare."""
    return _finite(_speed(round_trip_time, median))


def ai_score(success_rate: float, round_trip_time: float | None, median: float | None) -> Score:
    """The three numbers of a group of AI jobs.

    `round_trip_time` is `None` if no job of it has one that can be compared, `median` if no job was
    fully successful.
    """
    speed = _speed(round_trip_time, median)
    total = SUCCESS_WEIGHT * success_rate + ROUND_TRIP_WEIGHT * speed if success_rate else 0.0
    return Score(_finite(success_rate), _finite(speed), _finite(total))


def score(group: Group, median: float | None) -> Score:
    """The three numbers of a group; `median` as in `ai_score`."""
    return ai_score(group.success_rate, group.round_trip_time, median)


def transcoding_score(group: TranscodingGroup) -> Score:
    """The three numbers of a group of results of transcoding."""
    speed = _real_time(group.seg_duration, group.round_trip_time)
    total = group.success_rate * speed if group.success_rate else 0.0
    return Score(_finite(group.success_rate), _finite(speed), _finite(total))


def _speed(round_trip_time: float | None, median: float | None) -> float:
    if round_trip_time is None:
        return 0.0
    if not median:
        return 0.0 if round_trip_time > 0 else math.nan
    return _exp(AT_MEDIAN * round_trip_time / median)


def _real_time(duration: float, round_trip_time: float) -> float:
    if round_trip_time == 0:
        return 0.0
    return 1 - _exp(-duration / round_trip_time)


def _exp(power: float) -> float:
    try:
        return math.exp(power)
    except OverflowError:
        return math.inf


def _finite(number: float) -> float:
    return number if math.isfinite(number) else 0.0

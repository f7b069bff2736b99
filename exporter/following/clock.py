"""Whether the clock of a leaderboard can be believed: without it nobody can tell what is new."""

from typing import Final

from exporter.model import NANOSECONDS
from exporter.moving import MovingError
from exporter.moving.leaderboard_client import Leaderboard

CLOCKS_APART: Final = 3600.0
"""Seconds that a leaderboard's clock may be off."""


async def believed(leaderboard: Leaderboard, now: int) -> int:
    """The Unix seconds that it has, where it is `now` here, Unix nanoseconds.

    Raises `MovingError`, also for a clock that is too far off ours.
    """
    there, here = int(await leaderboard.clock()), now / NANOSECONDS
    if abs(there - here) > CLOCKS_APART:
        raise MovingError(
            f"{leaderboard.base}: its clock is {there - here:+.0f} s off ours, so that nobody can "
            "tell when it stored what"
        )
    return there

"""Which day it is for what is counted by the day."""

from typing import Final

DAY: Final = 86_400


def utc_day(moment: float) -> int:
    """Days since 1970 (UTC) of a moment in Unix seconds."""
    return int(moment // DAY)


def is_new_day(counted: int, today: int) -> bool:
    """Whether what was counted on one day ends today.

    A clock that is set back over midnight does not begin the day before anew; one that was wrong
    by days does.
    """
    return today > counted or today < counted - 1

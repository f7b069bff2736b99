"""The age of answers: a machine that slept for a night has old ones when it wakes."""

import time
from typing import Final

_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux stops its monotonic clock, which is the loop's, while the machine is suspended."""


def now() -> float:
    """Seconds since some moment, those included in which the machine slept."""
    return time.clock_gettime(_CLOCK)

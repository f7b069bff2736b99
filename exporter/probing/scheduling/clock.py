"""The two clocks that the schedule goes by."""

import time
from collections.abc import Callable

import msgspec

from exporter.model import NANOSECONDS


class Clock(msgspec.Struct, frozen=True):
    """What time it is, and how much of it went by.

    Moments are told by the wall clock, which may be set; durations by the monotonic one.
    """

    wall: Callable[[], float] = time.time
    """Unix seconds."""
    stamp: Callable[[], int] = time.monotonic_ns
    """Nanoseconds of the monotonic clock."""

    def since(self, stamp: int) -> float:
        """Seconds gone by since a stamp."""
        return (self.stamp() - stamp) / NANOSECONDS

    def wall_ns(self) -> int:
        """Unix nanoseconds."""
        return round(self.wall() * NANOSECONDS)

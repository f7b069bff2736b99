"""What the schedule asks of whoever runs its jobs."""

from collections.abc import Awaitable
from typing import Protocol

import msgspec

from exporter.model import Measurement, Offer
from exporter.probing.lanes import Lane


class Ran(msgspec.Struct, frozen=True):
    """A job that was run, and whose measurement is stored."""

    measurement: Measurement
    repeat: bool = False
    """Whether its failure deserves one more job at once: the cause was ours, or it came too soon
    to mean anything."""


class RunJob(Protocol):
    """Runs one job and stores its measurement durably; `None` if it was given up unstored."""

    def __call__(
        self,
        offer: Offer,
        lane: Lane,
        *,
        due: int,
        number: int,
        repeats: str | None = None,
        busy_counts: bool = False,
    ) -> Awaitable[Ran | None]:
        """`due` is a stamp of the monotonic clock, `number` the round's.

        `repeats` is the id of the measurement that this job repeats; no job is repeated twice.
        `busy_counts`: no capacity counts this time, since it was advertised as free both times.
        """
        ...

"""The stamps of one job, and how they become phases that add up."""

import time
from collections.abc import Callable
from typing import Literal

from exporter.model import NANOSECONDS, Phases, Step

Clock = Callable[[], int]
"""A monotonic clock in nanoseconds."""

PhaseName = Literal["dns", "connect", "tls", "upload", "inference", "download", "tester"]

STEP_LIMIT = 200
STEP_TEXT_LIMIT = 500


class Timeline:
    """Books the time since the job's start on phases, without gaps and without overlap.

    Each `book` closes the interval since the last stamp. So the phases add up to the span from
    the first to the last stamp by construction, whatever the order in which things happened.
    """

    def __init__(self, clock: Clock = time.monotonic_ns) -> None:
        self.clock = clock
        self.start = clock()
        self.last = self.start
        self._booked: dict[PhaseName, int] = {}
        self._steps: list[Step] = []

    def book(self, phase: PhaseName, at: int | None = None) -> int:
        """Book the time from the last stamp to `at` (now) on `phase`; gives the new stamp.

        A stamp before the last one counts as the last one: time does not run backwards.
        """
        at = max(self.clock() if at is None else at, self.last)
        if at > self.last or phase in ("connect", "tls", "upload"):
            self._booked[phase] = self._booked.get(phase, 0) + at - self.last
        self.last = at
        return at

    def note(self, text: str, at: int | None = None) -> None:
        """Write a line into the job's step log, which is bounded."""
        if len(self._steps) < STEP_LIMIT:
            moment = self.clock() if at is None else at
            self._steps.append(Step(moment - self.start, text[:STEP_TEXT_LIMIT]))

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return (self.clock() - self.start) / NANOSECONDS

    @property
    def steps(self) -> tuple[Step, ...]:
        """The step log, in order of time."""
        return tuple(sorted(self._steps, key=lambda step: step.at))

    def phases(self, *, complete: bool) -> Phases:
        """The phases booked so far; with the round trip only when the job is complete."""
        return Phases(**self._booked, round_trip=self.last - self.start if complete else None)

"""When each orchestrator's cycles start: every interval, or at the moments of cron expressions."""

import hashlib
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol

import msgspec
from cronsim import CronSim

from exporter.settings import Schedule

ROUNDING: Final = 1e-3
"""Seconds within which two moments are the same one."""
_MINUTE: Final = 60
_MOMENTS_KEPT: Final = 5000


class Start(msgspec.Struct, frozen=True):
    """One start of an orchestrator's cycle."""

    number: int
    """Of the round that it belongs to; the same for everybody's start in that round."""
    due: float
    """Unix seconds."""


class Timetable(Protocol):
    """When cycles start. Depends on nothing but the settings and the orchestrator's name."""

    def next(self, orchestrator: str, after: float) -> Start:
        """The first start of its cycle later than `after`, Unix seconds."""
        ...

    def following(self, orchestrator: str, start: Start) -> Start:
        """The start that comes after `start`."""
        ...

    def number(self, moment: float) -> int:
        """The number of the round that begins at, or goes on at, a moment (Unix seconds)."""
        ...

    def next_round(self, began: float | None, now: float) -> float:
        """When the next round is due where everybody starts at once; not later than `now`: at once.

        `began` is when the last one did. Unix seconds.
        """
        ...


def timetable(settings: Schedule) -> Timetable:
    """The timetable that the settings ask for."""
    if settings.cron:
        return AtMoments(settings.cron, spread=settings.cron_spread)
    return EveryInterval(settings.interval, shift=_shift(settings.region_slot))


def _shift(slot: str | None) -> float:
    if slot is None:
        return 0.0
    place, places = (int(part) for part in slot.split(" of "))
    return (place - 1) / places


def place(orchestrator: str) -> float:
    """A number from 0 to 1 that an orchestrator keeps for ever, evenly spread over all."""
    digest = hashlib.sha256(orchestrator.encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


class EveryInterval:
    """Each orchestrator's cycle comes round every `interval` seconds, at its own offset.

    `shift` is the part of the interval (0 to 1) by which all offsets are moved, so that testers in
    several regions take turns.
    """

    def __init__(self, interval: float, *, shift: float = 0.0) -> None:
        self._interval = interval
        self._shift = shift

    def offset(self, orchestrator: str) -> float:
        """Seconds into the interval at which its cycle starts."""
        return (place(orchestrator) + self._shift) % 1 * self._interval

    def next(self, orchestrator: str, after: float) -> Start:
        """The first start of its cycle later than `after`, Unix seconds."""
        number = math.floor((after - self.offset(orchestrator)) / self._interval) - 1
        while (start := self._start(orchestrator, number)).due <= after + ROUNDING:
            number += 1
        return start

    def following(self, orchestrator: str, start: Start) -> Start:
        """The start one interval later."""
        return self._start(orchestrator, start.number + 1)

    def number(self, moment: float) -> int:
        """Whole intervals since 1970."""
        return math.floor(moment / self._interval)

    def next_round(self, began: float | None, now: float) -> float:
        """One interval after the last one began; a clock that was set makes it no longer."""
        return now if began is None else min(began, now) + self._interval

    def _start(self, orchestrator: str, number: int) -> Start:
        return Start(number, number * self._interval + self.offset(orchestrator))


class AtMoments:
    """Cycles begin at moments of cron expressions (UTC), spread over the `spread` seconds after.

    Everybody at the very moment would have the tester's own network measured instead of theirs.
    """

    def __init__(self, expressions: Iterable[str], *, spread: float) -> None:
        self._expressions = tuple(expressions)
        self._spread = spread
        self._after: Callable[[int], int] = lru_cache(_MOMENTS_KEPT)(self._moment_after)

    def next(self, orchestrator: str, after: float) -> Start:
        """The first start of its cycle later than `after`, Unix seconds."""
        minute = self._after(math.floor((after - self._spread) / _MINUTE) - 1)
        while (start := self._start(orchestrator, minute)).due <= after + ROUNDING:
            minute = self._after(minute)
        return start

    def following(self, orchestrator: str, start: Start) -> Start:
        """The start that belongs to the next moment."""
        return self._start(orchestrator, self._after(start.number))

    def number(self, moment: float) -> int:
        """Whole minutes since 1970; those of a cycle's moment are the number of its round."""
        return math.floor(moment / _MINUTE)

    def next_round(self, began: float | None, now: float) -> float:  # noqa: ARG002 - cron has no memory
        """The first moment after `now`."""
        return float(self._after(math.floor(now / _MINUTE)) * _MINUTE)

    def _start(self, orchestrator: str, minute: int) -> Start:
        width = min(self._spread, (self._after(minute) - minute) * _MINUTE)
        return Start(minute, minute * _MINUTE + place(orchestrator) * width)

    def _moment_after(self, minute: int) -> int:
        """The first moment of any expression after a minute, as minutes since 1970."""
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
        earliest = min(next(CronSim(text, moment)) for text in self._expressions)
        return int(earliest.timestamp()) // _MINUTE

"""Where measurements live: the questions that every store answers, with the same meaning.

A store is fed in batches from the outbox and remembers, together with the rows, how far it came,
so that a replay adds nothing. Values reach a query only as bound parameters.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from exporter.model import Measurement, Target


class StoreError(Exception):
    """The store cannot be opened or asked; the message says what to do about it."""


class Window(msgspec.Struct, frozen=True):
    """A span of time, both ends inclusive, Unix nanoseconds."""

    since: int
    until: int


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """What rows a question is about; `None` means any.

    Orchestrators are lower-case, regions upper-case, pipelines in URI form, models exact.
    """

    orchestrator: str | None = None
    region: str | None = None
    pipeline: str | None = None
    model: str | None = None
    addresses_only: bool = False
    """Leaves out endpoints that have a configured id instead of an ETH address."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Means over the rows of one (orchestrator, region, pipeline, model) that count."""

    orchestrator: str
    region: str
    pipeline: str
    model: str
    rows: int
    success_rate: float
    round_trip_time: float | None
    """Mean over the rows that have one, seconds, without what gateways spent on their first contact
    with the orchestrator; `None` if none has."""


class ModelMedian(msgspec.Struct, frozen=True):
    """The median of `Store.median` for one pipeline and model, seconds."""

    pipeline: str
    model: str
    median: float


class Served(msgspec.Struct, frozen=True, order=True):
    """One (pipeline, model, region) that has rows in a window."""

    pipeline: str
    model: str
    region: str


class TargetState(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows of one target in one region, tested by one tester, add up to."""

    target: Target
    region: str
    tester: str
    consecutive_failures: int
    """Failures with blame `orchestrator` since the last success; others do not count or reset."""
    last_success: int | None
    """Start of the last good job, Unix nanoseconds."""
    last_attempt: int
    """Start of the last job, whatever came of it, Unix nanoseconds."""


class Store(Protocol):
    """What the station asks of a store.

    Only rows that count (see `Measurement.counts`) or come from others enter `groups`, the medians
    and `served`; `measurements`, `target_states` and `count` see every row. Every method raises
    `StoreError`.
    """

    async def cursor(self, outbox: str) -> int:
        """The last sequence number of this outbox that is stored; 0 if none is."""
        ...

    async def write(self, outbox: str, batch: Sequence[tuple[int, Measurement]]) -> None:
        """Store a batch of (sequence number, measurement) and the cursor, all or nothing.

        Rows at or below the cursor are skipped, so that a replay adds nothing. A measurement of
        the same id and time is stored once, whichever outboxes bring it. After a `StoreError` the
        same batch may be written again.
        """
        ...

    async def groups(self, window: Window, where: Where) -> list[Group]:
        """Means per (orchestrator, region, pipeline, model), in that order."""
        ...

    async def median(self, window: Window, where: Where) -> float | None:
        """Give the exact median round trip in seconds; `None` without rows.

        Over single rows with success rate exactly 1 and a round trip other than 0, each without the
        gateway's first contact (`schema.scored_time`); for an even number of them the mean of the
        middle two.
        """
        ...

    async def medians(self, window: Window, where: Where) -> list[ModelMedian]:
        """The same median for each (pipeline, model) apart, in that order."""
        ...

    async def measurements(self, window: Window, where: Where, limit: int) -> list[Measurement]:
        """The measurements themselves, newest first, at most `limit`; without steps.

        Of equal times the higher sequence number is the newer.
        """
        ...

    async def served(self, window: Window, where: Where) -> list[Served]:
        """Which models have rows that count, in order."""
        ...

    async def target_states(self) -> list[TargetState]:
        """The state of every target, region and tester over all time, in that order."""
        ...

    async def count(self) -> int:
        """How many measurements are stored."""
        ...

    async def close(self) -> None:
        """Finish what is being written and close."""
        ...

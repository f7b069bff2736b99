"""Where measurements live: the questions that every store answers, with the same meaning.

A store is fed in batches from the outbox and remembers, together with the rows, how far it came,
so that a replay adds nothing. Values reach a query only as bound parameters.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

import msgspec

from exporter.model import NANOSECONDS, Measurement, Target


class StoreError(Exception):
    """The store cannot be opened or asked; the message says what to do about it."""


class Window(msgspec.Struct, frozen=True):
    """A span of time, both ends inclusive, Unix nanoseconds."""

    since: int
    until: int


def recent(now: int, seconds: float) -> Window:
    """The last so many seconds at a moment, widened to whole seconds, which stores answer quicker.

    `now` is Unix nanoseconds.
    """
    since = (now - int(seconds * NANOSECONDS)) // NANOSECONDS * NANOSECONDS
    return Window(since, now // NANOSECONDS * NANOSECONDS + NANOSECONDS - 1)


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """What rows a question is about; `None` means any.

    Orchestrators are lower-case, regions upper-case, pipelines in URI form, models exact.
    """

    orchestrator: str | None = None
    region: str | None = None
    pipeline: str | None = None
    model: str | None = None
    addresses_only: bool = False
    """Leaves out endpoints of ours that have a configured id instead of an ETH address.

    What others call an orchestrator is theirs to say. In roll-ups, which do not tell who measured,
    every id is left out.
    """


class Row(NamedTuple):
    """A measurement with the outbox that brought it and its sequence number there."""

    outbox: str
    seq: int
    measurement: Measurement


class Refused(NamedTuple):
    """A row that the store will never take, and why; everything else of its batch was stored."""

    row: Row
    reason: str


class Place(NamedTuple):
    """Where a row stands in the order of `Store.rows`: by time, then by id."""

    started_at: int
    id: str


class Turn(NamedTuple):
    """Where a row stands in the order of `Store.newest`: by time, number and outbox."""

    started_at: int
    seq: int
    outbox: str

    @classmethod
    def of(cls, row: Row) -> Self:
        """The turn of a row."""
        return cls(row.measurement.started_at, row.seq, row.outbox)


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


class SpelledGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the rows of a `Group`, apart by how the names were spelled by who reported them."""

    orchestrator: str
    """As it was spelled."""
    region: str
    pipeline: str
    spelled_pipeline: str | None
    """`None` for the display form, which ours have."""
    model: str
    rows: int
    success: float
    """Sum of the success rates; it may overflow to an infinite one, as `time` may."""
    timed: int
    """Rows with a round trip."""
    time: float
    """Sum of their round trips, seconds; the same as those of `Group`."""


class TranscodingGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Means over the results of transcoding of one (orchestrator, region, pipeline, model)."""

    orchestrator: str
    """As it was spelled by who reported it."""
    region: str
    pipeline: str
    """Mostly empty, as `model` is."""
    model: str
    rows: int
    success_rate: float
    round_trip_time: float
    seg_duration: float
    """Seconds, as the round trip; what was not reported counts as 0 in both."""


class ModelMedian(msgspec.Struct, frozen=True):
    """The median of `Store.median` for one pipeline and model, seconds."""

    pipeline: str
    model: str
    median: float


class PhaseStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """How long one phase took in the good jobs that count of one (…, model), seconds."""

    orchestrator: str
    region: str
    pipeline: str
    model: str
    phase: str
    """Name of the column, such as `inference_time`."""
    count: int
    mean: float
    least: float
    most: float
    p50: float
    p90: float
    p99: float
    approximate: bool = False
    """Whether the percentiles come from buckets: then each is within `ROLLUP_ERROR` of a value
    that lies between the two next to the exact percentile."""


class Served(msgspec.Struct, frozen=True, order=True):
    """One (pipeline, model, region) that has rows in a window."""

    pipeline: str
    model: str
    region: str
    spelled_pipeline: str | None = None
    """As it was spelled by who reported it; `None` for the display form, which ours have."""


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

    Only rows that count (see `Measurement.counts`) or come from others enter `groups`, the medians,
    `phases` and `served`; `newest`, `target_states`, `rows` and `count` see every row. What
    is about transcoding is in its own questions, in `rows` and in `count` alone. Every method
    raises `StoreError`.
    """

    @property
    def batch(self) -> int:
        """Measurements that one `write` or `add` takes best; more or fewer are right, too."""
        ...

    @property
    def largest(self) -> int:
        """Bytes of the JSON form of the largest measurement that it takes."""
        ...

    async def cursor(self, outbox: str) -> int:
        """The last sequence number of this outbox that is stored; 0 if none is."""
        ...

    async def write(
        self, outbox: str, batch: Sequence[tuple[int, Measurement]]
    ) -> Sequence[Refused]:
        """Store a batch of (sequence number, measurement), then the cursor.

        Rows at or below the cursor may be skipped. A measurement of the same id and time is stored
        once, whichever outboxes bring it and however often. Rows that the store will never take
        are given back, the others are stored. After a `StoreError` the same batch may be written
        again.
        """
        ...

    async def add(self, rows: Sequence[Row]) -> Sequence[Refused]:
        """Store rows that need not come from an outbox, as `write` does, without a cursor."""
        ...

    async def advance(self, outbox: str, seq: int) -> None:
        """Note that everything of this outbox up to a sequence number is stored."""
        ...

    async def cursors(self) -> dict[str, int]:
        """Every outbox with its cursor."""
        ...

    async def rows(
        self, window: Window, where: Where, *, after: Place | None, limit: int
    ) -> list[Row]:
        """The rows themselves after a place, in order of time and id; without steps."""
        ...

    async def groups(self, window: Window, where: Where) -> list[Group]:
        """Means per (orchestrator, region, pipeline, model), in that order."""
        ...

    async def median(self, window: Window, where: Where) -> float | None:
        """Give the exact median round trip in seconds; `None` without rows.

        Over single rows with success rate exactly 1 and a round trip other than 0, each without the
        gateway's first contact (`schema.comparable_time`); for an even number of them the mean of
        the middle two.
        """
        ...

    async def medians(self, window: Window, where: Where) -> list[ModelMedian]:
        """The same median for each (pipeline, model) apart, in that order."""
        ...

    async def phases(self, window: Window, where: Where) -> list[PhaseStatistics]:
        """How long each phase took, per (orchestrator, region, pipeline, model), in that order.

        Percentiles lie between the two nearest values, linearly (`PERCENTILE_CONT`).
        """
        ...

    async def spelled_groups(self, window: Window, where: Where) -> list[SpelledGroup]:
        """Sums per group and spelling, in order of the fields; from single measurements alone."""
        ...

    async def newest(
        self,
        window: Window,
        where: Where,
        *,
        transcoding: bool = False,
        before: Turn | None = None,
        limit: int,
    ) -> list[Row]:
        """The rows before a turn, newest first, whether they count or not; without steps.

        AI jobs or results of transcoding. Of equal times the higher sequence number is the newer.
        At most `limit`; fewer, but none only where nothing is left.
        """
        ...

    async def regions(
        self, window: Window, where: Where, *, transcoding: bool = False
    ) -> dict[str, int]:
        """How many rows `newest` has of each region, in order."""
        ...

    async def transcoding_groups(self, window: Window, where: Where) -> list[TranscodingGroup]:
        """Means per (orchestrator, region, pipeline, model) of transcoding, in that order."""
        ...

    async def served(self, window: Window, where: Where) -> list[Served]:
        """Which models have rows that count, in order."""
        ...

    async def target_states(
        self, *, tester: str | None = None, region: str | None = None, upto: int | None = None
    ) -> list[TargetState]:
        """The state of every target, region and tester over all time, in that order.

        What comes later in the outbox is later, whatever its time: clocks are set back. `upto`
        leaves rows with a higher sequence number out of the failures.
        """
        ...

    async def count(self) -> int:
        """How many measurements are stored."""
        ...

    async def maintain(self) -> None:
        """Do what has to be done from time to time, so that questions stay quick."""
        ...

    async def close(self) -> None:
        """Finish what is being written and close."""
        ...

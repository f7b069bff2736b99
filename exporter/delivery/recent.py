"""The recent jobs, kept in memory: a ring in which failures outlive successes."""

from collections import deque
from collections.abc import Iterator
from typing import Final

from exporter.delivery.feed import Batch
from exporter.model import Measurement, Origin

CONSUMER: Final = "recent"


class RecentJobs:
    """The newest jobs of every outcome, and beside them failures that would have dropped out.

    What was imported is history and is left out; what others report now is not.

    It is rebuilt from the outbox's tail at the start and fed from there on; what it has already is
    not taken twice, so the two may overlap.
    """

    name = CONSUMER

    def __init__(self, jobs: int, failures: int, *, after: int = 0, tail: Batch = ()) -> None:
        self._newest: deque[Measurement] = deque()
        self._failures: deque[Measurement] = deque(maxlen=failures)
        self._by_id: dict[str, Measurement] = {}
        self._jobs = jobs
        self._last = after
        self._add(tail)

    async def position(self) -> int:
        """The last sequence number in the ring, or where it was told to start."""
        return self._last

    async def take(self, batch: Batch) -> None:
        """Add a batch."""
        self._add(batch)

    def newest_first(self) -> Iterator[Measurement]:
        """Every job in the ring, as it came in, the last one first."""
        yield from reversed(self._newest)
        yield from reversed(self._failures)

    def get(self, job: str) -> Measurement | None:
        """One job by its id, `None` if it is not (or no longer) in the ring."""
        return self._by_id.get(job)

    def __len__(self) -> int:
        return len(self._by_id)

    def _add(self, batch: Batch) -> None:
        for seq, measurement in batch:
            self._last = max(self._last, seq)
            if measurement.id in self._by_id or measurement.origin is Origin.IMPORTED:
                continue
            self._by_id[measurement.id] = measurement
            self._newest.append(measurement)
            if len(self._newest) > self._jobs:
                self._retire(self._newest.popleft())

    def _retire(self, old: Measurement) -> None:
        if old.ok:
            del self._by_id[old.id]
            return
        if len(self._failures) == self._failures.maxlen:
            del self._by_id[self._failures[0].id]
        self._failures.append(old)

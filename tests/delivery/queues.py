"""A queue in memory, as feeds see it."""

from collections.abc import Sequence

from exporter.delivery.feed import Feed
from exporter.model import Measurement
from tests.waiting import until


class Queue:
    """Measurements with sequence numbers from 1; numbers in `holes` cannot be read."""

    id = "queue"

    def __init__(self, *jobs: Measurement, holes: Sequence[int] = ()) -> None:
        self.jobs = list(jobs)
        self.cursors: dict[str, int] = {}
        self.trims = 0
        self._holes = holes

    async def read(self, after: int, limit: int) -> list[tuple[int, Measurement]]:
        rows = enumerate(self.jobs, 1)
        found = [(seq, job) for seq, job in rows if seq > after and seq not in self._holes]
        return found[:limit]

    async def last(self) -> int:
        return len(self.jobs)

    async def pending(self, after: int) -> int:
        return len(self.jobs) - after

    async def advance(self, consumer: str, seq: int) -> None:
        self.cursors[consumer] = max(seq, self.cursors.get(consumer, 0))

    async def rewind(self, consumer: str, seq: int) -> None:
        self.cursors[consumer] = min(seq, self.cursors.get(consumer, 0))

    async def trim(self, *, shrink_too: bool = True) -> int:  # noqa: ARG002 - as the outbox
        self.trims += 1
        return 0


async def caught_up(feed: Feed, seq: int) -> None:
    """Wait until a feed has reached a sequence number."""

    def reached() -> bool:
        feed.wake()
        return feed.position >= seq

    await until(reached)

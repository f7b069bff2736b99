"""The consumer that writes measurements to the store and lets the outbox forget them."""

from collections.abc import Callable
from typing import Final, Protocol

from exporter.delivery.feed import Batch
from exporter.stores import Store

CONSUMER: Final = "store"


class Queue(Protocol):
    """What the writer needs of the outbox."""

    id: str

    async def advance(self, consumer: str, seq: int) -> None:
        """Note that a consumer has everything up to a sequence number."""
        ...

    async def trim(self) -> int:
        """Delete what every consumer passed, beyond what is to be kept."""
        ...


class StoreWriter:
    """Writes batches to the store.

    How far it came is asked of the store, which keeps it in one transaction with the rows: killed
    between the two writes, the outbox offers rows again and the store skips them. The outbox is
    told only afterwards, and may forget only what `may_trim` allows, so that a consumer that
    lives in memory and lags behind loses nothing.
    """

    name = CONSUMER

    def __init__(self, queue: Queue, store: Store, may_trim: Callable[[int], bool]) -> None:
        self._queue = queue
        self._store = store
        self._may_trim = may_trim

    async def position(self) -> int:
        """Where the store stands; the outbox is brought level with it."""
        position = await self._store.cursor(self._queue.id)
        await self._queue.advance(CONSUMER, position)
        return position

    async def take(self, batch: Batch) -> None:
        """Write the batch and the cursor, then let the outbox forget."""
        await self._store.write(self._queue.id, batch)
        last = batch[-1][0]
        await self._queue.advance(CONSUMER, last)
        if self._may_trim(last):
            await self._queue.trim()

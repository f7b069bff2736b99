"""What the station knows of before: where outbox and store stand, and the state of each target.

It is read once, when the store answers, and what depends on it waits that long; a station whose
store is away serves what it has meanwhile.
"""

import asyncio
from collections.abc import Sequence
from random import Random

from exporter.delivery.feed import Batch, Consumer, Feed
from exporter.delivery.store_writer import StoreWriter
from exporter.outbox import Outbox
from exporter.stores import Store, TargetState


class Restoration:
    """Reads the store's cursor and the states up to it, so that nothing is counted twice.

    What the store has at the cursor lies in the states; what it has not, or got after a crash that
    came before the cursor was moved, comes through the feeds. `reporters` are the testers whose
    results others give us.
    """

    def __init__(
        self,
        outbox: Outbox,
        store: Store,
        *,
        tester: str,
        region: str,
        reporters: Sequence[str] = (),
    ) -> None:
        self._outbox = outbox
        self._store = store
        self._tester = tester
        self._region = region
        self._reporters = tuple(dict.fromkeys(name for name in reporters if name != tester))
        self._lock = asyncio.Lock()
        self._cursor: int | None = None

    async def cursor(self) -> int:
        """The store's cursor as it was first read. Raises `StoreError` while it cannot be."""
        async with self._lock:
            if self._cursor is None:
                self._cursor = await self._common_ground()
            return self._cursor

    async def states(self) -> tuple[int, Sequence[TargetState]]:
        """The cursor, and what the targets had come to by then: this tester's, then the reporters'.

        Of this tester those in its region, of reporters those in all. What an older outbox of this
        tester brought has lower numbers than any of this one.
        """
        cursor = await self.cursor()
        older = (await self._outbox.numbers()).first - 1
        upto = max(cursor, older)
        states = list(
            await self._store.target_states(tester=self._tester, region=self._region, upto=upto)
        )
        for reporter in self._reporters:
            states += await self._store.target_states(tester=reporter, upto=upto)
        return cursor, states

    async def _common_ground(self) -> int:
        """The store's cursor, after making sure that it is about the jobs in this outbox.

        A store that has numbers which the outbox never gave has them of the outbox's future: a
        backup was restored. Then the outbox is renewed, so that no new job is taken for one of
        those; what is in it is stored at once as far as possible, since target states and feeds
        would otherwise both count what the store has already.
        """
        cursor = await self._store.cursor(self._outbox.id)
        if cursor <= await self._outbox.last():
            return cursor
        await self._outbox.renew(cursor)
        writer = StoreWriter(self._outbox, self._store, lambda _: False)
        once = Feed(writer, self._outbox, random=Random(), batch=self._store.batch)  # noqa: S311 - not used
        once.stop()
        await once.run()
        return await self._store.cursor(self._outbox.id)


class AfterRestoration:
    """A consumer that begins when the common ground is found."""

    def __init__(self, consumer: Consumer, restoration: Restoration) -> None:
        self.name = consumer.name
        self._consumer = consumer
        self._restoration = restoration

    async def position(self) -> int:
        """Where the consumer stands, once that is known."""
        await self._restoration.cursor()
        return await self._consumer.position()

    async def take(self, batch: Batch) -> None:
        """Hand the batch on."""
        await self._consumer.take(batch)

"""The consumer that writes measurements to the store and lets the outbox forget them."""

import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from exporter.delivery.feed import Batch, FellBack
from exporter.model import Measurement, encode
from exporter.outbox import Letter
from exporter.stores import Refused, Row, Store

log = logging.getLogger(__name__)

CONSUMER: Final = "store"
_UNREADABLE: Final = 500
"""Rows that cannot be decoded which are set aside at once."""


class Queue(Protocol):
    """What the writer needs of the outbox."""

    id: str

    async def cursor(self, consumer: str) -> int:
        """The number up to which a consumer has everything; 0 for an unknown one."""
        ...

    async def advance(self, consumer: str, seq: int) -> None:
        """Note that a consumer has everything up to a sequence number."""
        ...

    async def read(self, after: int, limit: int) -> list[tuple[int, Measurement]]:
        """At most `limit` measurements after a sequence number, ascending."""
        ...

    async def unreadable(self, after: int, upto: int, limit: int) -> list[Letter]:
        """The first rows that `read` leaves out between two numbers, with the reason."""
        ...

    async def rewind(self, consumer: str, seq: int) -> None:
        """Note that a consumer does not have any more what comes after a sequence number."""
        ...

    async def set_aside(self, consumer: str, letters: Sequence[Letter]) -> None:
        """Keep what a consumer will not take."""
        ...

    async def trim(self, *, shrink_too: bool = True) -> int:
        """Delete what every consumer passed, beyond what is to be kept."""
        ...


class StoreWriter:
    """Writes batches to the store, and sets aside what the store will never take.

    How far it came is asked of the store, which keeps it with the rows: killed between the two
    writes, the outbox offers rows again and the store skips them. The outbox is told only
    afterwards, when what was refused is a dead letter there, and may forget only what `may_trim`
    allows, so that a consumer that lives in memory and lags behind loses nothing.

    A server can lose what it confirmed. InfluxDB (2.7.12) that is killed in the middle of a write
    cuts the torn entry off its log and goes on behind the gap; at the next start all is gone that
    was written after the gap and is in no data file yet. The cursor comes after its rows in the
    same log and falls back with them. So the store is asked before each batch, which would hide
    that, and what the outbox has after the cursor is written again.

    A row that this version cannot decode becomes a dead letter, too, as soon as one behind it is
    delivered.
    """

    name = CONSUMER

    def __init__(self, queue: Queue, store: Store, may_trim: Callable[[int], bool]) -> None:
        self._queue = queue
        self._store = store
        self._may_trim = may_trim
        self._settled = 0
        """Everything up to this number is in the store or set aside."""
        self._confirmed = 0
        """Up to where the store said last that it has everything."""

    async def position(self) -> int:
        """Where the store stands; the outbox is brought level with it."""
        position = await self._store.cursor(self._queue.id)
        self._settled = await self._queue.cursor(CONSUMER)
        if position < self._settled:
            await self._tell_lost(position, self._settled)
            await self._queue.rewind(CONSUMER, position)
        await self._settle_upto(position)
        await self._queue.advance(CONSUMER, position)
        self._settled = self._confirmed = position
        return position

    async def take(self, batch: Batch) -> None:
        """Write the batch and the cursor, then let the outbox forget.

        Raises `FellBack` where the store does not have any more what it confirmed.
        """
        if await self._store.cursor(self._queue.id) < self._confirmed:
            raise FellBack
        refused = await self._store.write(self._queue.id, batch)
        self._confirmed = batch[-1][0]
        await self._set_aside(batch, refused)
        await self._queue.advance(CONSUMER, self._settled)
        if self._may_trim(self._settled):
            await self._queue.trim(shrink_too=len(batch) < self._store.batch)

    async def _settle_upto(self, position: int) -> None:
        """Find what the store refused when it was not possible any more to set that aside.

        Rows that it has are not stored twice.
        """
        while self._settled < position:
            offered = await self._queue.read(self._settled, self._store.batch)
            batch = [(seq, measurement) for seq, measurement in offered if seq <= position]
            if not batch:
                return
            rows = [Row(self._queue.id, seq, measurement) for seq, measurement in batch]
            await self._set_aside(batch, await self._store.add(rows))

    async def _tell_lost(self, position: int, delivered: int) -> None:
        kept = await self._queue.read(position, 1)
        first = kept[0][0] if kept else delivered + 1
        log.error(
            "the store does not have all that it confirmed: it lost that, or is another one; what "
            "the outbox still has of it is written again",
            extra={
                "confirmed": delivered,
                "stored": position,
                "not_in_the_outbox": max(0, min(first - 1, delivered) - position),
            },
        )

    async def _set_aside(self, batch: Batch, refused: Sequence[Refused]) -> None:
        last = batch[-1][0]
        letters = [_letter(one) for one in refused]
        if last - self._settled > len(batch):  # rows are missing: unreadable, or gone
            letters += await self._unreadable(last)
        if letters:
            await self._queue.set_aside(CONSUMER, letters)
            log.warning(
                "measurements that the store does not take were set aside",
                extra={"count": len(letters), "first": letters[0].id, "why": letters[0].reason},
            )
        self._settled = last

    async def _unreadable(self, upto: int) -> list[Letter]:
        found: list[Letter] = []
        after = self._settled
        while more := await self._queue.unreadable(after, upto, _UNREADABLE):
            found += more
            after = more[-1].seq
        return found


def _letter(refused: Refused) -> Letter:
    row, reason = refused
    return Letter(row.seq, row.measurement.id, encode(row.measurement), reason)

"""Stores to move measurements between, in bounded memory of their own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from exporter.model import Measurement
from exporter.moving.days import ALWAYS, pages
from exporter.stores import Row, Store, Where
from exporter.stores.embedded import EmbeddedStore
from tests.measurements import SECOND, START, failed, good

DAY = 86400 * SECOND


@asynccontextmanager
async def stored(path: Path, rows: Sequence[Row] = ()) -> AsyncIterator[EmbeddedStore]:
    """An embedded store with these rows."""
    store = EmbeddedStore.open(path)
    try:
        assert not await store.add(rows)
        yield store
    finally:
        await store.close()


async def everything(store: Store) -> list[Row]:
    """All rows of a store."""
    return [row async for page in pages(store, ALWAYS, Where()) for row in page]


def rows(measurements: Sequence[Measurement], outbox: str = "abc") -> list[Row]:
    """The measurements as an outbox numbers them."""
    return [Row(outbox, seq, one) for seq, one in enumerate(measurements, 1)]


def some(days: int = 3, each: int = 4) -> list[Row]:
    """Measurements over some days, good and failed ones, of AI jobs and of transcoding."""
    made = []
    for day in range(days):
        for number in range(each):
            at = START + day * DAY + number * SECOND
            name = f"{day}-{number}"
            if number % 3 == 2:
                made.append(failed(name, started_at=at, message='a "quoted"\nline, too'))
            elif number % 3 == 1:
                made.append(good(name, started_at=at, pipeline="", model=""))
            else:
                made.append(good(name, started_at=at))
    return rows(made)

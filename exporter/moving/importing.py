"""Bringing files into a store: checked whole, then stored day by day, then compared."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from exporter.model import Measurement
from exporter.moving import MovingError, foreign, whole
from exporter.moving.days import PAGE, of_day, pages
from exporter.moving.days import Source as Rows
from exporter.moving.formats import Format
from exporter.moving.progress import Progress, unseen
from exporter.moving.spool import Spool
from exporter.moving.tally import Tally, digest
from exporter.stores import Row, Store, Where

_LISTED: Final = 20


class Imported(msgspec.Struct, kw_only=True):
    """What came of an import."""

    file: Tally
    """What the file has, each measurement once."""
    stored: Tally
    """What of it the store has now."""
    added: int
    """How many were not there before."""
    repeated: int
    """Rows of the file that were in it before."""
    refused: list[str]
    """What the store will never take, with place and reason; the first ones."""
    refusals: int

    @property
    def whole(self) -> bool:
        """Whether the store has all that the file has."""
        return self.file == self.stored


class Source(NamedTuple):
    """A file to be imported."""

    path: Path
    format: Format
    tester: str
    """Of what in it has no tester."""
    now: int
    """Unix nanoseconds."""


async def read(
    source: Source,
    spool: Spool,
    *,
    progress: Progress = unseen,
    note: Callable[[str], None] = lambda _: None,
) -> None:
    """Read and check the whole file. Raises `MovingError` at the first thing that is wrong."""
    name = str(source.path)
    with _readable(source.path), source.format.table(source.path) as table:
        if whole.MARK in table.columns:
            rows = whole.rows(table, name)
        else:
            if ignored := foreign.unknown(table):
                note(f"columns that are passed over: {', '.join(ignored)[:500]}")
            rows = foreign.rows(
                table, name, foreign.Origins(source.tester, source.now, spool.occurrence)
            )
        for number, (place, row) in enumerate(rows, 1):
            spool.put(place, row)
            if number % PAGE == 0:
                progress(PAGE)
                await asyncio.sleep(0)  # where Ctrl-C is heard


async def store_all(store: Store, spool: Spool, *, progress: Progress = unseen) -> Imported:
    """Store what was read and is not there yet; gives what is there in the end.

    May be repeated after it was cut off: what is stored is passed over.
    """
    done = Imported(
        file=spool.tally,
        stored=Tally(),
        added=0,
        repeated=spool.repeated,
        refused=[],
        refusals=0,
    )
    for day in spool.days():
        wanted = spool.digests(day)
        there = await there_of(store, day, wanted)
        before = len(there)
        if before < len(wanted):
            for batch in spool.batches(day, without=there):
                await _add(store, batch, done)
            there = await there_of(store, day, wanted)
        for each in there:
            done.stored.add(each)
        done.added += len(there) - before
        progress(len(wanted))
    return done


async def _add(store: Store, batch: list[tuple[str, Row]], done: Imported) -> None:
    refused = await store.add([row for _, row in batch])
    places = {row.measurement.id: place for place, row in batch}
    for row, reason in refused:
        done.refusals += 1
        if len(done.refused) < _LISTED:
            done.refused.append(f"{places[row.measurement.id]}: {reason}")


async def there_of(
    store: Rows,
    day: int,
    wanted: set[bytes],
    seen_as: Callable[[Measurement], Measurement] = lambda one: one,
) -> set[bytes]:
    """Which measurements of a day are stored, of those that have one of these digests.

    `seen_as` gives what a stored one is compared as.
    """
    found: set[bytes] = set()
    async for page in pages(store, of_day(day), Where()):
        found.update(one for row in page if (one := digest(seen_as(row.measurement))) in wanted)
    return found


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MovingError(f"{path}: cannot be read ({error.strerror or error})") from error

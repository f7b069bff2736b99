"""Walking through everything that is stored, by UTC days and pages, in bounded memory."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from exporter.model import NANOSECONDS
from exporter.moving.tally import Tally
from exporter.stores import Place, Row, Where, Window
from exporter.stores.schema import TIMES

DAY: Final = 86400 * NANOSECONDS
PAGE: Final = 1000
ALWAYS: Final = Window(since=TIMES[0], until=TIMES[-1])
"""A window that everything lies in."""

_LOOK: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Source(Protocol):
    """Where rows are read: a store, or a station that is asked for those of its store."""

    async def rows(
        self, window: Window, where: Where, *, after: Place | None, limit: int
    ) -> list[Row]:
        """See `Store.rows`."""
        ...


async def days(source: Source, window: Window, where: Where) -> AsyncIterator[int]:
    """The UTC days, counted from 1970, that have rows; in order."""
    start = window.since
    while start <= window.until:
        # The next day mostly has some, and is cheaper to look at than all that follows.
        near = Window(since=start, until=min(window.until, start + DAY - 1))
        for span in (near, Window(since=start, until=window.until)):
            # More than one: rows that cannot be decoded are left out, and are not the end.
            if found := await source.rows(span, where, after=None, limit=_LOOK):
                break
        else:
            return
        day = found[0].measurement.started_at // DAY
        yield day
        start = (day + 1) * DAY


async def pages(
    source: Source, window: Window, where: Where, *, limit: int = PAGE
) -> AsyncIterator[list[Row]]:
    """The rows of a window in order of time and id."""
    after = None
    while page := await source.rows(window, where, after=after, limit=limit):
        yield page
        last = page[-1].measurement
        after = Place(last.started_at, last.id)


async def tally_of(source: Source, window: Window, where: Where) -> Tally:
    """Count and checksum of a window."""
    tally = Tally()
    async for page in pages(source, window, where):
        tally.merge(Tally.of(page))
    return tally


def of_day(day: int, window: Window = ALWAYS) -> Window:
    """The part of a window that lies on a day."""
    return Window(since=max(day * DAY, window.since), until=min((day + 1) * DAY - 1, window.until))


def name_of(day: int) -> str:
    """The day as a date, `2026-09-21`."""
    return (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")

"""What a store has, read as anybody who copies it reads it."""

from exporter.model import Measurement
from exporter.stores import Place, Row, Store, Turn, Where, Window

PAGE = 1000
EVER = Window(-(2**62), 2**63 - 1)


async def stored_rows(store: Store) -> list[Row]:
    """All rows, page by page."""
    found: list[Row] = []
    after: Place | None = None
    while page := await store.rows(EVER, Where(), after=after, limit=PAGE):
        found += page
        last = page[-1].measurement
        after = Place(last.started_at, last.id)
    return found


async def stored_ids(store: Store) -> list[str]:
    """The ids of all measurements in it, one as often as it is there."""
    return [row.measurement.id for row in await stored_rows(store)]


async def newest(
    store: Store, window: Window, where: Where, limit: int, *, transcoding: bool = False
) -> list[Measurement]:
    """The newest measurements of a store, read page by page."""
    found: list[Row] = []
    while len(found) < limit:
        page = await store.newest(
            window,
            where,
            transcoding=transcoding,
            before=Turn.of(found[-1]) if found else None,
            limit=limit - len(found),
        )
        if not page:
            break
        found += page
    return [row.measurement for row in found]

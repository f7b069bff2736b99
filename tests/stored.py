"""What a store has, read as anybody who copies it reads it."""

from exporter.stores import Place, Row, Store, Where, Window

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

"""Whoever stores what is in the outbox: the running station, or where none runs we ourselves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from exporter.data_folder import DataFolder, DataFolderBusyError
from exporter.moving.days import Source
from exporter.moving.from_leaderboard import store_now, stored_by_station
from exporter.moving.station_rows import StationRows, address
from exporter.opening import open_store
from exporter.outbox import Outbox
from exporter.settings import Settings


class WorkingStation(NamedTuple):
    """An outbox whose measurements get stored."""

    outbox: Outbox
    stored: Source
    """What is stored already."""
    settle: Callable[[int], Awaitable[None]]
    """Waits until everything up to a number is stored. Raises `MovingError`."""


@asynccontextmanager
async def working_station(settings: Settings) -> AsyncIterator[WorkingStation]:
    """The outbox and the store of these settings, whether a station runs or not.

    Raises `DataFolderError`, `OutboxError`, `StoreError` or `MovingError`.
    """
    async with AsyncExitStack() as stack:
        try:
            stack.enter_context(DataFolder.open(settings.data, role="station"))
            running = False
        except DataFolderBusyError:
            running = True
        outbox = _outbox(settings)
        stack.push_async_callback(outbox.close)
        if running and settings.store.kind == "embedded":
            station = await stack.enter_async_context(StationRows(address(settings)))
            await station.check(settings)
            yield WorkingStation(outbox, station, lambda last: stored_by_station(outbox, last))
            return
        store = await stack.enter_async_context(open_store(settings))
        if running:
            yield WorkingStation(outbox, store, lambda last: stored_by_station(outbox, last))
        else:
            yield WorkingStation(outbox, store, lambda _: store_now(outbox, store))


def _outbox(settings: Settings) -> Outbox:
    return Outbox.open(
        settings.data / "outbox.sqlite",
        max_bytes=settings.outbox.max_bytes,
        keep_delivered=settings.outbox.keep_delivered,
    )

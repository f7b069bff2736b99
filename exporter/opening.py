"""Opening the store that the settings name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from exporter.data_folder import store_file
from exporter.settings import Settings
from exporter.stores import Store, StoreError
from exporter.stores.embedded import EmbeddedStore

StoreKind = Literal["embedded", "influxdb"]


@asynccontextmanager
async def open_store(settings: Settings, kind: StoreKind | None = None) -> AsyncIterator[Store]:
    """The store of this kind, by default the one that the settings name; closed after the block.

    One process alone may have the embedded store open: whoever opens it takes the station's role
    in the data folder first. Raises `StoreError`.
    """
    store = await asyncio.to_thread(_open, settings, kind or settings.store.kind)
    try:
        yield store
    finally:
        await store.close()


def _open(settings: Settings, kind: StoreKind) -> Store:
    if kind == "embedded":
        return EmbeddedStore.open(
            store_file(settings.data), memory_limit=settings.store.memory_limit
        )
    if settings.store.influxdb is None:
        raise StoreError("the settings have no section store.influxdb that says which server")
    from exporter.stores.influx import InfluxStore

    return InfluxStore.open(settings.store.influxdb)

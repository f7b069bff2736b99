"""The stores that must all give the same answers: each is one parameter of `fresh_store`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from exporter.stores import Store
from exporter.stores.embedded import EmbeddedStore

FreshStore = Callable[[], AbstractAsyncContextManager[Store]]
"""Opens a store that is empty; it is closed when the context ends."""


def embedded(folder: Path) -> FreshStore:
    numbers = count()

    @asynccontextmanager
    async def fresh() -> AsyncIterator[Store]:
        store = EmbeddedStore.open(folder / f"{next(numbers)}.duckdb")
        try:
            yield store
        finally:
            await store.close()

    return fresh


STORES: dict[str, Callable[[Path], FreshStore]] = {"embedded": embedded}


@pytest.fixture(params=STORES)
def fresh_store(request: pytest.FixtureRequest, tmp_path: Path) -> FreshStore:
    return STORES[request.param](tmp_path)


@pytest.fixture
async def store(fresh_store: FreshStore) -> AsyncIterator[Store]:
    async with fresh_store() as opened:
        yield opened

"""The stores that must all give the same answers: each is one parameter of `fresh_store`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from exporter.settings import Influx
from exporter.stores import Store
from exporter.stores.embedded import EmbeddedStore
from exporter.stores.influx import InfluxStore
from tests.services.influx_server import ORG, InfluxServer

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


def influxdb(server: InfluxServer) -> FreshStore:
    @asynccontextmanager
    async def fresh() -> AsyncIterator[Store]:
        name = uuid4().hex
        bucket = server.bucket(name)
        settings = Influx(
            url=server.url, org=ORG, bucket=name, rollup_bucket=None, token=SecretStr(server.token)
        )
        store = InfluxStore.open(settings)
        try:
            yield store
        finally:
            await store.close()
            server.drop_bucket(bucket)

    return fresh


@pytest.fixture(params=["embedded", "influxdb"])
def fresh_store(request: pytest.FixtureRequest, tmp_path: Path) -> FreshStore:
    if request.param == "embedded":
        return embedded(tmp_path)
    return influxdb(request.getfixturevalue("influx"))


@pytest.fixture
async def store(fresh_store: FreshStore) -> AsyncIterator[Store]:
    async with fresh_store() as opened:
        yield opened

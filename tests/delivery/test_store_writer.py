from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exporter.delivery.feed import Feed
from exporter.delivery.store_writer import StoreWriter
from exporter.outbox import Outbox
from exporter.stores import StoreError
from exporter.stores.embedded import EmbeddedStore
from tests.measurements import good


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    outbox = Outbox.open(
        tmp_path / "outbox.sqlite", max_bytes=2**24, keep_delivered=2, clock=lambda: 0
    )
    yield outbox
    await outbox.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    store = EmbeddedStore.open(tmp_path / "store.duckdb")
    yield store
    await store.close()


def always(_: int) -> bool:
    return True


async def deliver(writer: StoreWriter, outbox: Outbox) -> Feed:
    feed = Feed(writer, outbox, random=Random(1), batch=3)
    feed.stop()
    await feed.run()
    return feed


async def test_measurements_are_stored_once_and_the_outbox_forgets_them(
    outbox: Outbox, store: EmbeddedStore
) -> None:
    for number in range(8):
        await outbox.put(good(f"job-{number}", started_at=number))
    await deliver(StoreWriter(outbox, store, always), outbox)
    assert await store.count() == 8
    assert await store.cursor(outbox.id) == 8
    assert await outbox.cursor("store") == 8
    assert [job.id for _, job in await outbox.tail(100)] == ["job-6", "job-7"]


async def test_a_kill_between_store_and_outbox_stores_nothing_twice(
    outbox: Outbox, store: EmbeddedStore
) -> None:
    for number in range(5):
        await outbox.put(good(f"job-{number}", started_at=number))
    await store.write(outbox.id, await outbox.read(0, 3))  # and then the process was killed
    feed = await deliver(StoreWriter(outbox, store, always), outbox)
    assert feed.delivered == 2
    assert await store.count() == 5


async def test_nothing_is_forgotten_while_another_consumer_needs_it(
    outbox: Outbox, store: EmbeddedStore
) -> None:
    for number in range(8):
        await outbox.put(good(f"job-{number}", started_at=number))
    await deliver(StoreWriter(outbox, store, lambda seq: seq <= 3), outbox)
    kept = [job.id for _, job in await outbox.tail(100)]
    assert kept == [f"job-{number}" for number in range(1, 8)]


async def test_a_store_that_cannot_be_written_loses_nothing(
    outbox: Outbox, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise StoreError("the disk is full")

    for number in range(5):
        await outbox.put(good(f"job-{number}", started_at=number))
    with monkeypatch.context() as broken:
        broken.setattr(store, "write", full)
        feed = await deliver(StoreWriter(outbox, store, always), outbox)
        assert feed.problem == "StoreError: the disk is full"
        assert await outbox.cursor("store") == 0
    await deliver(StoreWriter(outbox, store, always), outbox)
    assert await store.count() == 5

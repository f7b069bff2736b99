import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exporter.delivery.feed import Feed
from exporter.delivery.store_retries import StoreRetries
from exporter.delivery.store_writer import StoreWriter
from exporter.model import Measurement, encode
from exporter.outbox import DeadLetter, Outbox, dead_letters
from exporter.outbox.file import existing_file, transaction
from exporter.stores import Refused, StoreError, Where, Window
from exporter.stores.embedded import EmbeddedStore
from tests.delivery.queues import caught_up
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
        assert feed.problem == "the disk is full"
        assert await outbox.cursor("store") == 0
    await deliver(StoreWriter(outbox, store, always), outbox)
    assert await store.count() == 5


UNSTORABLE = 2**62 * 3
"""A time that no store can hold."""


def letters(outbox: Outbox) -> list[DeadLetter]:
    with existing_file(outbox._path) as connection:
        return dead_letters.newest(connection, 100)[::-1]


def retry_all(outbox: Outbox) -> None:
    with existing_file(outbox._path) as connection, transaction(connection):
        dead_letters.retry(connection, None)


def change_payload(outbox: Outbox, table: str, where: str, payload: bytes) -> None:
    with existing_file(outbox._path) as connection:
        connection.execute(f"UPDATE {table} SET payload = ? WHERE {where}", (payload,))


async def put_some(outbox: Outbox, *unstorable: int) -> None:
    for number in range(6):
        started = UNSTORABLE if number in unstorable else number
        await outbox.put(good(f"job-{number}", started_at=started))


async def test_what_the_store_refuses_is_set_aside_with_the_reason(
    outbox: Outbox, store: EmbeddedStore
) -> None:
    await put_some(outbox, 1, 5)
    feed = await deliver(StoreWriter(outbox, store, always), outbox)
    assert (feed.problem, feed.position) == (None, 6)
    assert await store.count() == 4
    assert [(letter.seq, letter.id) for letter in letters(outbox)] == [(2, "job-1"), (6, "job-5")]
    assert "no store can hold" in letters(outbox)[0].reason
    assert await outbox.cursor("store") == 6


async def test_what_was_refused_just_before_a_kill_is_set_aside_after_it(
    outbox: Outbox, store: EmbeddedStore
) -> None:
    await put_some(outbox, 1, 3)
    await store.write(outbox.id, await outbox.read(0, 5))  # and then the process was killed
    await deliver(StoreWriter(outbox, store, always), outbox)
    assert [letter.id for letter in letters(outbox)] == ["job-1", "job-3"]
    assert await store.count() == 4
    assert await outbox.cursor("store") == 6


async def test_nothing_passes_that_could_not_be_set_aside(
    outbox: Outbox, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise OSError("the disk is full")

    await put_some(outbox, 1)
    with monkeypatch.context() as broken:
        broken.setattr(outbox, "set_aside", full)
        feed = await deliver(StoreWriter(outbox, store, always), outbox)
        assert feed.problem == "OSError: the disk is full"
        assert await outbox.cursor("store") == 0
    await deliver(StoreWriter(outbox, store, always), outbox)
    assert [letter.id for letter in letters(outbox)] == ["job-1"]


async def test_what_cannot_be_decoded_is_set_aside_as_it_is(
    outbox: Outbox, store: EmbeddedStore
) -> None:
    await put_some(outbox)
    change_payload(outbox, "measurement", "seq IN (1, 2, 4, 6)", b'{"of": "another version"}')
    await deliver(StoreWriter(outbox, store, always), outbox)
    assert await store.count() == 2
    assert [letter.id for letter in letters(outbox)] == ["job-0", "job-1", "job-3"]
    assert letters(outbox)[0].payload == b'{"of": "another version"}'
    assert letters(outbox)[0].reason.startswith("cannot be decoded: ")
    await outbox.put(good("job-6", started_at=6))
    await deliver(StoreWriter(outbox, store, always), outbox)
    assert [letter.id for letter in letters(outbox)] == ["job-0", "job-1", "job-3", "job-5"]


async def retry(outbox: Outbox, store: EmbeddedStore) -> Feed:
    retries = StoreRetries(outbox, store)
    feed = Feed(retries, retries, random=Random(1), batch=2)
    feed.stop()
    await feed.run()
    return feed


async def test_letters_that_are_taken_at_another_try_go_and_keep_their_number(
    outbox: Outbox, store: EmbeddedStore
) -> None:
    await put_some(outbox, 0, 1, 2, 3, 4)
    await deliver(StoreWriter(outbox, store, always), outbox)
    assert (await retry(outbox, store)).delivered == 0
    mended = encode(good("job-1", started_at=77))
    change_payload(outbox, "dead_letter", "id = 'job-1'", mended)
    change_payload(outbox, "dead_letter", "id = 'job-3'", b"no measurement")
    retry_all(outbox)
    assert await StoreRetries(outbox, store).pending(0) == 5
    feed = await retry(outbox, store)
    assert (feed.problem, feed.position, feed.delivered) == (None, 5, 4)
    assert await feed.pending() == 0
    left = letters(outbox)
    assert [letter.id for letter in left] == ["job-0", "job-2", "job-3", "job-4"]
    assert all(letter.retry is None for letter in left)
    assert left[2].reason.startswith("cannot be decoded: ")
    stored = await store.rows(Window(0, 100), Where(), after=None, limit=10)
    assert [(row.seq, row.measurement.id) for row in stored] == [(6, "job-5"), (2, "job-1")]
    assert {row.outbox for row in stored} == {outbox.id}


async def test_letters_wait_for_a_store_that_fails(
    outbox: Outbox, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: Any) -> None:
        raise StoreError("no answer")

    await put_some(outbox, 1)
    await deliver(StoreWriter(outbox, store, always), outbox)
    change_payload(outbox, "dead_letter", "id = 'job-1'", encode(good("job-1", started_at=1)))
    retry_all(outbox)
    with monkeypatch.context() as broken:
        broken.setattr(store, "add", down)
        assert (await retry(outbox, store)).problem == "no answer"
    assert len(letters(outbox)) == 1
    await retry(outbox, store)
    assert letters(outbox) == []
    assert await store.count() == 6


async def test_rows_that_vanish_under_the_feed_do_not_stop_it(
    tmp_path: Path, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: Any) -> None:
        raise StoreError("no answer")

    outbox = Outbox.open(tmp_path / "small.sqlite", max_bytes=2**20, keep_delivered=0)
    writer = StoreWriter(outbox, store, always)
    feed = Feed(writer, outbox, random=Random(1), batch=3)
    first = await outbox.put(good("first", started_at=0))
    with monkeypatch.context() as broken:
        broken.setattr(store, "write", down)
        feed.stop()
        await feed.run()
        for number in range(400):
            await outbox.put(good(f"job-{number}", started_at=number + 1, response="x" * 5000))
    lost = (await outbox.losses()).measurements
    assert await feed.pending() == 401 - lost > 0
    await feed.run()
    assert await store.count() == 401 - lost
    assert (feed.problem, feed.position) == (None, first + 400)
    assert letters(outbox) == []
    await outbox.close()


class Forgetful(EmbeddedStore):
    """Says that it stands at `fell_to` until something is written to it."""

    fell_to: int | None = None

    async def cursor(self, outbox: str) -> int:
        return await super().cursor(outbox) if self.fell_to is None else self.fell_to

    async def write(
        self, outbox: str, batch: Sequence[tuple[int, Measurement]]
    ) -> Sequence[Refused]:
        self.fell_to = None
        self.written = [seq for seq, _ in batch]
        return await super().write(outbox, batch)


async def test_what_the_store_confirmed_and_lost_is_offered_again(
    outbox: Outbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Forgetful.open(tmp_path / "forgetful.duckdb")
    for number in range(5):
        await outbox.put(good(f"job-{number}", started_at=number))
    writer = StoreWriter(outbox, store, always)  # the outbox keeps two that were delivered
    feed = Feed(writer, outbox, random=Random(1), batch=10)
    task = asyncio.create_task(feed.run())
    await caught_up(feed, 5)
    store.fell_to = 2
    await outbox.put(good("job-5", started_at=5))
    await caught_up(feed, 6)
    feed.stop()
    await task
    assert store.written == [4, 5, 6]
    assert feed.errors == 0
    assert await store.count() == 6
    (told,) = [vars(one) for one in caplog.records if "does not have all" in one.message]
    assert (told["confirmed"], told["stored"], told["not_in_the_outbox"]) == (5, 2, 1)
    await store.close()

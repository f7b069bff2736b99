"""The embedded store's file: refused files, full disks, kills, and reading while writing."""

import asyncio
import logging
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import duckdb
import pytest

from exporter.model import Measurement
from exporter.stores import StoreError, Where, Window
from exporter.stores.embedded import EmbeddedStore
from exporter.stores.embedded_upgrade import FORMAT
from tests.filesystems import lock_up, read_only_folder, resize_disk, small_disk
from tests.measurements import START, good
from tests.stored import newest
from tests.stores.children import BATCH

ROOT = Path(__file__).parents[2]
ALL = Window(0, 2**63 - 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.duckdb"


async def filled(path: Path, rows: int = 10) -> None:
    store = EmbeddedStore.open(path)
    await store.write("box", [(n, good(f"m{n}")) for n in range(1, rows + 1)])
    await store.close()


def refused(path: Path) -> str:
    """Open the file, see that it is refused, and that not a byte has changed."""
    before = path.read_bytes()
    with pytest.raises(StoreError) as error:
        EmbeddedStore.open(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert str(path) in str(error.value)
    return str(error.value)


@contextmanager
def child(what: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.stores.children", what, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_everything_is_there_after_closing_and_opening_again(path: Path) -> None:
    async def again() -> None:
        store = EmbeddedStore.open(path)
        assert await store.count() == 10
        assert await store.cursor("box") == 10
        await store.close()
        await store.close()
        with pytest.raises(StoreError, match="closed"):
            await store.count()

    asyncio.run(filled(path))
    assert [file.name for file in path.parent.iterdir()] == [path.name], "the log is folded in"
    asyncio.run(again())


def test_a_store_of_a_newer_version_is_refused_and_stays_as_it_is(path: Path) -> None:
    asyncio.run(filled(path))
    with closing(duckdb.connect(path)) as raw:
        raw.execute("UPDATE meta SET value = ?", [FORMAT + 1])
    assert "newer version of this program" in refused(path)


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    with closing(duckdb.connect(path)) as raw:
        raw.execute("CREATE TABLE theirs (x INTEGER)")
    assert "another program" in refused(path)


@pytest.mark.parametrize(
    "content", [b"hello", b"\0" * 20_000, b"SQLite format 3\0" + b"\0" * 5000, b"{}" * 9000]
)
def test_a_file_that_is_no_store_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "some other file" in refused(path)


def test_a_file_that_is_cut_short_is_refused(path: Path) -> None:
    asyncio.run(filled(path, rows=5000))
    path.write_bytes(path.read_bytes()[:20_000])
    assert "damaged" in refused(path)


def test_damage_in_the_middle_is_an_error_and_no_crash(path: Path) -> None:
    async def ask_everything() -> None:
        store = EmbeddedStore.open(path)
        try:
            await newest(store, ALL, Where(), 10_000)
        finally:
            await store.close()

    asyncio.run(filled(path, rows=5000))
    content = bytearray(path.read_bytes())
    content[12_288:] = b"\xa5" * (len(content) - 12_288)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        asyncio.run(ask_everything())


def test_an_empty_file_from_a_start_that_was_killed_becomes_a_store(path: Path) -> None:
    path.touch()
    asyncio.run(filled(path))


def test_a_missing_folder_is_named(path: Path) -> None:
    with pytest.raises(StoreError, match=r"the folder .*/nowhere does not exist"):
        EmbeddedStore.open(path.parent / "nowhere" / "store.duckdb")


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreError, match=str(path)):
        EmbeddedStore.open(path)


def test_a_read_only_folder_is_refused() -> None:
    with read_only_folder() as folder:
        lock_up(folder)
        with pytest.raises(StoreError, match="write access"):
            EmbeddedStore.open(folder / "store.duckdb")


def test_a_read_only_file_is_refused() -> None:
    with read_only_folder() as folder:
        asyncio.run(filled(folder / "store.duckdb"))
        lock_up(folder)
        with pytest.raises(StoreError, match="write access"):
            EmbeddedStore.open(folder / "store.duckdb")


def test_a_store_that_another_process_has_open_is_refused(path: Path) -> None:
    with child("hold", path) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match=f"another process has it open.*PID {holder.pid}"):
            EmbeddedStore.open(path)


def test_a_batch_is_stored_whole_or_not_at_all_whenever_the_process_is_killed(path: Path) -> None:
    async def look() -> int:
        store = EmbeddedStore.open(path)
        try:
            cursor = await store.cursor("box")
            assert await store.count() == cursor
            found = await newest(store, ALL, Where(), cursor + 1)
            assert [one.id for one in found] == [f"m{n}" for n in range(cursor, 0, -1)]
            return cursor
        finally:
            await store.close()

    chance = random.Random(7)
    promised = 0
    for _ in range(6):
        with child("write-for-ever", path) as process:
            assert process.stdout
            for _ in range(chance.randrange(1, 12)):
                promised = int(process.stdout.readline())
            process.kill()
            for line in process.stdout:
                promised = int(line) if line.endswith("\n") else promised
        stored = asyncio.run(look())
        assert stored % BATCH == 0
        assert promised <= stored <= promised + BATCH


@pytest.mark.parametrize(
    "kilobytes", [pytest.param(4096, id="log"), pytest.param(20_480, id="checkpoint")]
)
async def test_a_full_disk_keeps_no_half_of_a_batch_and_takes_it_later(
    tmp_path: Path, kilobytes: int
) -> None:
    chance = random.Random(3)

    def batch(first: int) -> list[tuple[int, Measurement]]:
        return [
            (n, good(f"m{n}", response=chance.randbytes(2000).hex()))
            for n in range(first, first + 100)
        ]

    with small_disk(tmp_path, kilobytes):
        path = tmp_path / "store.duckdb"
        store = EmbeddedStore.open(path)
        first, reason = 1, ""
        while not reason:
            refused_batch = batch(first)
            try:
                await store.write("box", refused_batch)
                first += 100
            except StoreError as error:
                reason = str(error)
        assert "the disk is full" in reason
        assert await store.count() == await store.cursor("box")
        assert await store.count() in (first - 1, first + 99), "the whole batch or none of it"
        with suppress(StoreError):
            await store.write("box", refused_batch)

        resize_disk(tmp_path, kilobytes=65536)
        await store.write("box", refused_batch)
        assert await store.count() == first + 99
        await store.close()

        again = EmbeddedStore.open(path)
        assert await again.count() == await again.cursor("box") == first + 99
        await again.close()


async def test_questions_are_answered_while_a_batch_is_being_written(path: Path) -> None:
    store = EmbeddedStore.open(path)
    await store.write("box", [(1, good("m1"))])
    with store._connections.writing() as writing:
        writing.begin()
        writing.execute("INSERT INTO cursor VALUES ('unfinished', 1)")
        assert await asyncio.wait_for(store.count(), 20) == 1
        assert await asyncio.wait_for(store.cursor("unfinished"), 20) == 0
        writing.rollback()
    await store.close()


async def test_many_questions_at_once_while_batches_come_in(path: Path) -> None:
    store = EmbeddedStore.open(path)

    async def write() -> None:
        for first in range(1, 2000, 100):
            rows = range(first, first + 100)
            await store.write("box", [(n, good(f"m{n}", started_at=START + n)) for n in rows])

    async def ask() -> None:
        for _ in range(20):
            for group in await store.groups(ALL, Where()):
                assert group.rows % 100 == 0

    await asyncio.gather(write(), ask(), ask(), ask())
    assert await store.count() == 2000
    await store.close()


async def test_a_batch_that_fails_leaves_nothing_for_the_next(path: Path) -> None:
    store = EmbeddedStore.open(path)
    with pytest.raises(StoreError):
        await store.write("box", [(1, good("m1")), (2**63, good("m2"))])
    assert await store.count() == 0
    await store.write("box", [(1, good("m1"))])
    assert await store.count() == 1
    await store.close()


async def test_a_row_that_cannot_be_decoded_is_left_out_and_logged(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = EmbeddedStore.open(path)
    await store.write("box", [(n, good(f"m{n}")) for n in (1, 2, 3)])
    with store._connections.writing() as writing:
        writing.execute("UPDATE ai_job SET payload = '{}' WHERE seq = 2")
    with caplog.at_level(logging.ERROR):
        found = await newest(store, ALL, Where(), 10)
    assert [one.id for one in found] == ["m3", "m1"]
    assert "cannot be decoded" in caplog.text
    await store.close()

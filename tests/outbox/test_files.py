"""Files and folders that an outbox cannot be opened in, and disks that are full."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exporter.outbox import Outbox, OutboxError, OutboxFull
from exporter.outbox.file import APPLICATION_ID, VERSION
from tests.filesystems import lock_up, read_only_folder, resize_disk, small_disk
from tests.measurements import good
from tests.outbox.conftest import Opener, put_until_full


async def filled(path: Path, rows: int = 50) -> None:
    outbox = Outbox.open(path, max_bytes=2**24, keep_delivered=0)
    for n in range(rows):
        await outbox.put(good(f"m{n}", response="x" * 3000))
    await outbox.close()


def refused(path: Path) -> str:
    """Open the file, see that it is refused, and that not a byte has changed."""
    before = path.read_bytes()
    with pytest.raises(OutboxError) as error:
        Outbox.open(path, max_bytes=2**24, keep_delivered=0)
    assert path.read_bytes() == before
    assert str(path) in str(error.value)
    return str(error.value)


async def test_an_outbox_of_a_newer_version_is_refused_and_stays_as_it_is(path: Path) -> None:
    await filled(path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"PRAGMA user_version = {VERSION + 1}")
    assert "newer version of this program" in refused(path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("application", [0, APPLICATION_ID + 1])
def test_a_database_of_another_program_is_refused(path: Path, application: int) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE theirs (x)")
        raw.execute(f"PRAGMA application_id = {application}")
    assert "another program" in refused(path)


@pytest.mark.parametrize("content", [b"hello", b"\0" * 9000, b"SQLite format 3", b"{}" * 9000])
def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "some other file" in refused(path)


def test_a_file_whose_making_was_cut_off_becomes_an_outbox(path: Path) -> None:
    """Its first page is half written, and the journal beside it says that there was none."""
    magic = bytes.fromhex("d9d505f920a163d7")
    fields = (0, 7, 0, 512, 8192)  # pages to restore, nonce, pages before, sector, page
    journal = magic + b"".join(number.to_bytes(4, "big") for number in fields)
    path.with_name(path.name + "-journal").write_bytes(journal.ljust(512, b"\0"))
    path.write_bytes(b"\0" * 8192)
    asyncio.run(filled(path, rows=1))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_empty_file_becomes_an_outbox(path: Path) -> None:
    path.touch()
    asyncio.run(filled(path, rows=1))
    assert path.stat().st_size > 0


def test_a_file_that_is_cut_short_is_an_error_and_no_crash(path: Path) -> None:
    asyncio.run(filled(path))
    path.write_bytes(path.read_bytes()[: 3 * 8192 + 100])
    with pytest.raises(OutboxError, match=r"damaged|cannot be used"):
        asyncio.run(use(path))


def test_damaged_pages_are_an_error_and_no_crash(path: Path) -> None:
    asyncio.run(filled(path))
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(OutboxError, match=r"damaged|cannot be used"):
        asyncio.run(use(path))


async def use(path: Path) -> None:
    outbox = Outbox.open(path, max_bytes=2**24, keep_delivered=0)
    try:
        await outbox.read(0, 100)
        await outbox.put(good("another"))
    finally:
        await outbox.close()


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(OutboxError, match="is not a file"):
        Outbox.open(path, max_bytes=2**24, keep_delivered=0)


def test_a_missing_folder_is_named(path: Path) -> None:
    with pytest.raises(OutboxError, match=r"the folder .*/nowhere does not exist"):
        Outbox.open(path.parent / "nowhere" / "o.sqlite", max_bytes=2**24, keep_delivered=0)


def test_a_read_only_folder_is_refused() -> None:
    with read_only_folder() as folder:
        lock_up(folder)
        with pytest.raises(OutboxError, match="write access"):
            Outbox.open(folder / "outbox.sqlite", max_bytes=2**24, keep_delivered=0)


async def test_a_read_only_file_is_refused() -> None:
    with read_only_folder() as folder:
        await filled(folder / "outbox.sqlite")
        lock_up(folder)
        with pytest.raises(OutboxError, match="write access"):
            Outbox.open(folder / "outbox.sqlite", max_bytes=2**24, keep_delivered=0)


async def test_a_full_disk_refuses_puts_loses_nothing_and_takes_them_again(
    tmp_path: Path, opened: Opener
) -> None:
    with small_disk(tmp_path, kilobytes=1024):
        outbox = opened()
        stored, reason = await put_until_full(outbox)
        assert "the disk or the outbox is full" in reason
        with pytest.raises(OutboxFull):
            await outbox.put(good("still full", response="x" * 5000))
        assert await outbox.last() == stored > 10
        resize_disk(tmp_path, kilobytes=8192)
        assert await outbox.put(good("later", response="x" * 5000)) == stored + 1
        await outbox.close()

        again = opened()
        kept = [measurement.id for _, measurement in await again.read(0, 10_000)]
        assert kept == [*(f"m{n}" for n in range(stored)), "later"]
        await again.close()


def test_a_disk_without_any_room_is_named(tmp_path: Path) -> None:
    with small_disk(tmp_path, kilobytes=8), pytest.raises(OutboxFull):
        Outbox.open(tmp_path / "outbox.sqlite", max_bytes=2**24, keep_delivered=0)

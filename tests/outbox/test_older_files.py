"""Outboxes of older formats, and outboxes that are older than the store beside them."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exporter.model import encode
from exporter.outbox import Letter, Outbox
from exporter.outbox.file import APPLICATION_ID, VERSION
from tests.measurements import good
from tests.outbox.conftest import Opener

FORMAT_1 = """
PRAGMA page_size = 8192;
PRAGMA auto_vacuum = INCREMENTAL;
CREATE TABLE measurement (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, payload BLOB NOT NULL);
CREATE TABLE cursor (consumer TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE notice (topic TEXT PRIMARY KEY, at INTEGER NOT NULL, payload BLOB NOT NULL);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('id', 'of-format-1');
INSERT INTO cursor VALUES ('store', 2);
INSERT INTO notice VALUES ('supply', 1, x'7b7d');
PRAGMA user_version = 1;
"""
NOW = 1_790_000_000_000_000_000


def of_format_1(path: Path, rows: int) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(FORMAT_1)
        raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for n in range(1, rows + 1):
            raw.execute(
                "INSERT INTO measurement (id, payload) VALUES (?, ?)", (f"m{n}", encode(good("m")))
            )
        raw.execute("PRAGMA journal_mode = WAL")
        raw.commit()


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute("PRAGMA user_version").fetchone()[0])


async def test_an_outbox_of_format_1_is_upgraded_with_everything_in_it(
    path: Path, opened: Opener
) -> None:
    of_format_1(path, rows=3)
    outbox = opened(now=NOW)
    assert outbox.id == "of-format-1"
    assert await outbox.numbers() == (1, 3)
    assert await outbox.cursor("store") == 2
    assert await outbox.notice("supply") == b"{}"
    assert await outbox.put(good("m4")) == 4
    await outbox.set_aside("store", [Letter(1, "m1", b"{}", "why")])
    await outbox.close()
    assert version(path) == VERSION == 2
    assert await opened().dead_letters() == {"store": 1}


async def test_one_without_rows_goes_on_at_the_present_moment(path: Path, opened: Opener) -> None:
    of_format_1(path, rows=0)
    outbox = opened(now=NOW)
    assert await outbox.pending(2) == 0
    assert await outbox.put(good("m")) == NOW // 1000 + 1
    assert await outbox.pending(2) == 1


def test_a_failed_upgrade_changes_nothing(path: Path) -> None:
    of_format_1(path, rows=3)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE dead_letter_retry (in_the_way)")
        raw.commit()
    with pytest.raises(Exception, match="dead_letter_retry"):
        Outbox.open(path, max_bytes=2**24, keep_delivered=0)
    assert version(path) == 1
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT count(*) FROM measurement").fetchone() == (3,)
        assert not raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'dead_letter'").fetchall()


async def test_processes_that_upgrade_at_once_do_it_once(path: Path) -> None:
    of_format_1(path, rows=3)
    outboxes = await asyncio.gather(
        *(asyncio.to_thread(Outbox.open, path, max_bytes=2**24, keep_delivered=0) for _ in range(5))
    )
    assert [await outbox.last() for outbox in outboxes] == [3] * 5
    for outbox in outboxes:
        await outbox.close()


def test_a_database_of_another_program_with_a_version_of_its_own_stays_as_it_is(
    path: Path,
) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE theirs (x)")
        raw.execute("PRAGMA user_version = 1")
    before = path.read_bytes()
    with pytest.raises(Exception, match="another program"):
        Outbox.open(path, max_bytes=2**24, keep_delivered=0)
    assert path.read_bytes() == before


async def test_a_renewed_outbox_has_a_new_id_no_cursors_and_higher_numbers(
    opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = opened(now=NOW)
    seqs = [await outbox.put(good(f"m{n}")) for n in range(5)]
    await outbox.advance("store", seqs[1])
    await outbox.trim()
    before, above = outbox.id, seqs[-1] + 1000
    await outbox.renew(above)
    assert outbox.id != before
    assert await outbox.cursor("store") == 0
    assert [(seq, one.id) for seq, one in await outbox.read(0, 10)] == [
        (above + 1, "m2"),
        (above + 2, "m3"),
        (above + 3, "m4"),
    ]
    assert await outbox.pending(0) == 3
    assert await outbox.put(good("next")) == above + 4
    assert await outbox.put(good("m3")) == above + 2
    assert "as if restored from a backup" in caplog.text
    identity = outbox.id
    await outbox.close()
    assert opened().id == identity


@pytest.mark.parametrize("rows", [0, 3])
async def test_a_renewed_outbox_numbers_above_the_present_moment(
    path: Path, opened: Opener, rows: int
) -> None:
    of_format_1(path, rows)
    await opened().close()
    outbox = opened(now=NOW)
    await outbox.renew(above=40)
    assert await outbox.numbers() == (NOW // 1000 + 1, NOW // 1000 + rows)
    assert await outbox.put(good("next")) == NOW // 1000 + rows + 1

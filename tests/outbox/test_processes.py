"""The outbox between real processes: several at once, and one that is killed."""

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from exporter.model import Measurement
from exporter.outbox import Outbox
from tests.outbox.conftest import Opener

ROOT = Path(__file__).parents[2]


@contextmanager
def child(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.outbox.children", *map(str, arguments)],
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


async def drain(outbox: Outbox, consumer: str, until: int) -> list[Measurement]:
    """Take as the station does: read, advance, trim, until so many have come."""
    taken: list[Measurement] = []
    cursor = 0
    while len(taken) < until:
        batch = await outbox.read(cursor, 50)
        if not batch:
            await asyncio.sleep(0.005)
            continue
        taken += [measurement for _, measurement in batch]
        cursor = batch[-1][0]
        await outbox.advance(consumer, cursor)
        await outbox.trim()
    return taken


async def test_a_process_reads_advances_and_trims_while_others_put(
    path: Path, opened: Opener
) -> None:
    with child("put-some", path, "a", "600") as a, child("put-some", path, "b", "600") as b:
        for process in (a, b):
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        outbox = opened()
        taken = await asyncio.wait_for(drain(outbox, "store", 1200), 60)
        assert a.wait(30) == b.wait(30) == 0
    assert sorted(one.id for one in taken) == sorted(f"{x}-{n}" for x in "ab" for n in range(600))
    assert await outbox.last() == 1200
    assert await outbox.read(0, 10) == []


def test_processes_that_open_a_new_outbox_at_once_share_one(path: Path) -> None:
    with (
        child("put-some", path, "a", "2") as a,
        child("put-some", path, "b", "2") as b,
        child("put-some", path, "c", "2") as c,
    ):
        for process in (a, b, c):
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait(30) for process in (a, b, c)] == [0, 0, 0]
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT count(*) FROM measurement").fetchone() == (6,)
        assert raw.execute("SELECT count(*) FROM meta").fetchone() == (1,)


async def test_what_was_committed_survives_ten_kills(path: Path, opened: Opener) -> None:
    chance = random.Random(7)
    promised: dict[str, int] = {}
    for life in range(10):
        with child("put-for-ever", path, f"life{life}") as process:
            assert process.stdout
            for _ in range(chance.randrange(1, 400)):
                note(promised, process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            for line in process.stdout:
                note(promised, line)
    assert len(promised) > 100
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    outbox = opened()
    stored = [(one.id, seq) for seq, one in await outbox.read(0, 1_000_000)]
    assert len(dict(stored)) == len(stored)
    assert promised.items() <= dict(stored).items()


def note(promised: dict[str, int], line: str) -> None:
    if line.endswith("\n"):  # the kill may cut the last line
        seq, identity = line.split()
        promised[identity] = int(seq)


async def test_a_file_that_may_not_grow_refuses_puts_and_takes_them_again_later(
    path: Path, opened: Opener
) -> None:
    with child("put-beyond-the-limit", path) as process:
        answer, _ = process.communicate(timeout=60)
        assert process.returncode == 0
    stored = [one.id for _, one in await opened().read(0, 10_000)]
    assert stored == [f"m{n}" for n in range(int(answer))]
    assert len(stored) > 8

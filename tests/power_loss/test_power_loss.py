"""What was promised is there after the power failed, at whichever moment that was.

A process that is killed loses nothing that it wrote, synced or not; a machine that stops does.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from random import Random, SystemRandom

import pytest

from exporter.outbox import Outbox, OutboxError
from exporter.outbox.file import existing_file
from exporter.stores.embedded import EmbeddedStore
from tests.power_loss.children import BOUND
from tests.power_loss.disk import CREATE, RENAME, SYNC, TRUNCATE, UNLINK, WRITE, Disk, Step
from tests.power_loss.recording import Recording, build_recorder, record

SEED = int(os.environ.get("POWER_LOSS_SEED", "0")) or SystemRandom().randrange(1, 10**6)
COUNT = int(os.environ.get("POWER_LOSSES", "40"))


@pytest.fixture
def chance() -> Random:
    print(f"POWER_LOSS_SEED={SEED} POWER_LOSSES={COUNT}")  # noqa: T201 - to repeat a failure
    return Random(SEED)


@pytest.fixture(scope="session")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_recorder(tmp_path_factory.mktemp("recorder"))


async def test_the_outbox_keeps_what_it_promised(
    recorder: Path, tmp_path: Path, chance: Random
) -> None:
    recording = record(recorder, tmp_path, "put", "FULL")
    tried = 0
    for folder, promised in recording.losses(tmp_path, chance, count=COUNT):
        assert await missing(folder, promised) == []
        tried += 1
    assert tried >= 3 * COUNT


async def test_an_outbox_that_does_not_sync_would_be_found_out(
    recorder: Path, tmp_path: Path, chance: Random
) -> None:
    recording = record(recorder, tmp_path, "put", "OFF")
    found = [
        await missing(folder, promised)
        for folder, promised in recording.losses(tmp_path, chance, count=12)
    ]
    assert any(found)


async def test_the_embedded_store_keeps_what_it_promised(
    recorder: Path, tmp_path: Path, chance: Random
) -> None:
    """Where files are copied on write.

    DuckDB syncs no folder, takes a log with a hole at its end for damaged, and at a checkpoint
    writes over a block of 256 KiB that is in use: torn, the file cannot be opened any more.
    """
    recording = record(recorder, tmp_path, "write")
    losses = recording.losses(tmp_path, chance, count=max(8, COUNT // 4), copy_on_write=True)
    for folder, promised in losses:
        if not promised:
            continue  # the making of the file is not one step, but nothing is lost by that
        store = EmbeddedStore.open(folder / "store.duckdb")
        cursor = await store.cursor("box")
        assert cursor >= max((int(line.split()[1]) for line in promised), default=0)
        assert await store.count() == cursor, "rows and cursor are one"
        await store.close()


async def missing(folder: Path, promised: Sequence[str]) -> list[str]:
    """What an outbox was told to keep and does not have, or why it cannot be used."""
    told = [(what, name) for what, _, name in (line.partition(" ") for line in promised)]
    try:
        there, cursor = await kept(folder / "outbox.sqlite")
    except OutboxError as error:
        return [str(error)]
    free = max((int(seq) for what, seq in told if what == "delivering"), default=0)
    due = {
        (what, name)
        for what, name in told
        if what in ("id", "letter") or (what == "put" and int(name) > free)
    }
    late = [seq for what, seq in told if what == "delivered" and int(seq) > cursor]
    return [*(" ".join(one) for one in sorted(due - there)), *late]


async def kept(file: Path) -> tuple[set[tuple[str, str]], int]:
    """What is in an outbox, and its cursor; a file that SQLite finds fault with is an error."""
    outbox = Outbox.open(file, max_bytes=BOUND, keep_delivered=5, clock=lambda: 0)
    try:
        there = {("put", str(seq)) for seq, _ in await outbox.read(0, 10_000)}
        cursor = await outbox.cursor("store")
    finally:
        await outbox.close()
    with existing_file(file) as connection:
        faults = connection.execute("PRAGMA integrity_check").fetchall()
        letters = connection.execute("SELECT id FROM dead_letter").fetchall()
    if faults != [("ok",)]:
        raise OutboxError(str(faults))
    return there | {("id", outbox.id)} | {("letter", one) for (one,) in letters}, cursor


# The rules themselves


def disk_after(*steps: Step, copy_on_write: bool = False) -> Disk:
    disk = Disk(Path("/d"), copy_on_write=copy_on_write)
    for step in steps:
        disk.do(step)
    return disk


def step(kind: int, path: str = "/d/a", offset: int = 0, data: bytes = b"") -> Step:
    return Step(kind, path, 7, offset, data)


FOLDER = step(SYNC, "/d")
MADE = (step(CREATE), step(WRITE, data=b"old"), step(SYNC))


@pytest.mark.parametrize(
    ("steps", "share", "left"),
    [
        ((step(CREATE),), 0.0, {}),
        (MADE, 0.0, {}),
        ((*MADE, FOLDER), 0.0, {"/d/a": b"old"}),
        ((*MADE, FOLDER, step(WRITE, data=b"new")), 0.0, {"/d/a": b"old"}),
        ((*MADE, FOLDER, step(WRITE, data=b"new")), 1.0, {"/d/a": b"new"}),
        ((*MADE, FOLDER, step(WRITE, offset=5, data=b"x"), step(SYNC)), 0.0, {"/d/a": b"old\0\0x"}),
        ((*MADE, FOLDER, step(TRUNCATE, offset=1), step(SYNC)), 0.0, {"/d/a": b"o"}),
        ((*MADE, FOLDER, step(RENAME, data=b"/d/b")), 0.0, {"/d/a": b"old"}),
        ((*MADE, FOLDER, step(RENAME, data=b"/d/b")), 1.0, {"/d/b": b"old"}),
        ((*MADE, FOLDER, step(UNLINK)), 0.0, {"/d/a": b"old"}),
        ((*MADE, FOLDER, step(UNLINK), FOLDER), 0.0, {}),
    ],
)
def test_only_what_was_synced_is_certain(
    steps: tuple[Step, ...], share: float, left: dict[str, bytes]
) -> None:
    assert disk_after(*steps).after_loss(Random(1), share) == left


def test_where_files_are_copied_on_write_a_synced_file_is_certain() -> None:
    assert disk_after(*MADE, copy_on_write=True).after_loss(Random(1), 0.0) == {"/d/a": b"old"}


def test_where_files_are_copied_on_write_nothing_is_torn() -> None:
    disk = disk_after(*MADE, FOLDER, step(WRITE, data=b"new"), copy_on_write=True)
    assert {disk.after_loss(Random(seed), 0.5)["/d/a"] for seed in range(50)} == {b"old", b"new"}


def test_where_files_are_copied_on_write_there_are_no_holes() -> None:
    more = (step(WRITE, offset=3, data=b"x" * 3000), step(WRITE, offset=3003, data=b"y" * 3000))
    disk = disk_after(*MADE, *more, copy_on_write=True)
    left = {disk.after_loss(Random(seed), 0.9)["/d/a"] for seed in range(50)}
    assert len(left) > 5
    assert all((b"old" + b"x" * 3000 + b"y" * 3000).startswith(one) for one in left)


def test_a_write_may_get_through_in_part() -> None:
    disk = disk_after(*MADE, FOLDER, step(WRITE, data=b"x" * 4096))
    sizes = {disk.after_loss(Random(seed), 0.5)["/d/a"].count(b"x") for seed in range(50)}
    assert {0, 4096} < sizes
    assert all(size % 512 == 0 for size in sizes)


def test_what_was_promised_before_a_loss_comes_with_it(tmp_path: Path) -> None:
    promise = Step(WRITE, "/d/acknowledged", 9, 0, b"one\n")
    recording = Recording(
        Path("/d"), [*MADE, FOLDER, promise, step(WRITE, data=b"new"), step(SYNC)]
    )
    found = {
        ((folder / "a").read_text() if (folder / "a").exists() else "", *promised)
        for folder, promised in recording.losses(tmp_path, Random(1), count=100)
    }
    assert {("",), ("old",), ("old", "one"), ("new", "one")} <= found
    assert ("new",) not in found
    assert ("", "one") not in found

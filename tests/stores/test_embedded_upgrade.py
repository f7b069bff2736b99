"""A file of the first format becomes one of the present format, or stays what it is."""

import asyncio
import contextlib
import logging
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from exporter.model import LaneKind, Measurement, Origin, Reported
from exporter.stores import Group, StoreError, Where, Window
from exporter.stores.embedded import EmbeddedStore
from exporter.stores.embedded_upgrade import FORMAT
from exporter.stores.schema import FIELDS
from tests.conformance.test_store_populations import populations
from tests.filesystems import lock_up, read_only_folder, resize_disk, small_disk
from tests.measurements import SECOND, START, failed, good
from tests.stored import newest
from tests.stores import format_1

ROOT = Path(__file__).parents[2]
ALL = Window(0, 2**63 - 1)
OLD = (
    (1, good("m1", 2.0)),
    (2, good("m2", 4.0, started_at=START + 1)),
    (3, failed("m3", started_at=START + 2)),
    (4, good("m4", 9.0, started_at=START + 3, origin=Origin.POSTED)),
)
STATEMENTS = 23
"""What the upgrade from the first format executes before it commits."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.duckdb"


def opened_and_closed(path: Path) -> None:
    asyncio.run(EmbeddedStore.open(path).close())


def scored(path: Path) -> list[tuple[float | None, float | None]]:
    with closing(duckdb.connect(path, read_only=True)) as raw:
        return raw.execute(
            "SELECT round_trip_time, scored_time FROM ai_job ORDER BY seq"
        ).fetchall()


async def test_what_an_old_file_holds_is_there_and_scored_as_before(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    format_1.make(path, OLD)
    with caplog.at_level(logging.WARNING):
        store = EmbeddedStore.open(path)
    assert "older format" in caplog.text
    assert await store.count() == await store.cursor("box") == len(OLD)
    assert [one.id for one in await newest(store, ALL, Where(), 9)] == ["m4", "m3", "m2", "m1"]
    assert await store.median(ALL, Where()) == 4.0
    (state,) = await store.target_states()
    assert (state.consecutive_failures, state.last_success) == (0, START + 3)
    await store.close()
    assert scored(path) == [(2.0, 2.0), (4.0, 4.0), (None, None), (9.0, 9.0)]


async def test_an_upgraded_file_takes_new_rows(path: Path) -> None:
    format_1.make(path, OLD)
    store = EmbeddedStore.open(path)
    new = good(
        "m5",
        5.0,
        session_setup_time=SECOND,
        network_rtt=SECOND,
        attempts=2,
        fee=3.0,
        lane_version="0.9.1",
    )
    await store.write("box", [OLD[-1], (5, new)])
    assert await store.count() == 5
    (last, *_) = await newest(store, Window(START, START), Where(), 9)
    assert last == new
    await store.close()
    assert scored(path)[-1] == (5.0, 4.0)


def test_an_upgraded_file_has_the_columns_of_a_new_one(path: Path) -> None:
    format_1.make(path)
    opened_and_closed(path)
    new = path.with_name("new.duckdb")
    opened_and_closed(new)
    assert format_1.look(path) == format_1.look(new)
    assert format_1.look(path)[0] == FORMAT


def test_a_file_is_upgraded_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    format_1.make(path, OLD)
    opened_and_closed(path)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        opened_and_closed(path)
    assert caplog.text == ""


NAMED = ("0x" + "Ab" * 20, "0x" + "ab" * 20)
SPELLINGS = (
    None,
    Reported(orchestrator=NAMED[0], pipeline="Text to image", timestamp=0),
    Reported(orchestrator=NAMED[1], pipeline="TEXT-to-image", timestamp=1),
    Reported(orchestrator=f" {NAMED[0]}", timestamp=1),
    Reported(pipeline="Text To Image"),
    Reported(success_rate=0.5),
)


def test_an_upgraded_file_knows_how_names_were_spelled(path: Path) -> None:
    rows = [
        good(
            f"{number} {origin}",
            orchestrator=NAMED[1],
            origin=origin,
            reported=reported,
            started_at=START + number,
        )
        for number, reported in enumerate(SPELLINGS)
        for origin in (Origin.OWN, Origin.POSTED, Origin.IMPORTED)
        if reported is None or origin is not Origin.OWN
    ]
    format_1.make(path, enumerate(rows, 1))
    opened_and_closed(path)
    columns = [field for field in FIELDS if field.name.startswith("spelled_")]
    with closing(duckdb.connect(path, read_only=True)) as raw:
        found = raw.execute(
            "SELECT job_id, spelled_orchestrator, spelled_pipeline FROM ai_job ORDER BY seq"
        ).fetchall()
    assert found == [(one.id, *(column.value(one) for column in columns)) for one in rows]
    assert len({(orchestrator, pipeline) for _, orchestrator, pipeline in found}) == 5


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(populations)
def test_an_upgraded_file_answers_like_a_new_one(path: Path, population: list[Measurement]) -> None:
    rows = list(enumerate(population, 1))
    old = [(seq, one) for seq, one in rows if _scored_as_before(one)][:20]
    path.unlink(missing_ok=True)
    format_1.make(path, old)

    async def answers(store: EmbeddedStore, *batches: list[tuple[int, Measurement]]) -> object:
        for number, batch in enumerate(batches):
            await store.write(f"box {number}", batch)
        found = (
            [_rounded(group) for group in await store.groups(ALL, Where())],
            await store.medians(ALL, Where()),
            await store.median(ALL, Where()),
            await store.served(ALL, Where()),
            sorted(one.id for one in await newest(store, ALL, Where(), 100)),
        )
        await store.close()
        return found

    async def compare() -> None:
        new = path.with_name("new.duckdb")
        new.unlink(missing_ok=True)
        upgraded = await answers(EmbeddedStore.open(path), rows)
        assert upgraded == await answers(EmbeddedStore.open(new), old, rows)

    asyncio.run(compare())


def _scored_as_before(one: Measurement) -> bool:
    """Whether scores have always compared its whole round trip, as the first format did."""
    known = one.reported is None and not one.transcoding
    return known and one.session_setup_time is None and one.lane is not LaneKind.MANAGED


def _rounded(group: Group) -> tuple[object, ...]:
    """A group whose means may differ by the order in which they were added up."""
    time = group.round_trip_time
    names = (group.orchestrator, group.region, group.pipeline, group.model, group.rows)
    return (*names, round(group.success_rate, 9), None if time is None else round(time, 6))


def test_an_upgrade_that_fails_leaves_the_file_of_its_format(path: Path) -> None:
    format_1.make(path, OLD)
    with closing(duckdb.connect(path)) as raw:
        raw.execute("ALTER TABLE ai_job ADD COLUMN fee INTEGER")
    before = format_1.look(path)
    with pytest.raises(StoreError, match=str(path)):
        EmbeddedStore.open(path)
    assert format_1.look(path) == before
    assert before[0] == 1


@pytest.mark.parametrize("statements", [1, STATEMENTS - 1, STATEMENTS, STATEMENTS + 1])
def test_a_kill_during_the_upgrade_leaves_the_old_file_or_the_new_one(
    path: Path, statements: int
) -> None:
    format_1.make(path, OLD)
    format_1.multiply(path, 20_000)
    old = format_1.look(path)
    command = [sys.executable, "-m", "tests.stores.children", "upgrade-and-die", str(path)]
    died = subprocess.run([*command, str(statements)], cwd=ROOT, check=False)
    assert died.returncode == 9
    if statements <= STATEMENTS:
        assert format_1.look(path) == old, "nothing is there before the commit"
    else:
        assert format_1.look(path)[0] == FORMAT
    opened_and_closed(path)
    assert format_1.look(path)[::2] == (FORMAT, 80_000)
    assert all(whole == part for whole, part in scored(path))


def test_a_full_disk_leaves_the_old_file_and_a_larger_one_takes_the_upgrade(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path, kilobytes=65_536):
        path, size = large_old_file(tmp_path)
        before = format_1.look(path)
        resize_disk(tmp_path, kilobytes=size)
        with pytest.raises(StoreError, match="the disk is full"):
            EmbeddedStore.open(path)
        assert format_1.look(path) == before

        resize_disk(tmp_path, kilobytes=65_536)
        opened_and_closed(path)
        assert format_1.look(path)[::2] == (FORMAT, before[2])


@pytest.mark.parametrize("spare", [16, 32, 64])
def test_however_little_room_there_is_an_upgrade_is_done_or_not_begun(
    tmp_path: Path, spare: int
) -> None:
    # Somewhere in between the log of the upgrade fits, and folding it into the file does not.
    with small_disk(tmp_path, kilobytes=65_536):
        path, size = large_old_file(tmp_path)
        before = format_1.look(path)
        resize_disk(tmp_path, kilobytes=size + spare)
        with contextlib.suppress(StoreError):
            opened_and_closed(path)
        assert format_1.look(path)[::2] in {(1, before[2]), (FORMAT, before[2])}

        resize_disk(tmp_path, kilobytes=65_536)
        opened_and_closed(path)
        assert format_1.look(path)[0] == FORMAT
        assert all(whole == part for whole, part in scored(path))


def large_old_file(folder: Path) -> tuple[Path, int]:
    """A file of the first format with many rows, and its size in kilobytes, rounded up."""
    path = folder / "store.duckdb"
    format_1.make(path, OLD)
    format_1.multiply(path, 100_000)
    return path, -(-path.stat().st_size // 1024)


def test_an_old_file_that_may_not_be_written_says_so_and_stays_as_it_is() -> None:
    with read_only_folder() as folder:
        path = folder / "store.duckdb"
        format_1.make(path, OLD)
        before = path.read_bytes()
        lock_up(folder)
        with pytest.raises(StoreError, match="write access"):
            EmbeddedStore.open(path)
        assert path.read_bytes() == before


@pytest.mark.parametrize("number", [0, -1, FORMAT + 1])
def test_a_format_without_a_way_from_it_is_refused(path: Path, number: int) -> None:
    format_1.make(path, OLD)
    with closing(duckdb.connect(path)) as raw:
        raw.execute("UPDATE meta SET value = ?", [number])
    before = path.read_bytes()
    with pytest.raises(StoreError, match=rf"format {number}, this one knows {FORMAT}"):
        EmbeddedStore.open(path)
    assert path.read_bytes() == before

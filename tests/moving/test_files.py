"""Measurements that go into a file and come back are the very same."""

import asyncio
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.model import Measurement
from exporter.moving import MovingError
from exporter.moving.columns import COLUMNS
from exporter.moving.days import ALWAYS
from exporter.moving.exporting import Exported, export
from exporter.moving.formats import FORMATS, Format, format_of
from exporter.moving.importing import Imported, Source, read, store_all
from exporter.moving.spool import Spool
from exporter.moving.tally import Tally
from exporter.stores import Place, Refused, Row, Store, Where, Window
from tests.measurements import START, TEXT, good, measurements
from tests.moving.stores import DAY, everything, rows, some, stored

NAMES = sorted(FORMATS)


async def exported(store: Store, target: Path, format_: Format) -> Exported:
    return await export(store, ALWAYS, Where(), target, format_)


async def imported(path: Path, store: Store, format_: Format | None = None) -> Imported:
    with Spool.open() as spool:
        await read(Source(path, format_ or format_of(path), "imported", START + DAY), spool)
        return await store_all(store, spool)


def hidden(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


def without_steps(one: Row) -> Row:
    return one._replace(measurement=msgspec.structs.replace(one.measurement, steps=()))


@pytest.mark.parametrize("name", NAMES)
@given(
    found=st.lists(measurements(), max_size=5, unique_by=lambda one: one.id),
    outbox=TEXT,
)
@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_comes_back_is_what_went_out(name: str, found: list[Measurement], outbox: str) -> None:
    async def there_and_back(folder: Path) -> None:
        target, format_ = folder / "file", FORMATS[name]
        async with stored(folder / "from.duckdb", rows(found, outbox)) as store:
            went = await exported(store, target, format_)
            before = await everything(store)
        async with stored(folder / "to.duckdb") as other:
            came = await imported(target, other, format_)
            after = await everything(other)
        assert after == before
        assert sorted(before, key=lambda row: row.seq) == [
            without_steps(row) for row in rows(found, outbox)
        ]
        assert went.store == went.file == came.file == came.stored == Tally.of(before)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(there_and_back(Path(folder)))


@pytest.mark.parametrize("name", NAMES)
async def test_an_import_that_is_repeated_adds_nothing(tmp_path: Path, name: str) -> None:
    target = tmp_path / "file"
    async with stored(tmp_path / "store.duckdb", some()) as store:
        await exported(store, target, FORMATS[name])
        came = await imported(target, store, FORMATS[name])
        assert (came.added, came.file.count, came.whole) == (0, 12, True)
        assert await everything(store) == some()


@pytest.mark.parametrize("name", NAMES)
async def test_an_empty_store_makes_an_empty_file(tmp_path: Path, name: str) -> None:
    target = tmp_path / "file"
    async with stored(tmp_path / "store.duckdb") as store:
        went = await exported(store, target, FORMATS[name])
        assert went.file == Tally()
        assert (await imported(target, store, FORMATS[name])).file == Tally()


async def test_a_window_and_a_filter_choose(tmp_path: Path) -> None:
    target = tmp_path / "file.csv"
    async with stored(tmp_path / "store.duckdb", some()) as store:
        window = Window(since=START + DAY, until=START + 2 * DAY)
        went = await export(store, window, Where(), target, FORMATS["csv"])
        assert went.file.count == 5
        went = await export(store, window, Where(model="no/such"), target, FORMATS["csv"])
        assert went.file.count == 0


async def test_a_parquet_file_has_typed_columns(tmp_path: Path) -> None:
    import duckdb

    target = tmp_path / "all[1]*.parquet"
    async with stored(tmp_path / "store.duckdb", some()) as store:
        await exported(store, target, FORMATS["parquet"])
    with duckdb.connect() as connection:
        found = connection.execute(
            "DESCRIBE SELECT * FROM read_parquet($file)",
            {"file": str(target).replace("[", "[[]").replace("*", "[*]")},
        ).fetchall()
    types = {"text": "VARCHAR", "float": "DOUBLE", "integer": "BIGINT", "boolean": "BOOLEAN"}
    assert [(name, kind) for name, kind, *_ in found] == [
        (name, types[kind]) for name, kind in COLUMNS.items()
    ]


async def test_text_of_strangers_cannot_break_out_of_a_csv_cell(tmp_path: Path) -> None:
    nasty = '"\n=cmd|,\r\n";\x00,""'
    one = good("1", model=nasty, service_uri=nasty, gpu=nasty)
    target = tmp_path / "file.csv"
    async with stored(tmp_path / "store.duckdb", rows([one])) as store:
        await exported(store, target, FORMATS["csv"])
    async with stored(tmp_path / "other.duckdb") as other:
        await imported(target, other)
        assert await everything(other) == rows([one])


# What is cut off


class DyingSource:
    """A source that fails after some pages."""

    def __init__(self, store: Store, lives: int) -> None:
        self._store = store
        self._lives = lives

    async def rows(
        self, window: Window, where: Where, *, after: Place | None, limit: int
    ) -> list[Row]:
        self._lives -= 1
        if self._lives < 0:
            raise KeyboardInterrupt
        return await self._store.rows(window, where, after=after, limit=limit)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lives", range(1, 12, 3))
async def test_an_export_that_was_cut_off_goes_on(tmp_path: Path, name: str, lives: int) -> None:
    target, format_ = tmp_path / "file", FORMATS[name]
    target.write_text("the old file")
    async with stored(tmp_path / "store.duckdb", some(days=4)) as store:
        with pytest.raises(KeyboardInterrupt):
            await export(DyingSource(store, lives), ALWAYS, Where(), target, format_)
        assert target.read_text() == "the old file"
        went = await exported(store, target, format_)
        assert went.kept == (lives - 1) // 3
        assert went.file == Tally.of(some(days=4))
        assert hidden(tmp_path) == []


async def test_parts_of_a_day_that_changed_are_written_anew(tmp_path: Path) -> None:
    target, format_ = tmp_path / "file", FORMATS["csv"]
    async with stored(tmp_path / "store.duckdb", some(days=2)) as store:
        with pytest.raises(KeyboardInterrupt):
            await export(DyingSource(store, 6), ALWAYS, Where(), target, format_)
        late = rows([good("late", started_at=START + 77)])
        await store.add(late)
        went = await exported(store, target, format_)
        assert (went.kept, went.file) == (0, Tally.of([*some(days=2), *late]))


async def test_parts_of_another_format_are_not_used(tmp_path: Path) -> None:
    target = tmp_path / "file"
    async with stored(tmp_path / "store.duckdb", some(days=2)) as store:
        with pytest.raises(KeyboardInterrupt):
            await export(DyingSource(store, 6), ALWAYS, Where(), target, FORMATS["csv"])
        assert (await exported(store, target, FORMATS["parquet"])).kept == 0


async def test_parts_that_hold_what_another_question_asks_for_are_used(tmp_path: Path) -> None:
    target, format_ = tmp_path / "file", FORMATS["csv"]
    async with stored(tmp_path / "store.duckdb", some(days=2)) as store:
        with pytest.raises(KeyboardInterrupt):
            await export(DyingSource(store, 6), ALWAYS, Where(), target, format_)
        later = Window(since=START - 1, until=START + 7 * DAY)
        went = await export(store, later, Where(region="MDW"), target, format_)
        assert (went.kept, went.file) == (1, Tally.of(some(days=2)))
        with pytest.raises(KeyboardInterrupt):
            await export(DyingSource(store, 6), ALWAYS, Where(), target, format_)
        went = await export(store, ALWAYS, Where(region="FRA"), target, format_)
        assert (went.kept, went.file) == (0, Tally())


async def test_a_part_that_was_damaged_meanwhile_is_found_out(tmp_path: Path) -> None:
    target, format_ = tmp_path / "file", FORMATS["lineprotocol"]
    async with stored(tmp_path / "store.duckdb", some(days=2)) as store:
        with pytest.raises(KeyboardInterrupt):
            await export(DyingSource(store, 6), ALWAYS, Where(), target, format_)
        (part,) = (tmp_path / ".file.parts").glob("2*_4_*")
        part.write_bytes(b"".join(part.read_bytes().splitlines(keepends=True)[:-1]))
        with pytest.raises(MovingError, match="read again, the file has 7 measurements"):
            await exported(store, target, format_)
        assert not target.exists()
        assert (await exported(store, target, format_)).file.count == 8


async def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    async with stored(tmp_path / "store.duckdb", some()) as store:
        with pytest.raises(MovingError, match="cannot be written"):
            await exported(store, tmp_path / "none" / "file", FORMATS["csv"])


async def test_one_export_at_a_time_writes_a_file(tmp_path: Path) -> None:
    target, format_ = tmp_path / "file", FORMATS["csv"]
    async with stored(tmp_path / "store.duckdb", some()) as store:

        class Reentrant(DyingSource):
            async def rows(self, *_: object, **__: object) -> list[Row]:
                with pytest.raises(MovingError, match="another export writes this file"):
                    await exported(store, target, format_)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await export(Reentrant(store, 1), ALWAYS, Where(), target, format_)
        assert (await exported(store, target, format_)).file.count == 12


class DyingStore:
    """A store that stops taking rows after some batches."""

    def __init__(self, store: Store, lives: int) -> None:
        self._store = store
        self._lives = lives

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def add(self, batch: list[Row]) -> object:
        self._lives -= 1
        if self._lives < 0:
            raise KeyboardInterrupt
        return await self._store.add(batch)


class ChoosyStore:
    """A store that refuses what is older than its retention."""

    def __init__(self, store: Store, oldest: int) -> None:
        self._store = store
        self._oldest = oldest

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def add(self, batch: list[Row]) -> list[Refused]:
        kept = [row for row in batch if row.measurement.started_at >= self._oldest]
        await self._store.add(kept)
        return [Refused(row, "too old") for row in batch if row not in kept]


async def test_an_import_that_was_cut_off_ends_whole_when_repeated(tmp_path: Path) -> None:
    target = tmp_path / "file.parquet"
    async with stored(tmp_path / "store.duckdb", some(days=4)) as store:
        await exported(store, target, FORMATS["parquet"])
    async with stored(tmp_path / "other.duckdb") as other:
        with pytest.raises(KeyboardInterrupt):
            await imported(target, DyingStore(other, 2))  # type: ignore[arg-type]
        assert await other.count() == 8
        came = await imported(target, other)
        assert (came.added, came.whole) == (8, True)
        assert await everything(other) == some(days=4)


async def test_what_the_store_refuses_is_listed(tmp_path: Path) -> None:
    target = tmp_path / "file.csv"
    async with stored(tmp_path / "store.duckdb", some(days=10)) as store:
        await exported(store, target, FORMATS["csv"])
    async with stored(tmp_path / "other.duckdb") as other:
        choosy = ChoosyStore(other, START + 9 * DAY)
        came = await imported(target, choosy)  # type: ignore[arg-type]
    assert (came.whole, came.stored.count, came.refusals) == (False, 4, 36)
    assert len(came.refused) == 20
    assert min(came.refused).startswith("line 11: too old")


async def test_other_content_under_the_same_id_is_not_called_imported(tmp_path: Path) -> None:
    target = tmp_path / "file.csv"
    async with stored(tmp_path / "store.duckdb", rows([good("1"), good("2")])) as store:
        await exported(store, target, FORMATS["csv"])
    async with stored(tmp_path / "other.duckdb", rows([good("1", seconds=3)])) as other:
        came = await imported(target, other)
        assert (came.whole, came.stored.count, came.added) == (False, 1, 1)

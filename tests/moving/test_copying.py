"""Everything of one store in another one."""

from pathlib import Path

import msgspec
import pytest

from exporter.model import Measurement, decode
from exporter.moving import MovingError
from exporter.moving.copying import compare, copy
from exporter.moving.tally import Tally
from tests.measurements import START, good
from tests.moving.stores import DAY, everything, rows, some, stored
from tests.moving.test_files import ChoosyStore, DyingStore


async def test_a_copy_has_all_rows_and_cursors(tmp_path: Path) -> None:
    async with stored(tmp_path / "a.duckdb") as source, stored(tmp_path / "b.duckdb") as target:
        await source.write("first", [(row.seq, row.measurement) for row in some()])
        await source.add(rows([good("added")], outbox="second"))
        await source.advance("second", 9)
        done = await copy(source, target)
        assert (done.days, done.same, done.refusals) == (3, 0, 0)
        assert await everything(target) == await everything(source)
        assert await target.cursors() == {"first": 12, "second": 9}
        compared = await compare(source, target)
        assert compared.same
        assert compared.source == compared.target == Tally.of(await everything(source))


async def test_a_copy_that_is_repeated_writes_nothing(tmp_path: Path) -> None:
    async with (
        stored(tmp_path / "a.duckdb", some()) as source,
        stored(tmp_path / "b.duckdb") as target,
    ):
        await copy(source, target)
        nothing_more = DyingStore(target, 0)
        done = await copy(source, nothing_more)  # type: ignore[arg-type]
        assert (done.days, done.same) == (3, 3)


@pytest.mark.parametrize("lives", range(4))
async def test_a_copy_that_was_cut_off_ends_whole_when_repeated(tmp_path: Path, lives: int) -> None:
    async with (
        stored(tmp_path / "a.duckdb", some(days=4)) as source,
        stored(tmp_path / "b.duckdb") as target,
    ):
        await source.advance("abc", 16)
        with pytest.raises(KeyboardInterrupt):
            await copy(source, DyingStore(target, lives))  # type: ignore[arg-type]
        assert await target.cursors() == {}
        assert (await compare(source, target)).same is False
        done = await copy(source, target)
        assert done.same == lives
        assert (await compare(source, target)).same
        assert await target.cursors() == {"abc": 16}


async def test_the_days_that_differ_are_named(tmp_path: Path) -> None:
    more = rows([good("more", started_at=START + 40 * DAY)])
    async with (
        stored(tmp_path / "a.duckdb", some()) as source,
        stored(tmp_path / "b.duckdb", [*some(), *more]) as target,
    ):
        await copy(source, target)
        compared = await compare(source, target)
        assert compared.differing == ["2026-10-31"]
        assert (compared.source.count, compared.target.count) == (12, 13)


async def test_what_the_target_refuses_is_listed(tmp_path: Path) -> None:
    async with (
        stored(tmp_path / "a.duckdb", some()) as source,
        stored(tmp_path / "b.duckdb") as target,
    ):
        done = await copy(source, ChoosyStore(target, START + DAY))  # type: ignore[arg-type]
        assert (done.refusals, done.refused[0]) == (4, "0-0: too old")
        assert (await compare(source, target)).differing == ["2026-09-21"]


async def test_what_cannot_be_read_is_told_and_no_cursor_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt = {row.measurement.id for row in some()[3:6]}

    def spoil(payload: bytes) -> Measurement:
        found = decode(payload)
        if found.id in spoilt:
            raise msgspec.ValidationError("of another version")
        return found

    monkeypatch.setattr("exporter.stores.embedded.decode", spoil)
    async with (
        stored(tmp_path / "a.duckdb", some()) as source,
        stored(tmp_path / "b.duckdb") as target,
    ):
        await source.advance("abc", 12)
        with pytest.raises(MovingError, match="3 of 12 measurements of the source cannot be read"):
            await copy(source, target)
        assert await target.cursors() == {}
        assert await target.count() == 9
        with pytest.raises(MovingError, match="cannot be read"):
            await compare(source, target)

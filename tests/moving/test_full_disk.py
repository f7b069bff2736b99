"""A disk that becomes full: a message, nothing half, and it goes on when there is room."""

import tempfile
from pathlib import Path

import pytest

from exporter.moving import MovingError
from exporter.moving.days import ALWAYS
from exporter.moving.exporting import export
from exporter.moving.formats import FORMATS
from exporter.moving.importing import Source, read
from exporter.moving.spool import Spool
from exporter.stores import Row, Where
from tests.filesystems import resize_disk, small_disk
from tests.measurements import START, good
from tests.moving.stores import DAY, rows, stored


def large() -> list[Row]:
    """Some hundred kilobytes that cannot be pressed together, over some days."""
    return rows(
        [
            good(f"{day}-{n}", started_at=START + day * DAY + n, response=noise(f"{day}{n}"))
            for day in range(4)
            for n in range(25)
        ]
    )


def noise(seed: str) -> str:
    from random import Random

    return Random(seed).randbytes(2000).hex()


@pytest.mark.parametrize("name", sorted(FORMATS))
async def test_an_export_to_a_full_disk(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    async with stored(tmp_path / "store.duckdb", large()) as store:
        with small_disk(folder, 200):
            with pytest.raises(MovingError, match="cannot be written") as caught:
                await export(store, ALWAYS, Where(), folder / "file", FORMATS[name])
            assert "No space left" in str(caught.value)
            resize_disk(folder, 3000)
            went = await export(store, ALWAYS, Where(), folder / "file", FORMATS[name])
            assert went.file.count == 100


async def test_an_import_without_room_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, target = tmp_path / "disk", tmp_path / "file"
    folder.mkdir()
    format_ = FORMATS["lineprotocol"]
    async with stored(tmp_path / "store.duckdb", large()) as store:
        await export(store, ALWAYS, Where(), target, format_)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with (
        small_disk(folder, 200),
        pytest.raises(MovingError, match=r"temporary file .* full"),
        Spool.open() as spool,
    ):
        await read(Source(target, format_, "imported", START + DAY), spool)

"""Files that cannot be imported: each says what is wrong where, and nothing of it is stored."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.moving import MovingError
from exporter.moving.days import ALWAYS
from exporter.moving.exporting import export
from exporter.moving.formats import format_of
from exporter.moving.importing import Source, read
from exporter.moving.spool import Spool
from exporter.stores import Where
from tests.measurements import START
from tests.moving.stores import DAY, some, stored

HEAD = "timestamp,orchestrator,region,pipeline,model,success_rate"
SECONDS = START // 10**9


async def refusal(path: Path) -> str:
    with Spool.open() as spool, pytest.raises(MovingError) as caught:
        await read(Source(path, format_of(path), "imported", START + DAY), spool)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a whole file of each format."""
    folder = tmp_path_factory.mktemp("whole")

    async def make() -> None:
        async with stored(folder / "store.duckdb", some(days=1)) as store:
            for name in ("file.csv", "file.lp", "file.parquet"):
                path = folder / name
                await export(store, ALWAYS, Where(), path, format_of(path))

    asyncio.run(make())
    return folder


def whole(folder: Path, path: Path) -> Path:
    """A copy of the whole file of that name."""
    shutil.copyfile(folder / path.name, path)
    return path


def edit(path: Path, change: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(change(path.read_bytes()))
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[:-40], "line 6: unexpected end of data; the file is damaged or cut off"),
        (lambda data: data.replace(b"2026", b"20\xff6", 1), "line 2: is not UTF-8"),
        (lambda data: data.replace(b'","', b'",,"', 1), "line 2: expected"),
        (lambda data: data.replace(b'"abc",1', b'"abc",one', 1), "line 2: seq: expected a whole"),
        (lambda data: data.replace(b'"abc",1,', b'"abc",,', 1), "line 2: seq: is empty"),
        (
            lambda data: data.replace(b'""outcome"":""ok""', b'""outcome"":""no""', 1),
            "line 2: payload: is not a measurement (Invalid enum value 'no'",
        ),
        (lambda data: data.replace(b'{""id"":', b'{""id"";', 1), "line 2: payload: is not a meas"),
        (
            lambda data: data.replace(b'""started_at"":1', b'""started_at"":8' + b"9", 1),
            "line 2: its time is outside of the years 1678 to 2262",
        ),
        (lambda data: data.replace(b",seq,", b",sequel,", 1), "has the column payload of an exp"),
        (lambda data: data.replace(b",seq,", b",outbox,", 1), "line 1: the header names a column"),
        (lambda _: b"", "line 1: expected a header, found none"),
        (lambda _: b"\x00" * 100, "lacks the columns time or timestamp, success_rate or outcome"),
    ],
)
async def test_a_damaged_csv_file(
    whole_files: Path, tmp_path: Path, change: Callable[[bytes], bytes], said: str
) -> None:
    path = whole(whole_files, tmp_path / "file.csv")
    first = path.read_bytes()
    if b"2026" not in first:  # the made-up measurements name no year; give the first row one
        edit(path, lambda data: data.replace(b"tester-1", b"2026-tes", 1))
    assert (await refusal(edit(path, change))).startswith(said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[:-40], "line 5: a text is not closed; the file is damaged or cut off"),
        (lambda data: data[:-3] + b"x\n", "line 5: expected a time and the end of the line"),
        (lambda data: data.replace(b" job_id=", b" job_id", 1), "line 1: expected a field at char"),
        (lambda data: data.replace(b",seq=1i", b"", 1), "line 1: the point has no field seq"),
        (lambda data: data.replace(b"seq=1i", b"seq=1.5", 1), "line 1: seq: expected a whole"),
        (lambda data: data.replace(b"region=", b"region", 1), "line 1: expected the name of a ser"),
        (lambda data: data.replace(b"abc", b"\xc3", 1), "line 1: is not UTF-8"),
        (lambda data: b"\n# note\n" + data.replace(b"seq=1i", b"seq=1j"), "line 3: expected a ti"),
        (lambda _: b"PAR1", "line 1: expected the name of a series"),
    ],
)
async def test_damaged_line_protocol(
    whole_files: Path, tmp_path: Path, change: Callable[[bytes], bytes], said: str
) -> None:
    path = edit(whole(whole_files, tmp_path / "file.lp"), change)
    assert (await refusal(path)).startswith(said)


@pytest.mark.parametrize(
    "change", [lambda data: data[:-9], lambda data: data[50:], lambda _: b"", lambda _: b"a,b\n"]
)
async def test_a_damaged_parquet_file(
    whole_files: Path, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    path = edit(whole(whole_files, tmp_path / "file.parquet"), change)
    assert (await refusal(path)).startswith(
        "cannot be read as Parquet; it is damaged, cut off or of anoth"
    )


async def test_a_parquet_file_that_is_damaged_inside(whole_files: Path, tmp_path: Path) -> None:
    path = whole(whole_files, tmp_path / "file.parquet")
    edit(path, lambda data: data[:400] + b"\xff" * 2000 + data[2400:])
    assert await refusal(path)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("1 AS a", "lacks the columns time or timestamp, success_rate or outcome, orchestrator"),
        ("'{}' AS payload", "has the column payload of an export, and lacks outbox, seq"),
        ("1 AS payload, 'a' AS outbox, 1 AS seq", "row 1: payload: expected a text, found 1"),
        ("'{}' AS payload, 'a' AS outbox, 1.5 AS seq", "row 1: seq: expected a whole number"),
        ("'{}' AS payload, 2 AS outbox, 1 AS seq", "row 1: outbox: expected a text, found 2"),
        ("'{}' AS payload, 'a' AS outbox, 1 AS seq", "row 1: payload: is not a measurement"),
    ],
)
async def test_a_parquet_file_with_other_columns(tmp_path: Path, columns: str, said: str) -> None:
    import duckdb

    path = tmp_path / "file.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {columns}) TO '{path}' (FORMAT parquet)")
    assert (await refusal(path)).startswith(said)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("x,0xa,FRA,llm,m,1", "line 2: timestamp: expected a number, found 'x'"),
        (",0xa,FRA,llm,m,1", "line 2: time or timestamp: is empty"),
        (f"{SECONDS}000,0xa,FRA,llm,m,1", "line 2: timestamp: "),
        ("0,0xa,FRA,llm,m,1", "line 2: timestamp: 0 is not between the year 2000 and tomorrow"),
        (f"{SECONDS},0xa,FRA,llm,m,", "line 2: success_rate or outcome: both are empty"),
        (f"{SECONDS},0xa,FRA,llm,m,nan", "line 2: success_rate: expected a number, found 'nan'"),
        (f"{SECONDS},0xa,FRA,llm,m,1e999", "line 2: success_rate: expected a number"),
        (f"{SECONDS},,FRA,llm,m,1", "line 2: orchestrator: is empty"),
        (f"{SECONDS},0xa,,llm,m,1", "line 2: region: is empty"),
        (f"{SECONDS},0xa,{'F' * 301},llm,m,1", "line 2: region: is longer than 300 characters"),
    ],
)
async def test_a_csv_file_of_others(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"{HEAD}\n{row}\n")
    assert (await refusal(path)).startswith(said)


async def test_an_outcome_that_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"{HEAD},outcome\n{SECONDS},0xa,FRA,llm,m,1,meh\n")
    assert (await refusal(path)).startswith("line 2: outcome: expected one of ok, dns_failed")


@pytest.mark.parametrize("lacking", ["orchestrator", "region", "pipeline", "model"])
async def test_a_file_of_others_that_lacks_a_column(tmp_path: Path, lacking: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(HEAD.replace(lacking, "x") + "\n")
    said = await refusal(path)
    assert said.startswith(f"lacks the column {lacking}; it has timestamp")
    assert "Known are time, timestamp, orchestrator" in said


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read (No such file or directory)" in await refusal(tmp_path / "none.csv")
    assert "cannot be read (No such file or directory)" in await refusal(tmp_path / "none.parquet")


def test_a_name_that_tells_no_format() -> None:
    with pytest.raises(MovingError, match="does not tell the format"):
        format_of(Path("file.xlsx"))

"""`export`, `import` and `store` as a person gives them."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from exporter import opening
from exporter.cli.store import store as store_commands
from exporter.model import encode
from exporter.settings import Settings
from exporter.stores import Store
from exporter.stores.embedded import EmbeddedStore
from tests.measurements import START, good
from tests.moving.stores import everything, rows, some, stored
from tests.stations import ALICE, running_station
from tests.system.service import command, running, until, until_answered

pytestmark = pytest.mark.system


@pytest.fixture
def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        number: int = found.getsockname()[1]
        return number


def plain(port: int) -> dict[str, Any]:
    endpoint = {
        "orchestrator": ALICE,
        "uri": "http://127.0.0.1:1",
        "models": [{"pipeline": "text-to-image", "model": "stabilityai/sd-turbo"}],
    }
    return {
        "region": "MDW",
        "tester": "tester-1",
        "data": "data",
        "sources": {"static": [endpoint]},
        "station": {"listen": f"127.0.0.1:{port}"},
        "probe": {"listen": "127.0.0.1:0"},
    }


def config(folder: Path, port: int) -> str:
    """Settings whose data folder is there."""
    (folder / "data").mkdir(parents=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(plain(port)))
    return str(path)


def data(settings: str) -> Path:
    return Path(settings).parent / "data"


async def fill(settings: str, count: int = 12) -> None:
    many = [good(f"{number}", started_at=START + number * 10**11) for number in range(count)]
    found = some() if count == len(some()) else rows(many)
    async with stored(data(settings) / "store.duckdb", found):
        pass


async def content(settings: str) -> Any:
    async with stored(data(settings) / "store.duckdb") as store:
        return await everything(store)


@pytest.mark.parametrize("name", ["all.parquet", "all.csv", "all.lp"])
async def test_there_and_back(tmp_path: Path, port: int, name: str) -> None:
    here, there = config(tmp_path / "here", port), config(tmp_path / "there", port)
    await fill(here)
    file = str(tmp_path / name)
    code, out, err = await command("export", file, "--config", here)
    assert (code, out) == (0, "")
    assert "file:  12 measurements, checksum " in err
    checksum = err.split("checksum ")[1][:32]
    code, out, err = await command("import", file, "--config", there)
    assert (code, err) == (0, "")
    assert out == (
        "added 12, 0 were there already\n"
        f"file:        12 measurements, checksum {checksum}\n"
        f"store:       12 measurements, checksum {checksum} of these\n"
        "verified: the store has them all\n"
    )
    code, out, _ = await command("import", file, "--config", there)
    assert (code, out.splitlines()[0]) == (0, "added 0, 12 were there already")
    assert await content(there) == some()


async def test_standard_output_gets_the_file(tmp_path: Path, port: int) -> None:
    here = config(tmp_path, port)
    await fill(here)
    asked = ("--since", "2026-09-22", "--until", "2026-09-23T00:00Z", "--region", "mdw")
    code, out, err = await command("export", "-", "--format", "csv", "--config", here, *asked)
    assert code == 0, err
    assert out.startswith("series,time,outbox,seq,orchestrator,")
    assert "file:  4 measurements" in err
    code, _, err = await command("export", "-", "--config", here)
    assert (code, "give --format" in err) == (1, True)


async def test_an_export_while_the_station_runs_asks_it(tmp_path: Path, port: int) -> None:
    here = config(tmp_path, port)
    await fill(here)
    async with running("station", "--config", here, log=tmp_path / "log") as service:
        await until_answered(f"http://127.0.0.1:{port}/healthz")
        code, _, err = await command("export", str(tmp_path / "all.lp"), "--config", here)
        assert code == 0, err
        assert err.startswith(f"the station at http://127.0.0.1:{port} runs and is asked\n")
        assert "file:  12 measurements" in err
        code, _, err = await command("import", str(tmp_path / "all.lp"), "--config", here)
        assert code == 3
        assert "another station works in this folder (pid " in err
        assert "station.lock: stop the station" in err
        assert "start `probe-process`, whose measurements wait in the outbox" in err
        assert await service.stop() == 0


async def test_nothing_of_a_bad_file_is_stored(tmp_path: Path, port: int) -> None:
    here = config(tmp_path, port)
    file = tmp_path / "bad.csv"
    payload = encode(some()[0].measurement).decode().replace('"', '""')
    file.write_text(f'outbox,seq,payload\na,1,"{payload}"\na,2,"{{}}"\n')
    code, out, err = await command("import", str(file), "--config", here)
    assert (code, out) == (1, "")
    assert "line 3: payload: is not a measurement" in err
    assert await content(here) == []


async def test_columns_that_are_passed_over_are_named(tmp_path: Path, port: int) -> None:
    here = config(tmp_path, port)
    file = tmp_path / "theirs.csv"
    file.write_text(
        "timestamp,orchestrator,region,pipeline,model,outcome,mood\n"
        f"{START // 10**9},{ALICE},FRA,llm,m,ok,good\n"
    )
    code, out, err = await command("import", str(file), "--tester", "oslo", "--config", here)
    assert (code, err) == (0, "columns that are passed over: mood\n")
    assert out.startswith("added 1, 0 were there already\n")
    (row,) = await content(here)
    assert (row.measurement.tester, row.outbox) == ("oslo", "imported:oslo")
    code, _, err = await command("import", str(file), "--tester", "o slo", "--config", here)
    assert (code, "--tester: expected a name" in err) == (1, True)
    code, _, err = await command("import", str(file), "--tester", "tester-1", "--config", here)
    assert (code, "is this tester itself" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import",), "give either a FILE or --from-leaderboard"),
        (("import", "a.csv", "--from-leaderboard", "http://a"), "give either a FILE or"),
        (("import", "a.csv", "--all"), "go with --from-leaderboard"),
        (("import", "--from-leaderboard", "http://a"), "give --orchestrator, or --all"),
        (("import", "--from-leaderboard", "http://a", "--orchestrator", "0x1"), "an ETH address"),
        (("export", "a.csv", "--since", "noon"), "--since: expected a date"),
        (("export", "a.csv", "--since", "1d", "--until", "2d"), "--since is later than --until"),
        (("export", "a.xlsx"), "does not tell the format"),
        (("store", "copy", "--to", "paper"), "is not one of 'influxdb', 'embedded'"),
    ],
)
async def test_wrong_usage(
    tmp_path: Path, port: int, arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = await command(*arguments, "--config", config(tmp_path, port))
    assert said in err
    assert code == (1 if "xlsx" in str(arguments) else 2)


async def test_a_leaderboard_is_imported_where_no_station_runs(tmp_path: Path, port: int) -> None:
    here = config(tmp_path, port)
    async with other_leaderboard(tmp_path) as url:
        arguments = ("import", "--from-leaderboard", url, "--all", "--config", here)
        code, out, err = await command(*arguments, "--since", "2026-09-01")
        assert code == 0, err
        assert out.startswith("read 2 stats\nadded 2, 0 were there already\n")
        code, out, _ = await command(*arguments, "--since", "2026-09-01")
        assert (code, out.splitlines()[1]) == (0, "added 0, 2 were there already")
    assert [row.measurement.tester for row in await content(here)] == ["127.0.0.1"] * 2


async def test_a_leaderboard_is_imported_where_a_station_runs(tmp_path: Path, port: int) -> None:
    here = config(tmp_path, port)
    async with (
        other_leaderboard(tmp_path) as url,
        running("station", "--config", here, log=tmp_path / "log") as service,
    ):
        await until_answered(f"http://127.0.0.1:{port}/healthz")
        arguments = ("import", "--from-leaderboard", url, "--config", here)
        code, out, err = await command(*arguments, "--since", "2026-09-01", "--orchestrator", ALICE)
        assert code == 0, err
        assert out.startswith("read 2 stats\nadded 2, 0 were there already\n")
        assert await service.stop() == 0


@asynccontextmanager
async def other_leaderboard(folder: Path) -> AsyncIterator[str]:
    (folder / "other").mkdir()
    async with running_station(folder / "other") as station:
        await station.give(good("1", tester="theirs"), good("2", tester="theirs", seconds=3))
        yield str(station.client.make_url("/"))


# Killed


async def test_an_export_that_was_killed_ends_whole_when_repeated(
    tmp_path: Path, port: int
) -> None:
    here, target = config(tmp_path, port), tmp_path / "all.parquet"
    await fill(here, count=6000)
    parts = tmp_path / ".all.parquet.parts"
    async with running("export", str(target), "--config", here, log=tmp_path / "log") as export:
        await until(lambda: list(parts.glob("*_*")), "a part")
        await export.stop(signal.SIGKILL)
    assert not target.exists()
    code, _, err = await command("export", str(target), "--config", here)
    assert code == 0
    assert "days that were written already" in err
    assert "file:  6000 measurements" in err
    assert not parts.exists()


async def test_an_import_that_was_killed_ends_whole_when_repeated(
    tmp_path: Path, port: int
) -> None:
    here, there = config(tmp_path / "here", port), config(tmp_path / "there", port)
    await fill(here, count=6000)
    target = str(tmp_path / "all.csv")
    await command("export", target, "--config", here)
    log = data(there) / "store.duckdb.wal"
    async with running("import", target, "--config", there, log=tmp_path / "log") as importing:
        await until(lambda: log.exists() and log.stat().st_size > 100_000, "something stored")
        await importing.stop(signal.SIGKILL)
    code, out, err = await command("import", target, "--config", there)
    assert code == 0, err
    assert not out.startswith(("added 0", "added 6000"))
    assert await content(there) == await content(here)


# Two stores


def test_without_a_server_there_is_nothing_to_copy_to(tmp_path: Path, port: int) -> None:
    here = config(tmp_path, port)
    result = CliRunner().invoke(store_commands, ["copy", "--to", "influxdb", "--config", here])
    assert result.exit_code == 3
    assert "the settings have no section store.influxdb" in result.output


@pytest.mark.parametrize("kind", ["influxdb", "embedded"])
def test_a_store_is_copied_and_compared(
    tmp_path: Path, port: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a second embedded file in the place of the server."""
    here = config(tmp_path, port)
    files = {"embedded": data(here) / "store.duckdb", "influxdb": tmp_path / "influx.duckdb"}

    @asynccontextmanager
    async def open_store(_: Settings, wanted: str) -> AsyncIterator[Store]:
        opened = EmbeddedStore.open(files[wanted])
        yield opened
        await opened.close()

    monkeypatch.setattr(opening, "open_store", open_store)
    source = "embedded" if kind == "influxdb" else "influxdb"

    async def fill_it() -> None:
        async with stored(files[source], some()):
            pass

    asyncio.run(fill_it())
    result = CliRunner().invoke(store_commands, ["verify", "--config", here])
    assert result.exit_code == 1
    assert "they differ on 2026-09-21, 2026-09-22, 2026-09-23" in result.output
    for same in (0, 3):
        result = CliRunner().invoke(store_commands, ["copy", "--to", kind, "--config", here])
        assert result.exit_code == 0, result.output
        lines = result.output.splitlines()
        assert lines[0] == f"3 days, {same} the same before"
        assert lines[1].removeprefix("embedded: ") == lines[2].removeprefix("influxdb: ")
        assert lines[3] == "verified: both hold the same"
    result = CliRunner().invoke(store_commands, ["verify", "--config", here])
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, lines[3])

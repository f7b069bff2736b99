"""Measurements move between files, the embedded store and a real InfluxDB without loss."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exporter.moving.copying import compare, copy
from exporter.moving.days import ALWAYS
from exporter.moving.exporting import export
from exporter.moving.formats import FORMATS
from exporter.moving.importing import Source, read, store_all
from exporter.moving.spool import Spool
from exporter.moving.tally import Tally
from exporter.settings import Influx
from exporter.stores import Row, Store, StoreError, Where
from exporter.stores.influx import InfluxStore
from tests.measurements import SECOND, START, good
from tests.moving.stores import DAY, everything, rows, some, stored
from tests.services.influx_commands import Operator
from tests.services.influx_server import InfluxServer, influx_server
from tests.system.service import command

NASTY = ' "a",=\\b%\nß😀 '


def odd() -> list[Row]:
    """What is hard to write down: texts of strangers, equal times, an hour's edge."""
    edge = START // DAY * DAY
    made = [
        good("1", started_at=edge, model=NASTY, message=NASTY, request=NASTY),
        good("2", started_at=edge, model=NASTY),
        good("3", started_at=edge - 1, orchestrator="runner 1", region="fra", pipeline="x y"),
        good("4", started_at=edge + SECOND - 1, gpu=NASTY, response=NASTY),
    ]
    return some() + rows([msgspec.structs.replace(one, tester=NASTY) for one in made], "odd %")


@asynccontextmanager
async def influx_store(settings: Influx, given: Sequence[Row] = ()) -> AsyncIterator[InfluxStore]:
    store = InfluxStore.open(settings)
    try:
        assert not await store.add(given)
        yield store
    finally:
        await store.close()


async def settings_of(operator: Operator) -> Influx:
    operator.influx["retention"] = 0
    assert (await asyncio.to_thread(operator.setup)).exit_code == 0
    return operator.settings


async def test_a_copy_goes_there_and_back(operator: Operator, tmp_path: Path) -> None:
    async with (
        stored(tmp_path / "a.duckdb", odd()) as first,
        influx_store(await settings_of(operator)) as influx,
        stored(tmp_path / "b.duckdb") as last,
    ):
        await first.advance("abc", 12)
        await first.advance("odd %", 4)
        assert (await copy(first, influx)).refusals == 0
        assert (await copy(influx, last)).refusals == 0
        assert await everything(influx) == await everything(first) == await everything(last)
        assert await first.cursors() == await influx.cursors() == await last.cursors()
        for one, other in ((first, influx), (influx, last)):
            found = await compare(one, other)
            assert found.same
            assert found.source == found.target == Tally.of(odd())
        again = await copy(last, influx)
        assert again.same == again.days == 4


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("way", ["out of InfluxDB", "into InfluxDB"])
async def test_a_file_goes_from_one_store_into_the_other(
    operator: Operator, tmp_path: Path, name: str, way: str
) -> None:
    async with (
        influx_store(await settings_of(operator)) as influx,
        stored(tmp_path / "store.duckdb") as embedded,
    ):
        source: Store = influx if way == "out of InfluxDB" else embedded
        target: Store = embedded if source is influx else influx
        await source.add(odd())
        file = tmp_path / "file"
        went = await export(source, ALWAYS, Where(), file, FORMATS[name])
        for added in (len(odd()), 0):
            with Spool.open() as spool:
                await read(Source(file, FORMATS[name], "imported", START + DAY), spool)
                came = await store_all(target, spool)
            assert (came.added, came.whole) == (added, True)
            assert went.store == went.file == came.file == came.stored == Tally.of(odd())
        assert await everything(target) == await everything(source)


async def test_a_copy_that_the_server_cuts_off_ends_whole_when_repeated(tmp_path: Path) -> None:
    many = rows([good(f"{n}", started_at=START + n * 40 * SECOND) for n in range(6000)])
    with influx_server(tmp_path / "server") as server:
        operator = Operator(server, tmp_path, {"retention": 0, "timeout": 5})
        async with (
            stored(tmp_path / "a.duckdb", many) as first,
            influx_store(await settings_of(operator)) as influx,
        ):
            await first.advance("abc", len(many))

            def kill(measurements: int, day: str = "") -> None:  # noqa: ARG001 - a `Progress`
                server.kill()

            with pytest.raises(StoreError, match=r"nobody listens there|ended the connection"):
                await copy(first, influx, progress=kill)
            await asyncio.to_thread(server.start)
            assert 0 < await influx.count() < len(many)
            assert await influx.cursors() == {}, "no cursor before all is there"
            done = await copy(first, influx)
            assert done.same < done.days
            assert (await compare(first, influx)).same
            assert await influx.cursors() == {"abc": len(many)}


@pytest.mark.system
async def test_the_commands_of_a_move(influx: InfluxServer, tmp_path: Path) -> None:
    operator = Operator(influx, tmp_path, {"retention": 0})
    await settings_of(operator)
    path = _settings(operator)
    async with stored(tmp_path / "data" / "store.duckdb", odd()) as first:
        await first.advance("abc", 12)
    said = f"{len(odd())} measurements, checksum {Tally.of(odd()).checksum:032x}"
    both = f"embedded: {said}\ninfluxdb: {said}\nverified: both hold the same\n"

    code, out, err = await command("store", "verify", "--config", path)
    assert (code, "they differ on" in err) == (1, True)
    code, out, err = await command("store", "copy", "--to", "influxdb", "--config", path)
    assert (code, out, err) == (0, f"4 days, 0 the same before\n{both}", "")
    for file in (tmp_path / "data").glob("store.duckdb*"):
        file.unlink()
    code, out, _ = await command("store", "copy", "--to", "embedded", "--config", path)
    assert (code, out) == (0, f"4 days, 0 the same before\n{both}")
    code, out, _ = await command("store", "verify", "--config", path)
    assert (code, out) == (0, both)

    operator.influx["url"] = "http://127.0.0.1:1"
    code, out, err = await command(
        "store", "copy", "--to", "influxdb", "--config", _settings(operator)
    )
    assert (code, out) == (3, "")
    assert err == "Error: http://127.0.0.1:1: nobody listens there; is InfluxDB running?\n"


def _settings(operator: Operator) -> str:
    document: dict[str, Any] = json.loads(operator.config.read_text())
    document["store"]["kind"] = "embedded"
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        document["station"] = {"listen": f"127.0.0.1:{found.getsockname()[1]}"}
    operator.folder.joinpath("data").mkdir(exist_ok=True)
    path = operator.folder / "moving.yaml"
    path.write_text(json.dumps(document))
    return str(path)


async def test_what_is_older_than_the_bucket_keeps_is_refused_with_a_reason(
    operator: Operator,
) -> None:
    assert (await asyncio.to_thread(operator.setup)).exit_code == 0
    now = time.time_ns()
    old, new = rows([good("old", started_at=START - 9000 * DAY), good("new", started_at=now)])
    async with influx_store(operator.settings) as store:
        (refused,) = await store.add([old, new])
        assert refused == (old, "it is older than the bucket keeps (2160h0m0s)")
        assert await everything(store) == [new]

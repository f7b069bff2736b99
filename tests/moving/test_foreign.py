"""Results of others, from files without the measurement itself."""

from pathlib import Path

import msgspec

from exporter.model import Measurement, Origin, Outcome, Phases, Reported
from exporter.moving.formats import format_of
from exporter.moving.importing import Source, read, store_all
from exporter.moving.spool import Spool
from tests.measurements import START
from tests.moving.stores import DAY, everything, stored

SECONDS = START // 10**9
ADDRESS = "0x" + "A1" * 20
HEAD = (
    "timestamp,orchestrator,region,pipeline,model,success_rate,round_trip_time,upload_time,note\n"
)


async def stored_of(tmp_path: Path, *paths: Path) -> list[Measurement]:
    async with stored(tmp_path / "store.duckdb") as store:
        for path in paths:
            with Spool.open() as spool:
                await read(Source(path, format_of(path), "helper", START + DAY), spool)
                assert (await store_all(store, spool)).whole
        return [row.measurement for row in await everything(store)]


async def test_a_row_becomes_an_imported_measurement(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(f"{HEAD}{SECONDS}.25,{ADDRESS},fra,Text to image,a/b,0.5,2.5,0.25,hi\n")
    (one,) = await stored_of(tmp_path, path)
    assert msgspec.structs.replace(one, id="") == Measurement(
        id="",
        origin=Origin.IMPORTED,
        tester="helper",
        region="FRA",
        orchestrator=ADDRESS.lower(),
        pipeline="text-to-image",
        model="a/b",
        started_at=START + 250_000_000,
        outcome=Outcome.REPORTED_FAILURE,
        phases=Phases(upload=250_000_000),
        reported=Reported(
            orchestrator=ADDRESS,
            pipeline="Text to image",
            success_rate=0.5,
            round_trip_time=2.5,
            upload_time=0.25,
        ),
    )


async def test_equal_rows_are_as_many_measurements_and_stay_so(tmp_path: Path) -> None:
    path, renamed = tmp_path / "theirs.csv", tmp_path / "copy.csv"
    row = f"{SECONDS},{ADDRESS},FRA,llm,a/b,1,2.5,,\n"
    path.write_text(HEAD + row * 3)
    renamed.write_text(HEAD + row * 2)
    found = await stored_of(tmp_path, path, path, renamed)
    assert len(found) == len({one.id for one in found}) == 3
    assert {one.outcome for one in found} == {Outcome.OK}


async def test_the_same_rows_in_parquet_are_the_same_measurements(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "theirs.csv"
    path.write_text(f"{HEAD}{SECONDS},{ADDRESS},FRA,llm,a/b,1,2.5,0.5,x\n")
    other = tmp_path / "theirs.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT make_timestamp({SECONDS}000000) AS time, '{ADDRESS}' AS orchestrator, "
            "'FRA' AS region, 'llm' AS pipeline, 'a/b' AS model, 1 AS success_rate, "
            f"2.5 AS round_trip_time, 0.5::FLOAT AS upload_time) TO '{other}' (FORMAT parquet)"
        )
    assert len(await stored_of(tmp_path, path, other)) == 1


async def test_outcomes_phases_and_transcoding(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(
        "time,orchestrator,region,pipeline,model,outcome,inference_time,seg_duration,"
        "segments_sent,error_message,model_is_warm\n"
        f"{START},o-1,FRA,llm,m,no_capacity,,,,busy,TRUE\n"
        f"{START + 1},o-1,FRA,llm,m,ok,1.5,,,,\n"
        "2026-09-21T15:00:00Z,o-1,SIN,,,ok,,2,4,,\n"
    )
    busy, good, transcoded = await stored_of(tmp_path, path)
    assert (busy.outcome, busy.message, busy.model_is_warm) == ("no_capacity", "busy", True)
    assert (good.phases.inference, good.success_rate) == (1_500_000_000, 1.0)
    assert transcoded.transcoding
    assert transcoded.reported == Reported(seg_duration=2.0, segments_sent=4)
    assert transcoded.started_at == 1_790_002_800 * 10**9

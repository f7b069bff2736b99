"""What goes wrong with InfluxDB while a station works: nothing is lost, nothing doubled.

A real server, with real faults: it is killed, away, told to refuse.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from exporter.cli import cli
from exporter.model import Measurement
from exporter.settings import Influx
from exporter.stores.influx import InfluxStore
from tests.measurements import SECOND, failed, good
from tests.services.influx_server import ORG, InfluxServer, section
from tests.stations import ALICE, BOB, Station, offer, running_station
from tests.stored import stored_ids
from tests.system.service import until

DAY = 86400 * SECOND
NOW = time.time_ns() // SECOND * SECOND
"""The server's bounds are about its own clock."""
HOUR = NOW // (3600 * SECOND) * 3600 * SECOND
"""When this hour began: the time of what the store notes about itself."""
PATIENCE = 90.0


def influx_settings(server: InfluxServer, bucket: str, **more: Any) -> Influx:
    return Influx.model_validate(section(server, bucket, **more))


@asynccontextmanager
async def station_on(influx: Influx, data: Path) -> AsyncIterator[Station]:
    store = InfluxStore.open(influx)
    async with running_station(data, now=NOW, store=store, keep_delivered=10**5) as station:
        yield station


def jobs(count: int, name: str = "m", **facts: Any) -> list[Measurement]:
    """Jobs that start one after another in this hour, some of them at the same moment."""
    facts = {"response": "x" * 300, **facts}
    return [good(f"{name}{n}", started_at=HOUR + n // 3 * SECOND, **facts) for n in range(count)]


async def put(station: Station, jobs: Sequence[Measurement]) -> None:
    await asyncio.gather(*(station.outbox.put(job) for job in jobs))


async def delivered(station: Station) -> None:
    """Wait until every consumer has everything, whatever pause a failure made it take."""
    async with asyncio.timeout(PATIENCE):
        while not all([feed.started and not await feed.pending() for feed in station.here.feeds]):
            for feed in station.here.feeds:
                feed.wake()
            await asyncio.sleep(0.02)


async def has_exactly(station: Station, expected: Sequence[Measurement]) -> None:
    """The store has these, each once; nothing was set aside or lost."""
    stored = await stored_ids(station.here.store)
    assert sorted(stored) == sorted(job.id for job in expected)
    assert await station.here.store.count() == len(expected)
    assert await station.outbox.dead_letters() == {}
    assert (await station.outbox.losses()).measurements == 0
    last = await station.outbox.last()
    assert await station.outbox.cursor("store") == last
    assert await station.here.store.cursor(station.outbox.id) == last


async def readiness(station: Station) -> dict[str, Any]:
    answer: dict[str, Any] = await (await station.client.get("/readyz")).json()
    return answer


async def until_not_ready(station: Station, check: str) -> str:
    """What is said of a check once it fails."""
    async with asyncio.timeout(PATIENCE):
        while (said := (await readiness(station))["checks"][check]) == "ok":  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.02)
    return str(said)


async def series(station: Station, *names: str) -> list[str]:
    """The lines of these metrics."""
    text = await (await station.client.get("/metrics")).text()
    return sorted(line for line in text.splitlines() if line.startswith(names))


def longer_than(server: InfluxServer, before: int) -> bool:
    return written_ahead(server) > before


def written_ahead(server: InfluxServer) -> int:
    """Bytes in the server's write-ahead logs."""
    return sum(file.stat().st_size for file in (server.folder / "engine" / "wal").rglob("*.wal"))


@pytest.mark.timeout(300)
async def test_a_server_that_is_killed_in_mid_write_has_everything_once(
    server: InfluxServer, tmp_path: Path
) -> None:
    server.bucket("killed")
    given: list[Measurement] = []
    async with station_on(influx_settings(server, "killed"), tmp_path) as station:
        for turn in range(5):
            batch = jobs(4000, f"t{turn}-", model=f"m/{turn}")
            given += batch
            before = written_ahead(server)
            await put(station, batch)
            await until(partial(longer_than, server, before), "a part is written")
            server.kill()
            await until_not_ready(station, "store")
            await asyncio.to_thread(server.start)
            await delivered(station)
        assert station.here.feeds[0].errors > 0, "all kills came between writes"
        given += jobs(1, "last")
        await put(station, given[-1:])
        await delivered(station)
        await has_exactly(station, given)


async def test_what_a_server_confirmed_and_lost_is_written_to_it_again(
    server: InfluxServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A kill tears an entry of its log; what it then writes is gone after another start."""
    server.bucket("torn")
    given = jobs(700)
    async with station_on(influx_settings(server, "torn"), tmp_path) as station:
        await put(station, given[:200])
        await delivered(station)
        server.kill()
        tear(server)
        server.start()
        await put(station, given[200:600])
        await delivered(station)
        assert await station.here.store.count() == 600
        server.stop()
        server.start()
        assert await station.here.store.count() == 200, "this server needs no such care any more"
        await put(station, given[600:])
        await delivered(station)
        await has_exactly(station, given)
    (told,) = [vars(one) for one in caplog.records if "does not have all" in one.message]
    assert (told["confirmed"], told["stored"], told["not_in_the_outbox"]) == (600, 200, 0)


def tear(server: InfluxServer) -> None:
    """Leave the beginning of an entry at the end of each log, as a kill in mid-write does."""
    for log in (server.folder / "engine" / "wal").rglob("*.wal"):
        with log.open("ab") as end:
            end.write(b"\x01" + (1000).to_bytes(4) + b"torn")


async def test_a_station_that_starts_while_the_server_is_away_restores_when_it_is_back(
    server: InfluxServer, tmp_path: Path
) -> None:
    server.bucket("away at start")
    influx = influx_settings(server, "away at start")
    names = ("livepeer_ai_job_consecutive_failures{", "livepeer_ai_job_last_success_timestamp")
    first = [
        good("a1", started_at=NOW - 500 * SECOND),
        failed("a2", started_at=NOW - 400 * SECOND),
        failed("a3", started_at=NOW - 300 * SECOND),
        good("b1", orchestrator=BOB, started_at=NOW - 200 * SECOND),
    ]
    async with station_on(influx, tmp_path) as station:
        await station.supplied(offer(ALICE), offer(BOB), taken_at=NOW)
        await put(station, first)
        await delivered(station)
        before = await series(station, *names)
    assert len(before) == 4
    server.kill()
    async with station_on(influx, tmp_path) as station:
        await station.supplied(offer(ALICE), offer(BOB), taken_at=NOW)
        said = (await readiness(station))["checks"]["store"]
        assert said == f"{server.url}: nobody listens there; is InfluxDB running?"
        assert (await station.client.get("/metrics")).status == 200
        late = failed("a4", started_at=NOW - 100 * SECOND)
        await put(station, [late])
        server.start()
        await delivered(station)
        assert (await readiness(station))["checks"]["store"] == "ok"
        after = await series(station, *names)
        await has_exactly(station, [*first, late])
    assert after == [line.replace("} 2.0", "} 3.0") for line in before]


@pytest.mark.parametrize("which", ["token", "read_token"])
async def test_a_token_that_is_made_inactive_and_active_again_costs_nothing(
    server: InfluxServer, tmp_path: Path, which: str
) -> None:
    bucket = f"tokens {which}"
    influx, ids = with_tokens(server, bucket)
    given = jobs(40)
    async with station_on(influx, tmp_path) as station:
        await put(station, given[:10])
        await delivered(station)
        server.call("PATCH", f"/api/v2/authorizations/{ids[which]}", {"status": "inactive"})
        await put(station, given[10:30])
        check = "consumer store" if which == "token" else "store"
        said = await until_not_ready(station, check)
        assert f"store.influxdb.{which}: " in said
        assert "inactive" in said
        assert (await station.client.get("/readyz")).status == 503
        assert (await station.client.get("/metrics")).status == 200
        await put(station, given[30:])
        server.call("PATCH", f"/api/v2/authorizations/{ids[which]}", {"status": "active"})
        await delivered(station)
        checks = (await readiness(station))["checks"]
        assert (checks["store"], checks["consumer store"]) == ("ok", "ok")
        await has_exactly(station, given)


def with_tokens(server: InfluxServer, bucket: str) -> tuple[Influx, dict[str, str]]:
    """Settings with a token for writing and one for reading, and the ids of both."""
    org = server.call("GET", f"/api/v2/orgs?org={ORG}").json()["orgs"][0]["id"]
    resource = {"type": "buckets", "id": server.bucket(bucket), "orgID": org}
    tokens, ids = {}, {}
    for key, action in (("token", "write"), ("read_token", "read")):
        made = server.call(
            "POST",
            "/api/v2/authorizations",
            {"orgID": org, "permissions": [{"action": action, "resource": resource}]},
        ).json()
        tokens[key], ids[key] = made["token"], made["id"]
    return influx_settings(server, bucket, **tokens), ids


async def test_one_bad_point_of_each_kind_is_set_aside_and_all_others_are_stored(
    server: InfluxServer, tmp_path: Path
) -> None:
    """Too old for the bucket, and of another type than the server knows of that time."""
    bucket = server.bucket("refusing", seconds=60 * 86400)
    conflict = NOW - 40 * DAY
    write(server, "refusing", f"ai_job,region=X job_id=5i {conflict}")
    beyond = good("beyond", started_at=NOW - 90 * DAY)
    of_type = good("of another type", started_at=conflict + SECOND)
    given = jobs(2500)
    async with station_on(influx_settings(server, "refusing"), tmp_path) as station:
        await put(station, [*given[:1200], beyond, *given[1200:1700], of_type, *given[1700:]])
        await delivered(station)
        shown = dead(tmp_path)
        assert [one["id"] for one in shown] == ["beyond", "of another type"]
        assert "it is older than the bucket keeps" in shown[0]["reason"]
        assert 'field type conflict: input field "job_id"' in shown[1]["reason"]
        assert sorted(await stored_ids(station.here.store)) == sorted(job.id for job in given)

        assert command("retry", tmp_path, "--all").startswith("2 dead letters")
        await until(lambda: not offered(tmp_path), "they were offered again")
        assert [one["id"] for one in dead(tmp_path)] == ["beyond", "of another type"]

        rules = [{"type": "expire", "everySeconds": 200 * 86400}]
        server.call("PATCH", f"/api/v2/buckets/{bucket}", {"retentionRules": rules})
        remove(server, "refusing", conflict)
        assert command("retry", tmp_path, "--all").startswith("2 dead letters")
        await until(lambda: not dead(tmp_path), "they are stored")
        await has_exactly(station, [*given, beyond, of_type])


def write(server: InfluxServer, bucket: str, line: str) -> None:
    answer = httpx.post(
        f"{server.url}/api/v2/write",
        params={"org": ORG, "bucket": bucket, "precision": "ns"},
        content=line,
        headers={"Authorization": f"Token {server.token}"},
        trust_env=False,
    )
    assert answer.status_code == httpx.codes.NO_CONTENT, answer.text


def command(name: str, data: Path, *more: str) -> str:
    result = CliRunner().invoke(cli, ["outbox", name, "--data", str(data), *more])
    assert result.exit_code == 0, result.output
    return result.stdout


def dead(data: Path) -> list[dict[str, Any]]:
    """The dead letters as an operator sees them, by id."""
    shown = json.loads(command("inspect", data, "--dead", "--json"))["measurements"]
    return sorted(shown, key=lambda one: str(one["id"]))


def offered(data: Path) -> list[str]:
    """The dead letters that wait to be offered again."""
    return [one["id"] for one in dead(data) if one["to_be_offered_again"]]


def remove(server: InfluxServer, bucket: str, moment: int) -> None:
    """Delete the jobs of the day around a moment, so that their fields may have other types."""
    start, stop = (
        datetime.fromtimestamp((moment + step) // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for step in (-DAY // 2, DAY // 2)
    )
    answer = server.call(
        "POST",
        f"/api/v2/delete?org={ORG}&bucket={bucket}",
        {"start": start, "stop": stop, "predicate": '_measurement="ai_job"'},
    )
    assert answer.status_code == httpx.codes.NO_CONTENT, answer.text

"""The roll-up tasks as the server runs them write what the station's own computing writes."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient
from pydantic import SecretStr

from exporter.model import Blame, Measurement, Origin, Outcome, Phases, Reported
from exporter.settings import Influx
from exporter.stores.influx import InfluxStore
from exporter.stores.influx_rollups import DAY, HOUR, TASK_HOURS
from exporter.stores.influx_tasks import DAILY, HOURLY, tasks
from tests.measurements import SECOND, failed, good
from tests.services.influx_commands import Operator

MONDAY = 1_790_000_000 * SECOND // DAY * DAY
NOW = MONDAY + DAY + 4 * HOUR + 60 * SECOND
EMPTY_HOUR = MONDAY + 5 * HOUR
MODELS = ("m/1", 'odd: a b,c=d\\e%41\nß "q" ${x}', "")
ORCHESTRATORS = ("0x" + "a1" * 20, "runner")
EXACT = (0, 1, SECOND // 4, SECOND // 2, SECOND, 2 * SECOND, 4096 * SECOND)
"""Values at the edges of buckets, nanoseconds."""

Written = dict[tuple[str, ...], float]


def _moment(time: int) -> datetime:
    return datetime.fromtimestamp(time // SECOND, UTC)


def _job(rng: random.Random, number: int) -> Measurement:
    start = MONDAY + rng.randrange(DAY)
    if number % 10 == 0:  # at the very edge of an hour
        start = MONDAY + rng.randrange(24) * HOUR + rng.choice([0, 1, HOUR - 1])
    if start // HOUR * HOUR == EMPTY_HOUR:
        start += HOUR
    facts: dict[str, Any] = {
        "started_at": start,
        "model": rng.choice(MODELS[:2]) if number % 9 else MODELS[0],
        "orchestrator": rng.choice(ORCHESTRATORS),
        "region": rng.choice(["FRA", "MDW"]),
        "tester": rng.choice(["one", "two"]),
    }
    kind = rng.random()
    if kind < 0.15:
        return failed(f"m{number}", blame=rng.choice([Blame.ORCHESTRATOR, Blame.TESTER]), **facts)
    if kind < 0.25:
        reported = Reported(success_rate=rng.choice([0.5, 1.7, -1.0]), round_trip_time=rng.random())
        facts |= {"origin": Origin.POSTED, "reported": reported}
        return failed(f"m{number}", Outcome.REPORTED_FAILURE, None, **facts)
    inference = int(rng.lognormvariate(0.5, 1.2) * SECOND)
    if number % 4 == 0:
        inference = rng.choice(EXACT)
    phases = Phases(
        inference=inference,
        upload=rng.randrange(SECOND),
        round_trip=inference + SECOND,
        tester=0 if number % 7 == 0 else None,
    )
    return good(f"m{number}", phases=phases, **facts)


def _written(settings: Influx, bucket: str, token: str) -> Written:
    """Every value of a bucket of roll-ups since Monday, by series, tags, field and time."""
    query = f'from(bucket: "{bucket}") |> range(start: {MONDAY // SECOND}, stop: {NOW // SECOND})'
    names = ("_measurement", "orchestrator", "region", "pipeline", "model", "every", "_field")
    found: Written = {}
    with InfluxDBClient(settings.url, token, org=settings.org) as client:
        for table in client.query_api().query(query):
            for record in table.records:
                tags = [str(record.values.get(name)) for name in names]
                found[(*tags, record["_time"].isoformat())] = record["_value"]
    return found


@pytest.fixture
def operator(operator: Operator) -> Operator:
    """Somebody with a server that is set up, and a second bucket for what the station computes."""
    operator.influx["retention"] = 0
    assert operator.setup().exit_code == 0
    body = {"orgID": operator.org, "name": "healed", "retentionRules": []}
    operator.call("POST", "/api/v2/buckets", body)
    return operator


def _run_all(operator: Operator) -> None:
    found = operator.named("tasks")
    for hour in range(TASK_HOURS, 24 + 1, TASK_HOURS):
        moment = _moment(MONDAY + hour * HOUR + 120 * SECOND)
        assert operator.run_of(found[HOURLY]["id"], moment) == "success"
    assert operator.run_of(found[DAILY]["id"], _moment(MONDAY + DAY + 4 * HOUR)) == "success"


async def test_tasks_write_what_heal_writes_and_a_second_run_changes_nothing(
    operator: Operator,
) -> None:
    rng = random.Random(8)
    settings = operator.settings
    every = SecretStr(operator.server.token)
    tokens = {"token": every, "read_token": every, "rollup_token": every}
    second = settings.model_copy(update={"rollup_bucket": "healed", **tokens})
    store = InfluxStore.open(settings, now=lambda: NOW)
    healing = InfluxStore.open(second, now=lambda: NOW)
    try:
        assert not await store.write("box", list(enumerate((_job(rng, n) for n in range(900)), 1)))
        _run_all(operator)
        by_tasks = _written(settings, "rolled up", operator.server.token)
        _run_all(operator)
        assert _written(settings, "rolled up", operator.server.token) == by_tasks

        assert healing.rollups is not None
        assert healing.rollups.heal() == 24
        healed = _written(settings, "healed", operator.server.token)
    finally:
        await store.close()
        await healing.close()
    assert {key[0] for key in by_tasks} == {"ai_job_1h", "ai_job_1d", "rollup"}
    assert len(by_tasks) > 5000
    assert set(by_tasks) == set(healed)
    for key, value in by_tasks.items():
        assert type(value) is type(healed[key]), key
        assert value == pytest.approx(healed[key], rel=1e-9, abs=1e-12), key


def test_the_text_of_a_task_has_the_names_of_any_bucket() -> None:
    odd = Influx(bucket="a ${b} \\ 'c'", rollup_bucket="d")
    assert "bucket = \"a \\x24{b} \\\\ 'c'\"" in tasks(odd)[0].flux

"""`influx check` and `check-config --online` on a real server: what is wrong is told, in words."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.exit_code import ENVIRONMENT, FAILED, OK, USAGE
from exporter.settings.serving import Influx
from exporter.stores.influx_admin import ServerTask
from exporter.stores.influx_check import Level, _clock, _limits, _runs
from exporter.stores.influx_server import Answer, Kind
from tests.services.influx_commands import DAILY, HOURLY, Operator
from tests.services.influx_server import InfluxServer, free_port

DAY = 86400


def test_all_is_well_after_the_set_up(ready: Operator) -> None:
    result = ready.check()
    assert (result.exit_code, result.stderr) == (OK, "")
    assert "WRONG" not in result.stdout
    assert f"task {HOURLY} is there; it has not run yet" in result.stdout
    assert "  hint     the server runs queries with its default limits" in result.stdout
    task = ready.named("tasks")[HOURLY]
    assert ready.run_of(task["id"]) == "success"
    assert f"task {HOURLY} runs; last run: success" in ready.check().stdout


def test_without_an_operator_it_is_said_what_cannot_be_seen(ready: Operator) -> None:
    result = ready.check(operator=False)
    assert (result.exit_code, result.stderr) == (OK, "")
    assert "bucket raw keeps 90 d" in result.stdout
    assert "  not seen the tasks, what else tokens may do, and the limits" in result.stdout


def patch_token(name: str) -> Callable[[Operator], None]:
    def change(ready: Operator) -> None:
        token = ready.tokens()[name]
        ready.call("PATCH", f"/api/v2/authorizations/{token['id']}", {"status": "inactive"})

    return change


def revoke(name: str) -> Callable[[Operator], None]:
    def change(ready: Operator) -> None:
        ready.call("DELETE", f"/api/v2/authorizations/{ready.tokens()[name]['id']}")

    return change


def drop_bucket(name: str) -> Callable[[Operator], None]:
    def change(ready: Operator) -> None:
        ready.call("DELETE", f"/api/v2/buckets/{ready.named('buckets')[name]['id']}")

    return change


def hold(file: str, *permissions: tuple[str, str]) -> Callable[[Operator], None]:
    def change(ready: Operator) -> None:
        (ready.folder / file).write_text(ready.make_token(*permissions))

    return change


def without_read_token(ready: Operator) -> None:
    del ready.influx["read_token_file"]


def of_a_user(fate: Callable[[Operator, str], None]) -> Callable[[Operator], None]:
    def change(ready: Operator) -> None:
        user = ready.call("POST", "/api/v2/users", {"name": f"user of {ready.org}"})["id"]
        token = ready.make_token(("write", "raw"), user=user)
        (ready.folder / "influx-write-token").write_text(token)
        assert ready.check_config("--online").exit_code == OK
        fate(ready, user)

    return change


def suspend(ready: Operator, user: str) -> None:
    ready.call("PATCH", f"/api/v2/users/{user}", {"status": "inactive"})


def dismiss(ready: Operator, user: str) -> None:
    ready.call("DELETE", f"/api/v2/users/{user}")


def other_org(ready: Operator) -> None:
    ready.influx["org"] = "elsewhere"


TROUBLES = [
    (other_org, "InfluxDB has no organisation 'elsewhere': correct `store.influxdb.org`"),
    (drop_bucket("raw"), "InfluxDB has no bucket 'raw' in the organisation"),
    (drop_bucket("rolled up"), "InfluxDB has no bucket 'rolled up' in the organisation"),
    (revoke("livepeer-exporter write"), "store.influxdb.token: InfluxDB does not know this token"),
    (revoke("livepeer-exporter read"), "store.influxdb.read_token: InfluxDB does not know this"),
    (
        patch_token("livepeer-exporter write"),
        "store.influxdb.token: the token, or the user that it belongs to, is inactive",
    ),
    (
        patch_token("livepeer-exporter read"),
        "store.influxdb.read_token: the token, or the user that it belongs to, is inactive",
    ),
    (of_a_user(suspend), "store.influxdb.token: the token, or the user that it belongs to, is"),
    (of_a_user(dismiss), "store.influxdb.token: the token, or the user that it belongs to, is"),
    (
        without_read_token,
        "store.influxdb.token: it may not read the bucket 'raw'; `livepeer-exporter influx setup`",
    ),
    (
        hold("influx-write-token", ("read", "raw")),
        "store.influxdb.token: it may not write the bucket 'raw'",
    ),
    (
        hold("influx-read-token", ("write", "raw"), ("read", "rolled up")),
        "store.influxdb.read_token: it may not read the bucket 'raw'",
    ),
    (
        hold("influx-read-token", ("read", "raw")),
        "store.influxdb.read_token: it may not read the bucket 'rolled up'",
    ),
    (
        hold("influx-rollup-token", ("read", "raw"), ("read", "rolled up"), ("write", "raw")),
        "store.influxdb.rollup_token: it may not write the bucket 'rolled up'",
    ),
    (
        hold("influx-rollup-token", ("write", "rolled up"), ("write", "raw"), ("read", "raw")),
        "store.influxdb.rollup_token: it may not read the bucket 'rolled up'",
    ),
]


@pytest.mark.parametrize(("damage", "words"), TROUBLES)
def test_each_trouble_is_told_by_both_commands(
    ready: Operator, damage: Callable[[Operator], None], words: str
) -> None:
    damage(ready)
    result = ready.check(operator=False)
    assert result.exit_code == FAILED
    assert f"WRONG    {words}" in result.stdout
    config = ready.check_config("--online")
    assert config.exit_code == ENVIRONMENT
    assert "but the store cannot be used:\n" in config.stderr
    assert f"  {words}" in config.stderr


def test_nothing_is_written_to_find_it_out(ready: Operator) -> None:
    ready.check()
    ready.check_config("--online")
    query = 'from(bucket: "raw") |> range(start: 0) |> limit(n: 1)'
    where = f"/api/v2/query?orgID={ready.org}"
    answer = ready.server.call("POST", where, {"query": query})
    assert (answer.status_code, answer.text.strip()) == (200, "")


def test_a_file_without_the_flag_asks_nobody(ready: Operator) -> None:
    ready.influx["url"] = f"http://127.0.0.1:{free_port()}"
    assert ready.check_config().exit_code == OK


def test_a_retention_that_differs_is_told_with_and_without_an_operator(ready: Operator) -> None:
    ready.influx["retention"] = 30 * DAY
    for operator in (True, False):
        result = ready.check(operator=operator)
        assert result.exit_code == FAILED
        assert "WRONG    bucket raw keeps 90 d, the settings say 30 d" in result.stdout


def test_a_task_that_is_gone_inactive_outdated_or_doubled_is_told(ready: Operator) -> None:
    hourly, daily = (ready.named("tasks")[name] for name in (HOURLY, DAILY))
    where = f"/api/v2/tasks/{hourly['id']}"
    ready.call("DELETE", f"/api/v2/tasks/{daily['id']}")
    ready.call("PATCH", where, {"flux": f"{hourly['flux']}// older\n"})
    result = ready.check()
    assert result.exit_code == FAILED
    assert f"WRONG    task {DAILY} is missing" in result.stdout
    assert f"WRONG    task {HOURLY} has another text" in result.stdout
    ready.call("PATCH", where, {"status": "inactive"})
    assert f"WRONG    task {HOURLY} is inactive" in ready.check().stdout
    ready.call("POST", "/api/v2/tasks", {"orgID": ready.org, "flux": hourly["flux"]})
    assert f"{HOURLY}: there are 2 of it, delete all but one" in ready.check().stdout


def test_a_task_whose_last_run_failed_is_told_with_the_reason(ready: Operator) -> None:
    drop_bucket("raw")(ready)
    task = ready.named("tasks")[HOURLY]
    assert ready.run_of(task["id"]) == "failed"
    result = ready.check()
    assert f"{HOURLY}: its last run failed: error exhausting result iterator" in result.stdout
    assert 'could not find bucket "raw"' in result.stdout


def test_tokens_that_may_do_too_much_are_told(ready: Operator) -> None:
    hold("influx-write-token", ("write", "raw"), ("read", "raw"))(ready)
    hold("influx-read-token", ("write", "raw"), ("read", "raw"), ("read", "rolled up"))(ready)
    (ready.folder / "influx-rollup-token").write_text(ready.server.token)
    result = ready.check(operator=False)
    assert result.exit_code == FAILED
    assert "store.influxdb.token: it may read the bucket" in result.stdout
    assert "store.influxdb.read_token: it may write the bucket 'raw'" in result.stdout
    assert "store.influxdb.rollup_token: it may list tokens" in result.stdout


def test_a_server_that_cannot_be_reached_is_another_exit_code(ready: Operator) -> None:
    ready.influx["url"] = f"http://127.0.0.1:{free_port()}"
    result = ready.check()
    assert (result.exit_code, result.stdout) == (ENVIRONMENT, "")
    assert "nobody listens there" in result.stderr


def test_settings_without_a_server_are_wrong_usage(tmp_path: Path, influx: InfluxServer) -> None:
    someone = Operator(influx, tmp_path)
    path = someone.config
    path.write_text('{"region": "FRA", "sources": {"gateway": [{"url": "http://127.0.0.1:1"}]}}')
    from click.testing import CliRunner

    from exporter.cli.influx import influx as command

    for name in ("check", "setup"):
        result = CliRunner().invoke(command, [name, "--config", str(path)])
        assert result.exit_code == USAGE
        assert "store.influxdb: there is no such section" in result.stderr


# What a test cannot wait for


def ran(**more: Any) -> ServerTask:
    now = datetime.now(UTC)
    known: dict[str, Any] = {
        "id": "1",
        "name": "t",
        "flux": "",
        "active": True,
        "every": "1h",
        "created_at": now - timedelta(days=9),
        "completed_at": now,
        "last_status": "success",
        "last_error": None,
    }
    return ServerTask(**(known | more))


@pytest.mark.parametrize(
    ("task", "level", "words"),
    [
        (ran(), Level.FINE, "runs"),
        (ran(last_status=None), Level.WRONG, "has never run"),
        (ran(last_status=None, created_at=datetime.now(UTC)), Level.FINE, "has not run yet"),
        (
            ran(completed_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
            Level.WRONG,
            "has not run since 2026-01-02 03:04",
        ),
        (
            ran(every="1d", completed_at=datetime.now(UTC) - timedelta(days=2)),
            Level.FINE,
            "runs",
        ),
        (ran(last_status="failed"), Level.WRONG, "last run failed: no reason given"),
    ],
)
def test_a_task_that_stopped_running_is_told(task: ServerTask, level: Level, words: str) -> None:
    finding = _runs(Influx(), "task t", task)
    assert finding.level is level
    assert words in finding.text


@pytest.mark.parametrize(
    ("offset", "level", "words"),
    [
        (1.0, Level.FINE, "agrees"),
        (7.4, Level.WRONG, "7 s ahead of this machine's"),
        (-3600.0, Level.WRONG, "3600 s behind this machine's"),
        (None, Level.UNSEEN, "does not tell"),
    ],
)
def test_clocks_that_differ_are_told(offset: float | None, level: Level, words: str) -> None:
    finding = _clock(Answer(Kind.TWO, "here", None, offset))
    assert finding.level is level
    assert words in finding.text


def test_limits_that_somebody_set_are_fine() -> None:
    finding = _limits({"query-memory-bytes": 2**28, "query-concurrency": 10})
    assert finding.level is Level.FINE

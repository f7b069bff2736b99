"""`influx setup` on a real server makes what is missing, says what it did, and can be repeated."""

import asyncio
import contextlib
import os
import pty
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from exporter.cli.influx import TOKEN_VARIABLE
from exporter.exit_code import ENVIRONMENT, FAILED, OK, USAGE
from exporter.settings.serving import Influx
from exporter.steps import Done
from exporter.stores.influx_access import trouble
from exporter.stores.influx_admin import Admin, Credentials
from exporter.stores.influx_setup import Plan, set_up
from tests.services.influx_commands import DAILY, FILES, HOURLY, Operator, table
from tests.services.influx_server import InfluxServer, binary, free_port

EVERYTHING = [
    "bucket raw",
    "bucket rolled up",
    f"task {HOURLY}",
    f"task {DAILY}",
    "token livepeer-exporter write",
    "token livepeer-exporter read",
    "token livepeer-exporter rollup",
    "token livepeer-exporter grafana",
]
HOUR, DAY = 3600, 86400


def expect(done: str, **others: str) -> dict[str, str]:
    other = {name.replace("_", " "): text for name, text in others.items()}
    return {what: other.get(what, done) for what in EVERYTHING}


def without_org(result: dict[str, str]) -> dict[str, str]:
    return {what: done for what, done in result.items() if not what.startswith("organisation")}


def test_everything_is_made_on_a_server_that_has_nothing(operator: Operator) -> None:
    result = operator.setup()
    assert (result.exit_code, result.stderr) == (OK, "")
    assert without_org(table(result)) == expect("made")
    assert table(result)[f"organisation {operator.influx['org']}"] == "made"
    buckets = operator.named("buckets")
    assert buckets["raw"]["retentionRules"][0]["everySeconds"] == 90 * DAY
    assert buckets["rolled up"]["retentionRules"][0]["everySeconds"] == 0
    assert {task["status"] for task in operator.named("tasks").values()} == {"active"}


def test_each_token_may_do_what_it_is_for_and_no_more(ready: Operator) -> None:
    granted = {
        name: sorted(
            (each["action"], each["resource"]["type"], each["resource"]["name"])
            for each in token["permissions"]
        )
        for name, token in ready.tokens().items()
    }
    read = [("read", "buckets", "raw"), ("read", "buckets", "rolled up")]
    write = [("write", "buckets", "raw"), ("write", "buckets", "rolled up")]
    assert granted == {
        "livepeer-exporter write": [("write", "buckets", "raw")],
        "livepeer-exporter read": read,
        "livepeer-exporter rollup": read + write,
        "livepeer-exporter grafana": read,
    }


def test_tokens_are_kept_in_files_that_only_their_owner_may_read(ready: Operator) -> None:
    assert {path.name for path in ready.folder.iterdir()} == {"config.yaml", *FILES}
    for name in FILES:
        assert stat.S_IMODE((ready.folder / name).stat().st_mode) == 0o600
    listed = {token["token"] for token in ready.tokens().values()}
    assert {ready.token(name) for name in FILES} == listed


def test_the_service_reads_the_files_by_the_settings_that_are_hinted(operator: Operator) -> None:
    hinted = operator.setup().stdout
    for setting, name in (("token", "write"), ("read_token", "read"), ("rollup_token", "rollup")):
        assert f"    {setting}_file: influx-{name}-token\n" in hinted
        token = getattr(operator.settings, setting)
        assert token.get_secret_value() == operator.token(f"influx-{name}-token")
    assert f"Grafana's data source: {operator.folder / 'influx-grafana-token'}" in hinted
    assert operator.check_config("--online").exit_code == OK


def test_a_second_run_changes_nothing(ready: Operator) -> None:
    before = ready.named("buckets"), ready.named("tasks"), ready.tokens()
    result = ready.setup()
    assert (result.exit_code, result.stderr) == (OK, "")
    assert without_org(table(result)) == expect("there")
    assert result.stdout.endswith("nothing to change\n")
    assert (ready.named("buckets"), ready.named("tasks"), ready.tokens()) == before


def test_a_dry_run_says_what_it_would_do_and_does_nothing(operator: Operator) -> None:
    result = operator.setup("--dry-run")
    assert result.exit_code == OK
    assert without_org(table(result)) == expect("would be made")
    assert {path.name for path in operator.folder.iterdir()} == {"config.yaml"}
    with pytest.raises(StopIteration):
        _ = operator.org


def test_a_dry_run_foresees_a_file_that_is_in_the_way(operator: Operator) -> None:
    (operator.folder / "influx-read-token").write_text("of another server\n")
    for more, code in (("--dry-run",), FAILED), (("--dry-run", "--new-tokens"), OK), ((), FAILED):
        result = operator.setup(*more)
        assert result.exit_code == code
        told = table(result)["token livepeer-exporter read"]
        assert told == ("NOT DONE" if code == FAILED else "would be made")
    assert operator.token("influx-read-token") == "of another server"


def test_a_dry_run_on_a_server_that_is_set_up_changes_nothing_either(ready: Operator) -> None:
    ready.influx["retention"] = DAY
    task = ready.named("tasks")[HOURLY]
    ready.call("DELETE", f"/api/v2/tasks/{task['id']}")
    before = ready.named("buckets"), ready.named("tasks"), ready.tokens()
    result = ready.setup("--dry-run")
    assert table(result)["bucket raw"] == "would be changed"
    assert table(result)[f"task {HOURLY}"] == "would be made"
    assert table(result)["token livepeer-exporter read"] == "there"
    assert (ready.named("buckets"), ready.named("tasks"), ready.tokens()) == before


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (HOUR, "keeps 1 h instead of 90 d; WARNING: that is shorter"),
        (200 * DAY, "keeps 200 d instead of 90 d"),
        (0, "keeps for ever instead of 90 d"),
    ],
)
def test_a_changed_retention_is_set_and_a_shorter_one_is_warned_of(
    ready: Operator, seconds: int, words: str
) -> None:
    ready.influx["retention"] = seconds
    result = ready.setup()
    assert table(result)["bucket raw"] == "changed"
    assert words in result.stdout
    assert ("WARNING" in result.stdout) == ("WARNING" in words)
    rules = ready.named("buckets")["raw"]["retentionRules"]
    assert [rule["everySeconds"] for rule in rules] == [seconds]
    assert table(ready.setup())["bucket raw"] == "there"


def test_a_retention_below_an_hour_is_refused_before_anything_is_done(operator: Operator) -> None:
    operator.influx["rollup_retention"] = 1800
    result = operator.setup()
    assert result.exit_code == USAGE
    assert result.stderr.startswith("store.influxdb.rollup_retention: expected at least an hour")


def test_a_task_that_is_gone_inactive_or_outdated_is_mended(ready: Operator) -> None:
    hourly, daily = (ready.named("tasks")[name] for name in (HOURLY, DAILY))
    ready.call("DELETE", f"/api/v2/tasks/{hourly['id']}")
    ready.call("PATCH", f"/api/v2/tasks/{daily['id']}", {"status": "inactive"})
    first = table(ready.setup())
    assert first[f"task {HOURLY}"] == "made"
    assert first[f"task {DAILY}"] == "changed"
    assert ready.named("tasks")[DAILY]["status"] == "active"
    ready.call("PATCH", f"/api/v2/tasks/{daily['id']}", {"flux": f"{daily['flux']}// older\n"})
    second = ready.setup()
    assert table(second)[f"task {DAILY}"] == "changed"
    assert "its text is brought up to date" in second.stdout
    assert ready.named("tasks")[DAILY]["flux"] == daily["flux"]


def test_a_task_that_is_there_twice_is_left_to_the_operator(ready: Operator) -> None:
    task = ready.named("tasks")[HOURLY]
    ready.call("POST", "/api/v2/tasks", {"orgID": ready.org, "flux": task["flux"]})
    result = ready.setup()
    assert result.exit_code == FAILED
    assert "there are 2 of this name: delete all but one" in result.stdout


def test_names_are_safe_within_a_task(influx: InfluxServer, tmp_path: Path) -> None:
    odd = {"bucket": 'raw ${now()} \\ "'.replace('"', "'"), "rollup_bucket": "up \\x41 ${1}"}
    someone = Operator(influx, tmp_path, odd)
    assert someone.setup().exit_code == OK
    for task in someone.named("tasks").values():
        assert someone.run_of(task["id"]) == "success"


def test_a_token_whose_file_is_missing_is_replaced_only_when_told_to(ready: Operator) -> None:
    old = ready.token("influx-read-token")
    (ready.folder / "influx-read-token").unlink()
    result = ready.setup()
    assert result.exit_code == FAILED
    assert table(result)["token livepeer-exporter read"] == "NOT DONE"
    assert "--new-tokens makes a new one" in result.stdout
    assert not (ready.folder / "influx-read-token").exists()
    other = ready.token("influx-write-token")
    result = ready.setup("--new-tokens")
    assert result.exit_code == OK
    assert table(result)["token livepeer-exporter read"] == "changed"
    assert table(result)["token livepeer-exporter write"] == "there"
    assert ready.token("influx-write-token") == other
    new = ready.token("influx-read-token")
    assert new != old
    assert old not in {token["token"] for token in ready.tokens().values()}
    assert old not in "\n".join(ready.said)


def revoke(ready: Operator) -> None:
    token = ready.tokens()["livepeer-exporter write"]
    ready.call("DELETE", f"/api/v2/authorizations/{token['id']}")


def mistype(ready: Operator) -> None:
    (ready.folder / "influx-write-token").write_text("mistyped\n")


def mix_up(ready: Operator) -> None:
    (ready.folder / "influx-write-token").write_text(ready.token("influx-read-token"))


def empty(ready: Operator) -> None:
    (ready.folder / "influx-write-token").write_text("")


def make_bucket_anew(ready: Operator) -> None:
    ready.call("DELETE", f"/api/v2/buckets/{ready.named('buckets')['raw']['id']}")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (revoke, "the server has no token of this name"),
        (mistype, "the server does not know the token in"),
        (mix_up, "holds a token that is for something else"),
        (empty, "holds no token that can be read"),
        (make_bucket_anew, "has other permissions than it needs"),
    ],
)
def test_a_token_that_does_not_fit_is_replaced_only_when_told_to(
    ready: Operator, damage: Callable[[Operator], None], words: str
) -> None:
    damage(ready)
    held = (ready.folder / "influx-write-token").read_text()
    result = ready.setup()
    assert result.exit_code == FAILED
    assert words in result.stdout
    assert (ready.folder / "influx-write-token").read_text() == held
    assert ready.setup("--new-tokens").exit_code == OK
    assert stat.S_IMODE((ready.folder / "influx-write-token").stat().st_mode) == 0o600
    assert ready.setup().stdout.endswith("nothing to change\n")
    assert ready.check_config("--online").exit_code == OK


def test_an_inactive_token_is_activated(ready: Operator) -> None:
    token = ready.tokens()["livepeer-exporter write"]
    ready.call("PATCH", f"/api/v2/authorizations/{token['id']}", {"status": "inactive"})
    assert ready.check_config("--online").exit_code == ENVIRONMENT
    result = ready.setup()
    assert table(result)["token livepeer-exporter write"] == "changed"
    assert ready.check_config("--online").exit_code == OK


def test_a_token_is_not_made_where_its_file_cannot_be(operator: Operator, tmp_path: Path) -> None:
    result = operator.setup("--tokens-to", str(tmp_path / "nowhere"))
    assert result.exit_code == ENVIRONMENT
    assert "there is no such folder for the tokens" in result.stderr
    (tmp_path / "influx-write-token").symlink_to(tmp_path / "elsewhere")
    result = operator.setup()
    assert result.exit_code == FAILED
    assert "livepeer-exporter write" not in operator.tokens()
    assert not (tmp_path / "elsewhere").exists()


def test_tokens_go_to_the_folder_that_is_named(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    result = operator.setup("--tokens-to", str(tmp_path / "secrets"))
    assert f"    token_file: {tmp_path / 'secrets' / 'influx-write-token'}\n" in result.stdout
    assert {path.name for path in (tmp_path / "secrets").iterdir()} == set(FILES)


def test_the_token_of_grafana_goes_to_a_folder_of_its_own_for_its_group(
    operator: Operator, tmp_path: Path
) -> None:
    (tmp_path / "grafana").mkdir()
    words = ("--grafana-token-to", str(tmp_path / "grafana"))
    result = operator.setup(*words)
    token = tmp_path / "grafana" / "influx-grafana-token"
    assert f"for Grafana's data source: {token}\n" in result.stdout
    assert stat.S_IMODE(token.stat().st_mode) == 0o640
    assert not (tmp_path / "influx-grafana-token").exists()
    others = [tmp_path / name for name in FILES if name != token.name]
    assert {stat.S_IMODE(path.stat().st_mode) for path in others} == {0o600}
    assert operator.setup(*words).stdout.endswith("nothing to change\n")


def test_without_roll_ups_there_is_one_bucket_and_no_token_for_them(operator: Operator) -> None:
    server = Influx(url=operator.server.url, org=operator.influx["org"], rollup_bucket=None)
    plan = Plan(server, operator.folder)
    with Admin(server, Credentials(SecretStr(operator.server.token))) as admin:
        assert {step.done for step in set_up(admin, plan)} == {Done.MADE}
        assert {step.done for step in set_up(admin, plan)} == {Done.THERE}
    assert operator.named("tasks") == {}
    assert "livepeer-exporter rollup" not in operator.tokens()
    token = {"token": operator.token("influx-write-token")}
    reading = {"read_token": operator.token("influx-read-token")}
    known = Influx.model_validate(server.model_dump() | token | reading)
    assert asyncio.run(trouble(known)) == []


def test_a_token_that_may_not_do_it_is_told(ready: Operator) -> None:
    (ready.folder / "weak").write_text(ready.token("influx-write-token"))
    result = ready.setup("--token-file", str(ready.folder / "weak"))
    assert result.exit_code == FAILED
    assert "an operator's token is needed" in result.stderr
    (ready.folder / "wrong").write_text("wrong-token")
    result = ready.setup("--token-file", str(ready.folder / "wrong"))
    assert result.exit_code == FAILED
    assert "InfluxDB does not know the operator's token" in result.stderr
    assert "--new-tokens" not in result.stderr, "that is about the service's tokens"


def test_a_wrong_password_is_told_as_one(operator: Operator) -> None:
    (operator.folder / "password").write_text("not-this-one")
    given = ("--username", "operator", "--password-file", str(operator.folder / "password"))
    result = operator.setup(*given)
    assert result.exit_code == FAILED
    assert "does not let the user 'operator' in: the name or the password is wrong" in result.stderr
    assert "not-this-one" not in result.output


def test_without_any_token_it_is_said_how_to_give_one(operator: Operator) -> None:
    result = operator.setup(operator=False)
    assert result.exit_code == USAGE
    assert "--token-file FILE" in result.stderr


def test_a_token_that_is_asked_for_is_not_shown(operator: Operator) -> None:
    terminal, theirs = pty.openpty()
    command = ["-m", "exporter", "influx", "setup", "--dry-run", "--config", str(operator.config)]
    environ = {name: text for name, text in os.environ.items() if name != TOKEN_VARIABLE}
    asked = subprocess.Popen(
        [sys.executable, *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=environ,
    )
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # the terminal's way of saying that nobody is there
        while chunk := os.read(terminal, 4096):
            said += chunk
            if said.endswith(b"Operator's token: "):
                os.write(terminal, operator.server.token.encode() + b"\n")
    os.close(terminal)
    assert asked.wait(20) == OK
    operator.said.append(said.decode())
    assert b"would be made" in said


def test_settings_with_other_mistakes_are_refused(operator: Operator) -> None:
    operator.influx["org"] = "_hidden"
    result = operator.setup()
    assert result.exit_code == USAGE
    assert "store.influxdb.org" in result.stderr


def test_a_server_that_nobody_answers_for_cannot_be_set_up(operator: Operator) -> None:
    operator.influx["url"] = f"http://127.0.0.1:{free_port()}"
    result = operator.setup()
    assert result.exit_code == ENVIRONMENT
    assert "nobody listens there" in result.stderr


def test_a_fresh_server_is_set_up_with_a_user(tmp_path: Path) -> None:
    binary()
    (tmp_path / "server").mkdir()
    server = InfluxServer(tmp_path / "server", free_port())
    server.start()
    try:
        someone = Operator(server, tmp_path)
        (tmp_path / "password").write_text("open sesame\n")
        user = ("--username", "admin", "--password-file", str(tmp_path / "password"))
        assert someone.setup().exit_code == USAGE
        assert table(someone.setup("--dry-run", operator=False))["bucket raw"] == "would be made"
        assert httpx.get(f"{server.url}/api/v2/setup", trust_env=False).json()["allowed"] is True
        result = someone.setup(*user, operator=False)
        assert (result.exit_code, result.stderr) == (OK, "")
        assert "set up, with the user admin" in result.stdout
        assert table(result)["token livepeer-exporter write"] == "made"
        again = someone.setup(*user, operator=False)
        assert again.stdout.endswith("nothing to change\n")
        assert someone.check(*user, operator=False).exit_code == OK
        (tmp_path / "password").write_text("open barley\n")
        assert someone.setup(*user, operator=False).exit_code == FAILED
        assert "open sesame" not in "\n".join(someone.said)
    finally:
        server.kill()


ALL_ACCESS = ("authorizations", "buckets", "tasks")


def all_access(someone: Operator, *, user: str | None) -> str:
    """A token of one organisation, as InfluxDB's pages make it; `user`: whom it may act for."""
    org = someone.org
    resources = [{"type": kind, "orgID": org} for kind in ALL_ACCESS]
    resources.append({"type": "orgs", "id": org})
    if user is not None:
        resources.append({"type": "users", "id": user})
    granted = [
        {"action": action, "resource": resource}
        for resource in resources
        for action in ("read", "write")
    ]
    body = {"orgID": org, "description": "all access", "permissions": granted}
    path = someone.folder / "all-access"
    path.write_text(someone.call("POST", "/api/v2/authorizations", body)["token"])
    return str(path)


def test_an_all_access_token_of_the_organisation_is_enough(operator: Operator) -> None:
    operator.call("POST", "/api/v2/orgs", {"name": operator.influx["org"]})
    me = operator.call("GET", "/api/v2/me")["id"]
    token = all_access(operator, user=me)
    result = operator.setup("--token-file", token)
    assert (result.exit_code, result.stderr) == (OK, "")
    assert table(result)["token livepeer-exporter grafana"] == "made"
    assert operator.setup("--token-file", token).stdout.endswith("nothing to change\n")
    checked = operator.check("--token-file", token)
    assert checked.exit_code == OK
    assert "not seen the limits on queries: the token may not do this" in checked.stdout


def test_a_token_that_may_make_no_tokens_is_told_and_leaves_no_file(operator: Operator) -> None:
    operator.call("POST", "/api/v2/orgs", {"name": operator.influx["org"]})
    result = operator.setup("--token-file", all_access(operator, user=None))
    assert result.exit_code == FAILED
    assert table(result)[f"task {HOURLY}"] == "made"
    assert "the token may not do this in InfluxDB: write:users/" in result.stderr
    assert {path.name for path in operator.folder.iterdir()} == {"config.yaml", "all-access"}


def test_a_task_runs_with_what_its_owner_may_do_in_the_organisation(ready: Operator) -> None:
    """Not with what the token may do that made it, so no token can narrow it."""
    body = {
        "orgID": ready.org,
        "description": "tasks only",
        "permissions": [
            {"action": action, "resource": {"type": "tasks", "orgID": ready.org}}
            for action in ("read", "write")
        ],
    }
    token = ready.call("POST", "/api/v2/authorizations", body)["token"]
    flux = (
        'option task = {name: "weak", every: 1h}\n'
        'from(bucket: "raw") |> range(start: -1h) |> to(bucket: "rolled up")'
    )
    made = httpx.post(
        f"{ready.server.url}/api/v2/tasks",
        json={"orgID": ready.org, "flux": flux},
        headers={"Authorization": f"Token {token}"},
        trust_env=False,
    )
    assert made.status_code == httpx.codes.CREATED
    assert ready.run_of(made.json()["id"]) == "success"

"""`dashboards push`, as an operator uses it, at a stand-in for Grafana over HTTP."""

import json
import ssl
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import CliRunner, Result

from exporter.cli.dashboards import TOKEN_VARIABLE, dashboards
from exporter.grafana.boards import Edition, boards
from tests.grafana.stand_in import PASSWORD, TOKEN, USER, GrafanaStandIn, serving

INFLUX_TOKEN = "a-very-secret-influx-token"
SECRETS = (TOKEN, PASSWORD, INFLUX_TOKEN)
ONE = boards(Edition.PROMETHEUS)[0]


class Operator:
    """Somebody who pushes dashboards to a Grafana."""

    def __init__(self, grafana: GrafanaStandIn, url: str, folder: Path) -> None:
        self.grafana, self.url, self.folder = grafana, url, folder
        for name, text in (("token", TOKEN), ("pass", PASSWORD), ("influx", INFLUX_TOKEN)):
            (folder / name).write_text(f"{text}\n")
        self.influx = (
            *("--influxdb-url", "http://127.0.0.1:8086", "--org", "mine"),
            *("--influxdb-token-file", str(folder / "influx")),
        )

    def push(self, *more: str, url: str | None = None, token: bool = True) -> Result:
        access = ("--token-file", str(self.folder / "token")) if token else ()
        done = CliRunner().invoke(
            dashboards, ["push", "--grafana", url or self.url, *access, *more]
        )
        assert not any(secret in done.output for secret in SECRETS)
        return done


@pytest.fixture
def grafana() -> GrafanaStandIn:
    return GrafanaStandIn()


@pytest.fixture
def operator(
    grafana: GrafanaStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Operator]:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    with serving(grafana) as url:
        yield Operator(grafana, url, tmp_path)


def test_it_makes_folders_sources_and_dashboards(operator: Operator) -> None:
    done = operator.push("--prometheus-url", "http://127.0.0.1:9090/", *operator.influx)
    assert done.exit_code == 0, done.output
    grafana = operator.grafana
    assert [one["title"] for one in grafana.folders] == ["Livepeer AI", "Livepeer AI (InfluxDB)"]
    assert grafana.sources["livepeer-ai-prometheus"]["url"] == "http://127.0.0.1:9090"
    assert grafana.sources["livepeer-ai-influxdb"]["jsonData"]["organization"] == "mine"
    assert grafana.secrets["livepeer-ai-influxdb"] == {"token": INFLUX_TOKEN}
    expected = {board.uid for edition in Edition for board in boards(edition)}
    assert grafana.dashboards.keys() == expected
    for uid, one in grafana.dashboards.items():
        variable = one["dashboard"]["templating"]["list"][0]
        assert variable["current"]["value"] == f"livepeer-ai-{variable['query']}"
        assert one["meta"]["folderTitle"].endswith("(InfluxDB)") == uid.endswith("-influxdb")


def test_repeating_it_changes_nothing(operator: Operator) -> None:
    asked = ("--prometheus-url", "http://127.0.0.1:9090")
    operator.push(*asked)
    before = deepcopy(operator.grafana.__dict__ | {"asked": None})
    operator.grafana.asked.clear()
    done = operator.push(*asked)
    assert done.exit_code == 0
    assert done.output.endswith("nothing to change\n")
    assert operator.grafana.writes == []
    assert deepcopy(operator.grafana.__dict__ | {"asked": None}) == before


def test_a_dry_run_tells_the_same_and_changes_nothing(operator: Operator) -> None:
    asked = ("--prometheus-url", "http://127.0.0.1:9090", *operator.influx)
    dry = operator.push(*asked, "--dry-run")
    assert operator.grafana.writes == []
    wet = operator.push(*asked)
    # The first line is the address.
    said = dry.output.replace("would be made", "made         ").splitlines()
    assert said == wet.output.splitlines()


def test_only_what_is_asked_for_is_made(operator: Operator) -> None:
    done = operator.push(*operator.influx, "--folder", "Mine", "--bucket", "other")
    assert done.exit_code == 0
    assert list(operator.grafana.sources) == ["livepeer-ai-influxdb"]
    assert [one["title"] for one in operator.grafana.folders] == ["Mine (InfluxDB)"]
    for one in operator.grafana.dashboards.values():
        bucket = one["dashboard"]["templating"]["list"][1]
        assert (bucket["query"], bucket["current"]["value"]) == ("other", "other")


def test_what_differs_is_brought_up_to_date(operator: Operator) -> None:
    operator.push("--edition", "prometheus")
    there = operator.grafana.dashboards[ONE.uid]
    there["dashboard"]["panels"] = []
    done = operator.push("--edition", "prometheus")
    assert done.exit_code == 0
    assert f"changed           dashboard {ONE.title}" in done.output
    now = operator.grafana.dashboards[ONE.uid]["dashboard"]
    assert now["panels"] == ONE.document["panels"]
    assert now["version"] == 2


def test_a_user_may_sign_in_with_a_password(operator: Operator) -> None:
    password = ("--user", USER, "--password-file", str(operator.folder / "pass"))
    assert operator.push(*password, token=False).exit_code == 0


def test_a_token_may_come_from_the_environment(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert operator.push(token=False).exit_code == 2
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    assert operator.push(token=False).exit_code == 0


def test_a_dashboard_of_somebody_else_is_left_alone(operator: Operator) -> None:
    theirs = {"uid": ONE.uid, "title": "Theirs", "tags": [], "version": 7}
    operator.grafana.put(dict(theirs), "elsewhere")
    done = operator.push("--edition", "prometheus")
    assert done.exit_code == 1
    assert "'Theirs' in the folder 'General'" in done.output
    assert operator.grafana.dashboards[ONE.uid]["dashboard"] == theirs
    assert len(operator.grafana.dashboards) == len(boards(Edition.PROMETHEUS))


def test_a_dashboard_of_the_same_title_is_left_alone(operator: Operator) -> None:
    operator.grafana.folders.append({"uid": "f", "title": "Livepeer AI"})
    theirs = {"uid": "theirs", "title": ONE.title, "version": 7}
    operator.grafana.put(dict(theirs), "f")
    done = operator.push("--edition", "prometheus")
    assert done.exit_code == 1
    assert f"another dashboard in this folder is called '{ONE.title}'" in done.output
    assert operator.grafana.dashboards["theirs"]["dashboard"] == theirs


def test_ours_is_moved_back_from_another_folder(operator: Operator) -> None:
    operator.push("--edition", "prometheus")
    operator.grafana.folders.append({"uid": "else", "title": "Elsewhere"})
    operator.grafana.put(operator.grafana.dashboards[ONE.uid]["dashboard"], "else")
    done = operator.push("--edition", "prometheus")
    assert "moved here from the folder 'Elsewhere'" in done.output
    assert operator.grafana.dashboards[ONE.uid]["meta"]["folderTitle"] == "Livepeer AI"


def test_a_provisioned_dashboard_cannot_be_saved_and_the_others_are(operator: Operator) -> None:
    operator.push("--edition", "prometheus")
    for board in boards(Edition.PROMETHEUS):
        operator.grafana.dashboards[board.uid]["dashboard"]["panels"] = []
    operator.grafana.provisioned.add(ONE.uid)
    done = operator.push("--edition", "prometheus")
    assert done.exit_code == 1
    assert "it comes from files of this Grafana (provisioning)" in done.output
    assert done.output.count("changed") == len(boards(Edition.PROMETHEUS)) - 1


def test_who_changes_it_at_the_same_moment_is_not_overwritten(operator: Operator) -> None:
    mismatch = 412, {"status": "version-mismatch", "message": "changed"}
    operator.grafana.refused["POST /api/dashboards/db"] = mismatch
    done = operator.push()
    assert done.exit_code == 1
    assert "somebody else changed it at this moment" in done.output


def test_a_provisioned_source_is_left_alone(operator: Operator) -> None:
    there = {"uid": "livepeer-ai-prometheus", "name": "P", "type": "prometheus", "readOnly": True}
    operator.grafana.sources["livepeer-ai-prometheus"] = dict(there)
    done = operator.push("--prometheus-url", "http://127.0.0.1:9090")
    assert done.exit_code == 0
    assert operator.grafana.sources["livepeer-ai-prometheus"] == there


def test_a_source_of_ours_is_updated_and_keeps_what_others_set(operator: Operator) -> None:
    operator.push("--prometheus-url", "http://127.0.0.1:9090")
    operator.grafana.sources["livepeer-ai-prometheus"]["isDefault"] = True
    operator.grafana.sources["livepeer-ai-prometheus"]["jsonData"]["tlsSkipVerify"] = True
    operator.push("--prometheus-url", "http://127.0.0.1:9999")
    source = operator.grafana.sources["livepeer-ai-prometheus"]
    assert (source["url"], source["isDefault"]) == ("http://127.0.0.1:9999", True)
    assert source["jsonData"]["tlsSkipVerify"] is True


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({"uid": "livepeer-ai-prometheus", "name": "x", "type": "loki"}, "is of type 'loki'"),
        ({"uid": "x", "name": "Livepeer AI (Prometheus)", "type": "prometheus"}, "rename it"),
    ],
)
def test_a_source_of_somebody_else_is_left_alone(
    operator: Operator, there: dict[str, Any], said: str
) -> None:
    operator.grafana.sources[there["uid"]] = dict(there)
    done = operator.push("--prometheus-url", "http://127.0.0.1:9090")
    assert done.exit_code == 1
    assert said in done.output
    assert operator.grafana.sources == {there["uid"]: there}


@pytest.mark.parametrize(
    ("request_", "answer", "code", "said"),
    [
        ("GET /api/folders", (401, {"message": f"no {TOKEN}"}), 1, "has expired"),
        ("GET /api/folders", (403, {"message": "Access denied"}), 1, "the role Editor"),
        ("POST /api/folders", (403, {"message": "Access denied"}), 1, "NOT DONE          folder"),
        ("POST /api/folders", (409, {"message": "exists"}), 1, "this account cannot see"),
        ("POST /api/dashboards", (403, {"message": "denied"}), 1, "NOT DONE          dashboard"),
        (
            "POST /api/dashboards",
            (400, {"message": "bad\x1b[2J"}),
            1,
            "refused it (400): bad\ufffd",
        ),
        ("POST /api/dashboards", (500, {"message": "oh"}), 1, "was answered 500: oh"),
        ("GET /api/health", (302, "/login"), 3, "looks like a sign-in"),
        ("GET /api/folders", (302, "https://sso.example.org/?secret=1"), 3, "https://sso.example"),
        ("GET /api/folders", (302, "/grafana/api/folders"), 3, "redirects to /grafana/api"),
        ("GET /api/health", (200, "<html>"), 3, "not Grafana's API"),
        ("GET /api/health", (404, {"message": "Not found"}), 3, "is no Grafana"),
        ("GET /api/health", (401, {}), 3, "in front of Grafana asks for a password"),
        ("GET /api/health", (200, [1]), 3, "is no Grafana"),
        ("GET /api/folders", (200, {"a": 1}), 3, "its list of folders is none"),
        ("GET /api/dashboards", (200, ["odd"]), 1, "none of ours"),
        ("GET /api/health", (503, {"database": "failing", "version": "11.2.0"}), 0, "Grafana 11.2"),
    ],
)
def test_what_goes_wrong_is_said(
    operator: Operator, request_: str, answer: tuple[int, Any], code: int, said: str
) -> None:
    operator.grafana.refused[request_] = answer
    done = operator.push()
    assert said in done.output
    assert done.exit_code == code
    assert "secret=1" not in done.output


def test_a_grafana_that_is_too_old_is_not_touched(operator: Operator) -> None:
    operator.grafana.version = "10.4.19"
    done = operator.push()
    assert done.exit_code == 3
    assert "is a Grafana 10.4.19; the dashboards need 11 or newer" in done.output
    assert operator.grafana.asked == ["GET /api/health"]


def test_a_grafana_that_hides_its_version_is_taken(operator: Operator) -> None:
    operator.grafana.version = None
    done = operator.push()
    assert done.exit_code == 0
    assert "is a Grafana of unknown version" in done.output


def test_nobody_who_answers_is_told(operator: Operator) -> None:
    done = operator.push(url="http://127.0.0.1:9")
    assert done.exit_code == 3
    assert "nobody answers there" in done.output


def test_a_certificate_has_to_be_trusted(operator: Operator) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(operator.folder / "ca.pem"))
    with serving(operator.grafana, context) as url:
        done = operator.push(url=url)
        assert done.exit_code == 3
        assert "its certificate is not trusted" in done.output
        assert operator.push("--ca", str(operator.folder / "ca.pem"), url=url).exit_code == 0
    plain = operator.push(url=operator.url.replace("http:", "https:"))
    assert "it does not speak TLS there" in plain.output


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:3000",
        "ftp://127.0.0.1",
        "http://",
        f"http://admin:{PASSWORD}@127.0.0.1:3000",
        f"http://127.0.0.1:3000/?token={TOKEN}",
        "http://[::1",
    ],
)
def test_an_address_that_cannot_be_is_refused_and_not_repeated(
    operator: Operator, url: str
) -> None:
    done = operator.push(url=url)
    assert done.exit_code == 2
    assert done.output.startswith("--grafana: ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--user", "admin"), "belong together"),
        (("--influxdb-url", "http://127.0.0.1:8086"), "belong together"),
        (("--token-file", "/nowhere"), "there is no such file"),
    ],
)
def test_wrong_usage_is_said(operator: Operator, options: tuple[str, ...], said: str) -> None:
    done = operator.push(*options)
    assert done.exit_code == 2
    assert said in done.output
    assert operator.grafana.asked == []


def test_a_secret_of_two_lines_is_refused(operator: Operator) -> None:
    (operator.folder / "token").write_text(f"{TOKEN}\nmore\n")
    done = operator.push()
    assert done.exit_code == 2
    assert "more than one line" in done.output


def test_nothing_of_ours_is_shown_by_what_is_kept_in_memory(operator: Operator) -> None:
    from exporter.grafana.sources import Source
    from exporter.grafana.talk import Access

    shown = repr(Access(TOKEN, USER, PASSWORD)) + repr(
        Source(edition=Edition.INFLUXDB, url="http://x", token=INFLUX_TOKEN)
    )
    assert not any(secret in shown for secret in SECRETS)
    assert json.dumps(operator.grafana.dashboards) == "{}"

import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from exporter.alerting import ThresholdError, Thresholds, alerts
from exporter.alerting.export import files
from exporter.alerting.generate import FOLDER, there, wanted
from exporter.alerting.grafana import PATH as GRAFANA
from exporter.alerting.thresholds import option
from exporter.cli import cli
from exporter.cli.config_words import Duration
from exporter.exit_code import ENVIRONMENT, FAILED, OK, USAGE
from exporter.made_files import differing, make
from tests.alerting.prometheus_tools import ran
from tests.alerting.worlds import ADDRESS


def export(*options: str) -> Result:
    return CliRunner().invoke(cli, ["config", "export", *options])


def rules(folder: Path) -> dict[tuple[str, str], str]:
    return {
        (rule["alert"], rule["labels"]["severity"]): rule["expr"]
        for path in (folder / "prometheus" / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


def test_what_is_committed_is_what_the_source_says() -> None:
    assert differing(wanted(), there(wanted())) == [], "`make docs` writes it anew"


def test_a_file_that_lacks_differs_or_should_not_be_there_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "rules" / "a.yml"
    assert differing({path: "text"}, there([path])) == [path]
    make({path: "text"}, there([path]), root=tmp_path, check=False)
    assert differing({path: "text"}, there([path])) == []
    path.write_text("another")
    (path.parent / "b.yml").write_text("text")
    assert differing({path: "text"}, there([path])) == [path, path.parent / "b.yml"]
    make({path: "text"}, there([path]), root=tmp_path, check=False)
    assert differing({path: "text"}, there([path])) == []


def test_prometheus_and_alertmanager_take_what_is_committed() -> None:
    said = ran("promtool", "check", "config", str(FOLDER / "prometheus" / "prometheus.yml"))
    assert said.count("SUCCESS") == 5
    ran("amtool", "check-config", str(FOLDER / "alertmanager" / "alertmanager.yml"))


def test_by_itself_it_writes_what_is_committed(tmp_path: Path) -> None:
    result = export("--dir", str(tmp_path))
    assert result.exit_code == OK
    written = {str(path.relative_to(tmp_path)): path for path in tmp_path.rglob("*.y*ml")}
    assert {name: path.read_text() for name, path in written.items()} == files()
    for name, path in written.items():
        assert path.read_bytes() == (FOLDER / name).read_bytes()
        assert f"{path}: written\n" in result.output


def test_other_thresholds_are_in_the_rules_and_promtool_takes_them(tmp_path: Path) -> None:
    options = ("--warning", "2", "--critical", "4", "--success-window", "12h", "--untested", "2h")
    assert export("--dir", str(tmp_path), *options).exit_code == OK
    found = rules(tmp_path)
    assert ">= 2\n" in found["LivepeerAiConsecutiveFailures", "warning"]
    assert ">= 4\n" in found["LivepeerAiConsecutiveFailures", "critical"]
    assert "[12h]" in found["LivepeerAiSuccessLow", "warning"]
    assert "> 7200" in found["LivepeerAiNothingTested", "critical"]
    ran("promtool", "check", "config", str(tmp_path / "prometheus" / "prometheus.yml"))


@pytest.mark.parametrize("threshold", fields(Thresholds), ids=lambda one: str(one.name))
def test_every_threshold_is_an_option_that_changes_the_rules(
    tmp_path: Path, threshold: object
) -> None:
    name = threshold.name  # type: ignore[attr-defined]
    value = getattr(Thresholds(), name)
    other = value * 1.1 if isinstance(value, float) else value + 1
    kind = threshold.metadata["kind"]  # type: ignore[attr-defined]
    text = f"{other}s" if kind == "duration" else f"{other:g}"
    result = export("--dir", str(tmp_path), option(threshold), text)  # type: ignore[arg-type]
    assert result.exit_code == OK, result.output
    changes: dict[str, Any] = {name: other}
    assert alerts(replace(Thresholds(), **changes)) != alerts()
    changed = [
        path
        for path in tmp_path.rglob("*.yml")
        if path.read_text() != (FOLDER / path.relative_to(tmp_path)).read_text()
    ]
    assert changed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--critical", "3"), "--critical 3 is not above --warning 3"),
        (("--warning", "0"), "--warning: expected a number from 1 to 1000000, found 0"),
        (("--success-warning", "1.5"), "--success-warning: expected a share above 0 and below 1"),
        (("--success-warning", "nan"), "--success-warning: expected a share above 0 and below 1"),
        (("--success-critical", "0.9"), "--success-critical 0.9 is not below --success-warning"),
        (("--latency-past-factor", "0.5"), "--latency-past-factor must be above 1"),
        (("--latency-excess", "inf"), "--latency-excess: expected a number above 0"),
        (("--untested", "10s"), "--untested: expected a time from 1m to 90d, found 10 s"),
        (("--untested", "2 hours"), "expected a number with s, m, h or d, such as 15m"),
        (("--gap", "5m"), "--down-for must be below --gap"),
        (("--vanished-memory", "20m"), "--vanished-memory must be longer than"),
        (("--owner", "0x12=http://a/"), "expected 0x and 40 hexadecimal digits"),
        (("--owner", f"{ADDRESS}"), "expected ADDRESS=URL"),
        (("--owner", f"{ADDRESS}=ftp://a"), "expected a URL such as https://"),
        (("--operator-url", "http://u:p@a/"), "without a password: give it as --token-file"),
        (("--owner", f"{ADDRESS}=http://a", "--owner", f"{ADDRESS.lower()}=http://b"), "once"),
        (("--token-file", "t"), "there is no webhook to send the token to"),
        (("--job", "(["), "expected a regular expression"),
        (("--job", '"}'), "without quotes"),
        (("--orchestrator", '"}'), "expected an ETH address, or an id"),
        (("--runbooks", "https://a/{{b}}"), "expected a URL"),
    ],
)
def test_nonsense_is_refused_and_nothing_is_written(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    result = export("--dir", str(tmp_path / "new"), *options)
    assert (result.exit_code, message in " ".join(result.output.split())) == (USAGE, True), (
        result.output
    )
    assert not (tmp_path / "new").exists()


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ThresholdError) as caught:
        Thresholds(consecutive_warning=0, success_warning=2.0)
    assert len(str(caught.value).splitlines()) == 2


def test_what_differs_is_not_written_over_and_then_nothing_is(tmp_path: Path) -> None:
    export("--dir", str(tmp_path))
    mine = tmp_path / "alertmanager" / "alertmanager.yml"
    mine.write_text("mine")
    result = export("--dir", str(tmp_path), "--warning", "2")
    assert result.exit_code == FAILED
    assert str(mine) in result.output
    assert "livepeer-ai-orchestrators.yml" in result.output
    assert "prometheus.yml" not in result.output
    assert mine.read_text() == "mine"
    assert rules(tmp_path) == rules(FOLDER)


def test_force_writes_over_it_and_says_so(tmp_path: Path) -> None:
    export("--dir", str(tmp_path))
    mine = tmp_path / "alertmanager" / "alertmanager.yml"
    mine.write_text("mine")
    result = export("--dir", str(tmp_path), "--force")
    assert result.exit_code == OK
    assert f"{mine}: written over" in result.output
    assert result.output.count("as it was") == 6
    assert not list(tmp_path.rglob("*.new"))


def test_rules_of_before_that_are_not_written_any_more_are_named(tmp_path: Path) -> None:
    export("--dir", str(tmp_path))
    result = export("--dir", str(tmp_path), "--audience", "orchestrator", "--force")
    assert "livepeer-ai-tester.yml: not of these, and still there" in result.output


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "prometheus").write_text("a file")
    result = export("--dir", str(tmp_path))
    assert result.exit_code == ENVIRONMENT
    assert "cannot write" in result.output


def test_only_what_one_orchestrator_wants_to_know(tmp_path: Path) -> None:
    who = ("--audience", "orchestrator", "--orchestrator", ADDRESS.lower(), "--origin", "own")
    result = export("--dir", str(tmp_path), *who, "--runbooks", "https://example.org/repo/")
    assert result.exit_code == OK
    path = tmp_path / "prometheus" / "rules" / "livepeer-ai-orchestrators.yml"
    assert not (path.parent / "livepeer-ai-tester.yml").exists()
    document = yaml.safe_load(path.read_text())
    for rule in (rule for group in document["groups"] for rule in group["rules"]):
        assert f'orchestrator_address=~"{ADDRESS}"' in rule["expr"]
        url = f"https://example.org/repo/docs/runbooks/{rule['alert']}.md"
        assert rule["annotations"]["runbook_url"] == url
    ran("promtool", "check", "rules", str(path))
    document = yaml.safe_load((tmp_path / GRAFANA).read_text())
    for rule in document["groups"][0]["rules"]:
        flux = rule["data"][0]["model"]["query"]
        assert f'contains(value: r.orchestrator, set: ["{ADDRESS.lower()}"])' in flux
        assert 'r.origin == "followed"' not in flux


def test_the_rules_of_grafana_ask_the_bucket_that_is_named(tmp_path: Path) -> None:
    assert export("--dir", str(tmp_path), "--bucket", 'a "b"').exit_code == OK
    document = yaml.safe_load((tmp_path / GRAFANA).read_text())
    for rule in document["groups"][0]["rules"]:
        flux = rule["data"][0]["model"]["query"]
        assert flux.count("from(bucket: ") == flux.count('from(bucket: "a \\"b\\"")') > 0


def test_a_bucket_without_a_name_is_refused(tmp_path: Path) -> None:
    result = export("--dir", str(tmp_path / "made"), "--bucket", " ")
    assert result.exit_code == USAGE
    assert result.stderr == "livepeer-exporter: --bucket: expected the name of a bucket\n"
    assert not (tmp_path / "made").exists()


def test_owners_are_spelt_as_the_labels_are(tmp_path: Path) -> None:
    owner = f"{ADDRESS.lower()}=http://127.0.0.1:1/a"
    export("--dir", str(tmp_path), "--owner", owner, "--token-file", "/etc/token")
    text = (tmp_path / "alertmanager" / "alertmanager.yml").read_text()
    assert f'orchestrator_address="{ADDRESS}"' in text
    ran("amtool", "check-config", str(tmp_path / "alertmanager" / "alertmanager.yml"))


def test_its_help_is_there_at_once() -> None:
    program = "import sys, exporter.cli.config; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    heavy = {"pydantic", "httpx", "aiohttp", "duckdb", "yaml"}
    assert not heavy & set(done.stdout.decode().split())


def test_every_option_stands_in_the_docs_with_its_default_and_meaning() -> None:
    text = (FOLDER.parent / "docs" / "alerts.md").read_text(encoding="utf-8")
    for one in fields(Thresholds):
        value = getattr(Thresholds(), one.name)
        duration = one.metadata["kind"] == "duration"
        default = Duration.written(value) if duration else f"{value:g}"
        assert f"| `{option(one)}` | {default} | {one.metadata['meaning']} |" in text

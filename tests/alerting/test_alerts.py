import re
from pathlib import Path

import pytest
import yaml

from exporter.alerting import Alert, Audience, Group, Scope, Severity, alerts
from exporter.alerting.alertmanager import alertmanager_file
from exporter.alerting.kept import RULES as KEPT_RULES
from exporter.alerting.money_alerts import BUDGET, UNUSABLE, WORRYING
from exporter.alerting.recordings import RECORDINGS
from exporter.alerting.rule import PREFIX
from exporter.delivery.metric_list import METRICS
from exporter.funds.concerns import TROUBLE, Concern
from exporter.orchestrators import State
from exporter.probe_server import METRICS as PROBE_METRICS
from exporter.probing.scheduling import skips
from exporter.probing.scheduling.rounds import RESULTS

SCRAPED = frozenset({"job", "instance"})
LABELS: dict[str, frozenset[str]] = {
    **{metric.name: frozenset(metric.labels) for metric in METRICS},
    **{name: frozenset(labels) for name, _, labels, _ in PROBE_METRICS},
    "up": frozenset(),
}
EVERY = alerts()
IDS = [f"{one.name} {one.severity}" for one in EVERY]


def known(name: str) -> frozenset[str]:
    """The labels of a metric, also of the series of a histogram or summary."""
    if name in LABELS:
        return LABELS[name] | SCRAPED
    base, _, suffix = name.rpartition("_")
    assert suffix in ("bucket", "sum", "count"), f"there is no metric {name}"
    assert base in LABELS, f"there is no metric {name}"
    return LABELS[base] | SCRAPED | {"le"}


def selectors(expr: str) -> list[tuple[str, list[str]]]:
    """Each metric of an expression, with the labels that it is chosen by."""
    found = re.findall(r'(?<![:\w"])(livepeer_ai_\w+|up)\b(?![:])(?:\{([^}]*)\})?', expr)
    return [(name, re.findall(r'(\w+)\s*[=!]~?"', inner)) for name, inner in found]


def grouped(expr: str) -> set[str]:
    lists = re.findall(r"\b(?:by|on|without|ignoring|group_left) \(([^)]*)\)", expr)
    return {label.strip() for one in lists for label in one.split(",") if label.strip()}


@pytest.mark.parametrize("alert", EVERY, ids=IDS)
def test_every_metric_of_an_alert_is_exposed_with_those_labels(alert: Alert) -> None:
    found = selectors(alert.expr)
    assert found
    for name, labels in found:
        assert set(labels) <= known(name), name
    there = frozenset[str]().union(*(known(name) for name, _ in found))
    assert grouped(alert.expr) <= there


@pytest.mark.parametrize("recording", [*RECORDINGS, *KEPT_RULES], ids=lambda one: str(one.name))
def test_every_metric_of_a_recording_rule_is_exposed_with_those_labels(recording: object) -> None:
    expr = recording.expr  # type: ignore[attr-defined]
    for name, labels in selectors(expr):
        assert set(labels) <= known(name), name
        assert grouped(expr) <= known(name)


def test_recording_rules_say_level_metric_and_operation() -> None:
    recorded = {one.name for one in RECORDINGS}
    assert len(recorded) == len(RECORDINGS)
    for one in RECORDINGS:
        assert re.fullmatch(r"[a-z_]+:livepeer_ai_[a-z_]+:[a-z]+(_[a-z]+)?[0-9a-z]*", one.name)
        used = re.findall(r"\b[a-z]+:livepeer_ai_\w+:\w+", one.expr)
        assert set(used) <= recorded


def test_names_and_severities_tell_alerts_apart() -> None:
    assert len({one.key for one in EVERY}) == len(EVERY)
    for one in EVERY:
        assert re.fullmatch(rf"{PREFIX}[A-Z][A-Za-z]+", one.name)
        assert one.group not in (Group.RECORDING, Group.KEPT)
    for name in {one.name for one in EVERY}:
        ones = [one for one in EVERY if one.name == name]
        assert len({(one.audience, one.group) for one in ones}) == 1


@pytest.mark.parametrize("alert", EVERY, ids=IDS)
def test_texts_are_sentences_for_people(alert: Alert) -> None:
    assert alert.summary[-1] not in ".!"
    assert len(alert.summary) < 160
    assert alert.description.endswith(".")
    used = set(re.findall(r"\$labels\.(\w+)", alert.summary + alert.description))
    there = frozenset[str]().union(*(known(name) for name, _ in selectors(alert.expr)))
    assert used <= there


@pytest.mark.parametrize(
    "alert", [one for one in EVERY if one.audience is Audience.ORCHESTRATOR], ids=str
)
def test_what_orchestrators_get_says_whom_it_is_about_and_heeds_maintenance(alert: Alert) -> None:
    assert "$labels.orchestrator_address" in alert.summary
    assert "unless on (orchestrator_address)" in alert.expr
    assert "livepeer_ai_orchestrator_maintenance" in alert.expr
    assert "livepeer_ai_tester_maintenance" in alert.expr
    mine = next(one for one in alerts(scope=Scope(orchestrators=("me",))) if one.key == alert.key)
    assert 'orchestrator_address=~"me"' in mine.expr


def test_no_alert_for_orchestrators_looks_at_what_is_not_their_own_doing() -> None:
    blameless = ("job_failures_total", "job_attempts_total", "jobs_total", "last_failure")
    for one in EVERY:
        if one.audience is Audience.ORCHESTRATOR:
            names = [name for name, _ in selectors(one.expr)]
            assert not [name for name in names if name.endswith(blameless)]


def test_words_of_label_values_are_those_that_are_exposed() -> None:
    assert set(UNUSABLE) == {str(one) for one in TROUBLE}
    assert set(WORRYING) == {str(one) for one in set(Concern) - TROUBLE}
    text = " ".join(one.expr for one in EVERY)
    for word in (BUDGET, skips.NOT_STORING, skips.NOT_STORED, State.NO_LONGER_LISTED.value):
        assert word in text
    assert BUDGET == skips.BUDGET_SPENT
    assert {"tester_errors", "elsewhere", "unknown"} <= set(RESULTS)


def test_what_alertmanager_names_is_there() -> None:
    document = yaml.safe_load(alertmanager_file())
    names = {one.name for one in EVERY}
    for rule in document["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            label, _, value = re.fullmatch(r'(\w+)(=~|!~|=)"(.*)"', matcher).groups()  # type: ignore[union-attr]
            if label == "alertname" and value != "LivepeerAi.*":
                for name in spelt_out(value):
                    assert name in names
            if label == "severity":
                assert set(value.split("|")) <= {str(one) for one in Severity}


def spelt_out(pattern: str) -> list[str]:
    found = re.fullmatch(r"(\w+)\(([\w|]+)\)", pattern)
    return [found[1] + end for end in found[2].split("|")] if found else [pattern]


# Docs

DOCS = Path(__file__).parents[2] / "docs"
INDEX = (DOCS / "alerts.md").read_text(encoding="utf-8")


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    there = {path.stem for path in (DOCS / "runbooks").iterdir()}
    assert there == {one.name for one in EVERY}
    assert all((DOCS.parent / one.runbook).is_file() for one in EVERY)


@pytest.mark.parametrize("name", sorted({one.name for one in EVERY}))
def test_a_runbook_says_all_that_is_needed(name: str) -> None:
    text = (DOCS / "runbooks" / f"{name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n\n")
    heads = re.findall("^## (.*)$", text, re.MULTILINE)
    audience = next(one.audience for one in EVERY if one.name == name)
    whose = {
        Audience.ORCHESTRATOR: "When it is not your fault",
        Audience.OPERATOR: "What it means for orchestrators",
    }[audience]
    assert heads == ["See it", "What to do", whose, "Silence it"]
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert link.startswith("http") or (DOCS / "runbooks" / link).is_file(), link


def test_every_alert_stands_in_the_index_with_its_severities() -> None:
    for name in {one.name for one in EVERY}:
        severities = ", ".join(str(one.severity) for one in EVERY if one.name == name)
        assert f"| [`{name}`](runbooks/{name}.md) | {severities} | " in INDEX
    assert INDEX.count("](runbooks/") == len({one.name for one in EVERY})


def test_every_recording_rule_stands_in_the_index() -> None:
    for one in (*RECORDINGS, *KEPT_RULES):
        assert f"| `{one.name}` | {one.meaning} |" in INDEX

"""What is provisioned into Grafana: its format, and that it says what Prometheus' rules say.

The schemas have what Grafana 11 reads of such files, by its own source, as far as it is used.
"""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from dashboards.interpolation import Asked, flux
from exporter.alerting import Audience, Scope, Severity, Thresholds, alerts
from exporter.alerting.alertmanager import Receivers
from exporter.alerting.generate import FOLDER
from exporter.alerting.grafana import DATASOURCE, grafana_file
from exporter.alerting.grafana import PATH as RULES
from exporter.alerting.grafana_contacts import PATH as CONTACTS
from exporter.alerting.grafana_contacts import contacts_file
from exporter.alerting.grafana_flux import questions, whole

Json = dict[str, Any]
PROVISIONING = FOLDER / "grafana" / "provisioning"
OWNER = "0x4C1cAB89A4F0941889EaF1457eeD60E087898E0e"


def wrong(name: str, document: Json) -> list[str]:
    path = Path(__file__).parent / "schema" / f"{name}.json"
    validator = Draft202012Validator(json.loads(path.read_text()))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def rules(document: Json) -> Iterator[Json]:
    for group in document["groups"]:
        yield from group["rules"]


@pytest.fixture(scope="module")
def document() -> Json:
    made: Json = yaml.safe_load(grafana_file())
    return made


def test_the_rules_have_the_format(document: Json) -> None:
    assert wrong("alerting", document) == []
    assert wrong("alerting", yaml.safe_load((FOLDER / RULES).read_text())) == []


@pytest.mark.parametrize("kind", ["datasources", "dashboards"])
def test_what_is_provisioned_beside_them_has_the_format(kind: str) -> None:
    (path,) = (PROVISIONING / kind).iterdir()
    assert wrong(kind, yaml.safe_load(path.read_text())) == []


def test_the_rules_ask_the_data_source_that_is_provisioned(document: Json) -> None:
    (path,) = (PROVISIONING / "datasources").iterdir()
    sources = {one["uid"]: one for one in yaml.safe_load(path.read_text())["datasources"]}
    assert sources[DATASOURCE]["type"] == "influxdb"
    assert {rule["data"][0]["datasourceUid"] for rule in rules(document)} == {DATASOURCE}


def _without(key: str) -> Callable[[Json], Any]:
    return lambda rule: rule.pop(key)


@pytest.mark.parametrize(
    "spoil",
    [
        *map(_without, ("uid", "title", "condition", "data", "for")),
        lambda rule: rule.update(uid="x" * 41),
        lambda rule: rule.update(noDataState="Ok"),
        lambda rule: rule["labels"].update(alertname="a"),
        lambda rule: rule["labels"].update(team="$labels.team"),
        lambda rule: rule["data"][0]["relativeTimeRange"].update({"from": 0}),
        lambda rule: rule["data"][2]["model"]["conditions"].append({}),
        lambda rule: rule.update(annotation={}),
    ],
)
def test_the_schema_notices_what_grafana_would_not_take(
    document: Json, spoil: Callable[[Json], Any]
) -> None:
    spoiled = deepcopy(document)
    spoil(next(rules(spoiled)))
    assert wrong("alerting", spoiled)


def test_each_rule_has_an_identity_of_its_own(document: Json) -> None:
    found = list(rules(document))
    assert len({rule["uid"] for rule in found}) == len(found)
    assert len({rule["title"] for rule in found}) == len(found)


def test_every_alert_of_prometheus_is_there_but_that_it_is_not_asked(document: Json) -> None:
    there = {(rule["labels"]["alert"], rule["labels"]["severity"]) for rule in rules(document)}
    missing = {alert.key for alert in alerts()} - there
    assert missing == {("LivepeerAiNotScraped", Severity.WARNING)}


OTHERWISE = {"LivepeerAiTesterDown"}
"""Those that say in InfluxDB's terms what Prometheus has in its own."""


def test_what_they_say_is_what_prometheus_rules_say(document: Json) -> None:
    known = {alert.key: alert for alert in alerts()}
    for rule in rules(document):
        alert = known[rule["labels"]["alert"], Severity(rule["labels"]["severity"])]
        assert rule["annotations"]["runbook_url"] == alert.runbook
        assert rule["labels"]["audience"] == alert.audience
        if alert.name not in OTHERWISE:
            assert rule["for"] == f"{alert.pending}s"
            assert bare(rule["annotations"]["summary"]) == bare(alert.summary)
            assert bare(rule["annotations"]["description"]) == bare(alert.description)


def bare(text: str) -> str:
    """A text without its variables."""
    return re.sub(r"{{.*?}}", "{{}}", text)


def test_texts_name_only_what_the_answer_has(document: Json) -> None:
    asked = {(one.name, str(one.severity)): one for one in questions(Thresholds(), "bucket")}
    for rule in rules(document):
        question = asked[rule["labels"]["alert"], rule["labels"]["severity"]]
        text = str(rule["annotations"])
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= set(question.tags), question.name
        assert set(re.findall(r"\$(?!labels\.)[\w.]+", text)) <= {"$values.B.Value"}, question.name


@pytest.mark.parametrize("bucket", ["livepeer_ai", "my.bucket $__interval v.timeRangeStart"])
def test_grafana_puts_nothing_into_the_questions(bucket: str) -> None:
    asked = Asked(start=0, stop=3600, least=1, scrape=30)
    for question in questions(Thresholds(), bucket):
        text = whole(question, bucket, Scope(orchestrators=(OWNER, "runner.organization")))
        assert flux(text, {}, asked) == text
        assert not re.search(r"\w\.(bucket|defaultBucket|organization|timeRange|windowP)", text)


def test_a_threshold_is_where_prometheus_has_it() -> None:
    at = Thresholds(consecutive_warning=2, consecutive_critical=9, success_warning=0.9)
    document = yaml.safe_load(grafana_file(at))
    bounds = {
        (rule["labels"]["alert"], rule["labels"]["severity"]): rule["data"][2]["model"]
        for rule in rules(document)
    }

    def bound(name: str, severity: str) -> list[float]:
        (condition,) = bounds[f"LivepeerAi{name}", severity]["conditions"]
        found: list[float] = condition["evaluator"]["params"]
        return found

    assert bound("ConsecutiveFailures", "warning") == [1.5]
    assert bound("ConsecutiveFailures", "critical") == [8.5]
    assert bound("SuccessLow", "warning") == [0.9]


def test_of_an_audience_only_its_rules_are_there() -> None:
    document = yaml.safe_load(grafana_file(scope=Scope(audiences=(Audience.OPERATOR,))))
    assert wrong("alerting", document) == []
    assert {rule["labels"]["audience"] for rule in rules(document)} == {"operator"}


CHOSEN = Receivers(
    operator="https://hook.example/$me",
    others="https://hook.example/others",
    owners={OWNER: "https://hook.example/owner"},
    token_file="/run/token",
)


@pytest.mark.parametrize(
    "receivers",
    [
        None,
        Receivers(),
        CHOSEN,
        Receivers(operator="https://a.example"),
        Receivers(owners={OWNER: "https://a.example"}),
    ],
)
def test_contact_points_have_the_format_and_each_policy_has_its_own(
    receivers: Receivers | None,
) -> None:
    document = yaml.safe_load(contacts_file(receivers))
    assert wrong("alerting", document) == []
    names = [one["name"] for one in document["contactPoints"]]
    uids = [one["receivers"][0]["uid"] for one in document["contactPoints"]]
    assert len(set(uids)) == len(names)
    mute_times = [one["name"] for one in document["muteTimes"]]
    for policy in every_policy(document["policies"]):
        assert policy["receiver"] in names
        assert set(policy.get("mute_time_intervals", ())) <= set(mute_times)


def every_policy(policies: list[Json]) -> Iterator[Json]:
    for policy in policies:
        yield policy
        yield from every_policy(policy.get("routes", []))


def told(document: Json, **labels: str) -> str | None:
    """The URL that is told of an alert with these labels; `None`: nobody is."""
    (policy,) = document["policies"]
    while True:
        fitting = [
            one
            for one in policy.get("routes", ())
            if all(labels.get(name) == text for name, _, text in one["object_matchers"])
        ]
        if not fitting:
            break
        policy = fitting[0]
    if "mute_time_intervals" in policy:
        return None
    urls = {one["name"]: one["receivers"][0]["settings"] for one in document["contactPoints"]}
    url: str = urls[policy["receiver"]]["url"]
    return url


@pytest.mark.parametrize("severity", ["critical", "info"])
def test_who_is_told(severity: str) -> None:
    document = yaml.safe_load(contacts_file(CHOSEN))
    operator = told(document, audience="operator", severity=severity)
    assert operator == "https://hook.example/$$me"  # `$$` is a dollar there
    about = {"audience": "orchestrator", "severity": severity}
    assert told(document, **about, orchestrator=OWNER.lower()) == "https://hook.example/owner"
    assert told(document, **about, orchestrator="0x" + "1" * 40) == "https://hook.example/others"
    (settings,) = {
        str(one["receivers"][0]["settings"]["authorization_credentials"])
        for one in document["contactPoints"]
    }
    assert settings == "$__file{/run/token}"


def test_who_has_no_url_is_told_nothing() -> None:
    document = yaml.safe_load(contacts_file(Receivers(operator="https://a.example")))
    assert told(document, audience="operator") == "https://a.example"
    assert told(document, audience="orchestrator", orchestrator=OWNER.lower()) is None


def test_contact_points_lie_where_grafana_does_not_read_them_by_itself() -> None:
    assert (FOLDER / CONTACTS).read_text() == contacts_file()
    assert PROVISIONING not in (FOLDER / CONTACTS).parents

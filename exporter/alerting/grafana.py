"""Grafana-managed rules for those who have InfluxDB and no Prometheus, as Grafana provisions them.

Names, severities, texts and thresholds are those of Prometheus' rules; what is asked stands in
`grafana_flux`. The format is that of Grafana 11's file provisioning.
"""

import hashlib
import re
from typing import Any, Final

from exporter.alerting.catalogue import alerts
from exporter.alerting.grafana_flux import Question, alert_of, questions, whole
from exporter.alerting.prometheus import as_yaml
from exporter.alerting.rule import Alert
from exporter.alerting.scope import Scope
from exporter.alerting.thresholds import Thresholds

PATH: Final = "grafana/provisioning/alerting/livepeer-ai.yaml"
DATASOURCE: Final = "livepeer-ai-influxdb"
FOLDER: Final = "Livepeer AI alerts"
BUCKET: Final = "livepeer_ai"
_INTERVAL: Final = 60
_LONGEST: Final = 26 * 3600
_EXPRESSIONS: Final = "__expr__"
_LABELS: Final = {
    "orchestrator_address": "orchestrator",
    "model_name": "model",
    "instance": "tester",
}
_MADE: Final = (
    "# Made by `livepeer-exporter config export`, for Grafana with InfluxDB and without\n"
    "# Prometheus; docs/alerts.md. Grafana reads it from provisioning/alerting/.\n"
)


def grafana_file(
    at: Thresholds | None = None, scope: Scope | None = None, bucket: str = BUCKET
) -> str:
    """The file with all rules; the data source is known by its uid, `livepeer-ai-influxdb`."""
    at, scope = at or Thresholds(), scope or Scope()
    everything = list(alerts(at, Scope(runbooks=scope.runbooks)))
    rules = [
        _rule(question, alert_of(question, everything), scope, bucket)
        for question in questions(at, bucket, scope)
    ]
    chosen = [rule for rule in rules if rule["labels"]["audience"] in scope.audiences]
    group = {
        "orgId": 1,
        "name": "livepeer-ai",
        "folder": FOLDER,
        "interval": f"{_INTERVAL}s",
        "rules": chosen,
    }
    return _MADE + as_yaml({"apiVersion": 1, "groups": [group]})


def _rule(question: Question, alert: Alert, scope: Scope, bucket: str) -> dict[str, Any]:
    return {
        "uid": _uid(question),
        "title": f"{question.name} ({question.severity})",
        "condition": "C",
        "data": [_asked(question, bucket, scope), _reduced(), _compared(question)],
        "noDataState": question.no_data,
        "execErrState": "Error",
        "for": f"{alert.pending}s",
        "labels": {
            "alert": question.name,
            "severity": str(alert.severity),
            "audience": str(alert.audience),
        },
        "annotations": {
            "summary": _words(alert.summary),
            "description": _words(alert.description),
            "runbook_url": scope.runbooks + alert.runbook,
        },
    }


def _uid(question: Question) -> str:
    """At most 40 characters, as Grafana wants; the same whenever it is made."""
    text = f"{question.name} {question.severity}"
    return f"livepeer-ai-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _asked(question: Question, bucket: str, scope: Scope) -> dict[str, Any]:
    model = {
        "refId": "A",
        "query": whole(question, bucket, scope),
        "intervalMs": 1000,
        "maxDataPoints": 43200,
    }
    return {
        "refId": "A",
        "relativeTimeRange": {"from": _LONGEST, "to": 0},
        "datasourceUid": DATASOURCE,
        "model": model,
    }


def _reduced() -> dict[str, Any]:
    model = {"refId": "B", "type": "reduce", "expression": "A", "reducer": "last"}
    return _expression("B", model)


def _compared(question: Question) -> dict[str, Any]:
    kind, bound = ("gt", question.above) if question.below is None else ("lt", question.below)
    evaluator = {"type": kind, "params": [bound]}
    model = {
        "refId": "C",
        "type": "threshold",
        "expression": "B",
        "conditions": [{"type": "query", "evaluator": evaluator}],
    }
    return _expression("C", model)


def _expression(ref: str, model: dict[str, Any]) -> dict[str, Any]:
    source = {"type": _EXPRESSIONS, "uid": _EXPRESSIONS}
    return {
        "refId": ref,
        "datasourceUid": _EXPRESSIONS,
        "model": {**model, "datasource": source},
    }


def _words(text: str) -> str:
    """The text of a Prometheus alert with Grafana's names for labels and the value."""
    for label, tag in _LABELS.items():
        text = text.replace(f"$labels.{label} ", f"$labels.{tag} ")
    return re.sub(r"\$value\b", "$values.B.Value", text)

"""The rules as Prometheus reads them."""

from collections.abc import Iterable
from typing import Any, Final

import yaml

from exporter.alerting import kept
from exporter.alerting.catalogue import alerts
from exporter.alerting.promql import duration
from exporter.alerting.recordings import RECORDINGS
from exporter.alerting.rule import Alert, Audience, Group
from exporter.alerting.scope import Scope
from exporter.alerting.thresholds import Thresholds

_FILES: Final = {
    Audience.ORCHESTRATOR: "livepeer-ai-orchestrators.yml",
    Audience.OPERATOR: "livepeer-ai-tester.yml",
}
_RECORDING: Final = "livepeer-ai-recording.yml"
_MADE: Final = "# Made by `livepeer-exporter config export`, which takes other thresholds; "


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are, indents lists, and repeats what is there twice."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - pyyaml's interface
        return True

    def increase_indent(
        self,
        flow: bool = False,  # noqa: FBT001, FBT002 - pyyaml's interface
        indentless: bool = False,  # noqa: ARG002, FBT001, FBT002 - pyyaml's interface
    ) -> None:
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(document: dict[str, Any]) -> str:
    """A document, in the order of its keys."""
    return yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True, indent=2
    )


def rule_files(at: Thresholds | None = None, scope: Scope | None = None) -> dict[str, str]:
    """The content of each rule file, by its name: one for each audience, and recording rules."""
    scope = scope or Scope()
    chosen = alerts(at, scope)
    files = {
        name: _MADE
        + "docs/alerts.md lists them.\n"
        + as_yaml(groups_of((one for one in chosen if one.audience is audience), scope))
        for audience, name in _FILES.items()
        if audience in scope.audiences
    }
    return {**files, _RECORDING: _MADE + "no alert needs these.\n" + as_yaml(_recording())}


def groups_of(chosen: Iterable[Alert], scope: Scope) -> dict[str, Any]:
    """The document of these alerts, as plain data."""
    groups: dict[Group, list[dict[str, Any]]] = {}
    for alert in chosen:
        groups.setdefault(alert.group, []).append(_rule(alert, scope))
    return {"groups": [{**_head(group), "rules": rules} for group, rules in groups.items()]}


def _head(group: Group) -> dict[str, Any]:
    paced = {} if group.interval is None else {"interval": duration(group.interval)}
    return {"name": str(group), **paced}


def _rule(alert: Alert, scope: Scope) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **({"for": duration(alert.pending)} if alert.pending else {}),
        "labels": {"severity": str(alert.severity), "audience": str(alert.audience)},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": scope.runbooks + alert.runbook,
        },
    }


def _recording() -> dict[str, Any]:
    groups = ((Group.RECORDING, RECORDINGS), (Group.KEPT, kept.RULES))
    return {
        "groups": [
            {**_head(group), "rules": [{"record": one.name, "expr": one.expr} for one in rules]}
            for group, rules in groups
        ]
    }

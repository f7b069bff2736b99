"""Whom Grafana tells of its own rules: contact points and notification policies.

The format is that of Grafana 11's file provisioning. It lies beside `provisioning/`, for Grafana
has one tree of policies for each organisation, and a file with one replaces all that is there.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from exporter.alerting.alertmanager import Receivers
from exporter.alerting.prometheus import as_yaml
from exporter.model import normal_orchestrator

PATH: Final = "grafana/contact-points/livepeer-ai.yaml"
_OPERATOR: Final = "livepeer-ai-operator"
_OTHERS: Final = "livepeer-ai-orchestrators"
_NOBODY: Final = "livepeer-ai-nobody"
_EXAMPLE: Final = "http://127.0.0.1:8080/hook"
_EXAMPLES: Final = Receivers(
    operator=_EXAMPLE,
    others=_EXAMPLE,
    owners={"0x0000000000000000000000000000000000000001": _EXAMPLE},
)
_HEAD: Final = """\
# Whom Grafana tells of the rules in provisioning/alerting/livepeer-ai.yaml; docs/alerts.md. Put
# your own URLs or integrations in, and copy it into Grafana's provisioning/alerting/.
#
# An organisation of Grafana has one tree of policies: this one REPLACES yours, and what other rules
# tell goes to its first receiver. Where you have one, take its routes over by hand instead.
#
# Made by `livepeer-exporter config export`, with its --operator-url, --others-url, --owner
# ADDRESS=URL and --token-file; without any, the URLs are examples.
"""


def contacts_file(receivers: Receivers | None = None) -> str:
    """The content of the file. Who has no URL is told nothing; the operator always has one."""
    given = receivers is not None and (receivers.operator or receivers.others or receivers.owners)
    chosen = receivers if receivers is not None and given else _EXAMPLES
    return _HEAD + as_yaml(
        {
            "apiVersion": 1,
            "contactPoints": [_contact(name, url, chosen) for name, url in _urls(chosen)],
            "muteTimes": [_always()],
            "policies": [_policy(chosen)],
        }
    )


def _urls(receivers: Receivers) -> Iterator[tuple[str, str]]:
    yield _OPERATOR, receivers.operator or _EXAMPLE
    if receivers.others is not None:
        yield _OTHERS, receivers.others
    for who, url in receivers.owners.items():
        yield _name(who), url


def _name(orchestrator: str) -> str:
    return f"owner of {orchestrator}"


def _contact(name: str, url: str, receivers: Receivers) -> dict[str, Any]:
    settings: dict[str, Any] = {"url": _literal(url), "httpMethod": "POST", "maxAlerts": "100"}
    if receivers.token_file is not None:
        settings["authorization_scheme"] = "Bearer"
        settings["authorization_credentials"] = f"$__file{{{receivers.token_file}}}"
    uid = f"livepeer-ai-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    webhook = {"uid": uid, "type": "webhook", "settings": settings}
    return {"orgId": 1, "name": _literal(name), "receivers": [webhook]}


def _literal(text: str) -> str:
    """A text in which Grafana puts nothing in the place of variables."""
    return text.replace("$", "$$")


def _always() -> dict[str, Any]:
    """The time in which who has no URL is told nothing: all of it."""
    return {
        "orgId": 1,
        "name": _NOBODY,
        "time_intervals": [{"weekdays": ["sunday:saturday"]}],
    }


def _policy(receivers: Receivers) -> dict[str, Any]:
    """One message for each orchestrator, whatever is wrong with how many of its models."""
    owners = [
        {
            "receiver": _literal(_name(who)),
            "object_matchers": [["orchestrator", "=", _literal(normal_orchestrator(who))]],
        }
        for who in receivers.owners
    ]
    others: dict[str, Any] = {"receiver": _OTHERS}
    if receivers.others is None:
        others = {"receiver": _OPERATOR, "mute_time_intervals": [_NOBODY]}
    return {
        "orgId": 1,
        "receiver": _OPERATOR,
        "group_by": ["alert", "tester"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "12h",
        "routes": [
            {
                **others,
                "object_matchers": [["audience", "=", "orchestrator"], ["severity", "=", "info"]],
                "group_by": ["orchestrator", "alert"],
                "group_wait": "5m",
                "repeat_interval": "7d",
                "routes": owners,
            },
            {
                **others,
                "object_matchers": [["audience", "=", "orchestrator"]],
                "group_by": ["orchestrator"],
                "routes": owners,
            },
        ],
    }

"""Who is told: the configuration of Alertmanager, for its version 0.25 and later."""

from typing import Any, Final

import msgspec

from exporter.alerting.prometheus import as_yaml

_EVERYTHING: Final = "LivepeerAi.*"
_SIGHTLESS: Final = "LivepeerAi(NetworkDown|TesterDown|NothingTested)"
_LOCAL: Final = "LivepeerAi(NetworkDown|TesterDown|CannotStore|MeasurementsLost)"
_SAME: Final = (
    *("alertname", "instance", "orchestrator_address", "pipeline", "model_name"),
    *("region", "tester", "consumer"),
)
_TARGET: Final = ("instance", "orchestrator_address", "pipeline", "model_name", "region", "tester")

_HEAD: Final = """\
# Who is told of what. Check a changed copy with: amtool check-config FILE
#
# Made by `livepeer-exporter config export`; --operator-url, --others-url, --owner ADDRESS=URL and
# --token-file fill in receivers. A receiver without any integration tells nobody: its alerts are
# seen in Alertmanager and Grafana only. Secrets belong into files, such as:
#
#   webhook_configs:
#     - url: https://hooks.example.org/livepeer
#       http_config:
#         authorization:
#           credentials_file: /etc/alertmanager/webhook-token
#   telegram_configs:                       # or email_configs with auth_password_file
#     - bot_token_file: /etc/alertmanager/telegram-token
#       chat_id: 1
#
# `instance` must be the same for station and probe of one installation, as in
# config/prometheus/prometheus.yml: by it one tester's own trouble mutes what that tester says.
"""


class Receivers(msgspec.Struct, frozen=True, kw_only=True):
    """Webhooks that alerts are sent to; `None`, or no entry: nobody is told."""

    operator: str | None = None
    """For the tester's operator."""
    others: str | None = None
    """For orchestrators that have no receiver of their own."""
    owners: dict[str, str] = {}
    """By orchestrator, as its label shows it."""
    token_file: str | None = None
    """File with the bearer token of all of them, where Alertmanager runs."""


def alertmanager_file(receivers: Receivers | None = None) -> str:
    """The content of `alertmanager.yml`."""
    receivers = receivers or Receivers()
    return _HEAD + as_yaml(
        {
            "route": _route(receivers),
            "inhibit_rules": _inhibitions(),
            "receivers": [
                _receiver("operator", receivers.operator, receivers),
                _receiver("orchestrators", receivers.others, receivers),
                *(
                    _receiver(_name(who), url, receivers)
                    for who, url in (receivers.owners or _EXAMPLE).items()
                ),
            ],
        }
    )


_EXAMPLE: Final[dict[str, str | None]] = {"0x0000000000000000000000000000000000000001": None}
"""The route of an owner, for those who write their own."""


def _name(orchestrator: str) -> str:
    return f"owner of {orchestrator}"


def _receiver(name: str, url: str | None, receivers: Receivers) -> dict[str, Any]:
    if url is None:
        return {"name": name}
    webhook: dict[str, Any] = {"url": url, "send_resolved": True, "max_alerts": 100}
    if receivers.token_file is not None:
        webhook["http_config"] = {"authorization": {"credentials_file": receivers.token_file}}
    return {"name": name, "webhook_configs": [webhook]}


def _route(receivers: Receivers) -> dict[str, Any]:
    """One message for each orchestrator, whatever is wrong with how many of its models."""
    owners = [
        {"matchers": [f'orchestrator_address="{who}"'], "receiver": _name(who)}
        for who in (receivers.owners or _EXAMPLE)
    ]
    return {
        "receiver": "operator",
        "group_by": ["alertname", "instance"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "12h",
        "routes": [
            {
                "matchers": ['audience="orchestrator"', 'severity="info"'],
                "receiver": "orchestrators",
                "group_by": ["orchestrator_address", "alertname"],
                "group_wait": "5m",
                "repeat_interval": "7d",
                "routes": owners,
            },
            {
                "matchers": ['audience="orchestrator"'],
                "receiver": "orchestrators",
                "group_by": ["orchestrator_address"],
                "routes": owners,
            },
            {"matchers": ['audience="operator"'], "receiver": "operator"},
        ],
    }


def _inhibitions() -> list[dict[str, Any]]:
    """What is said already, or cannot be known, is not said."""
    return [
        _mutes(
            ['severity="critical"'],
            ['severity=~"warning|info"', f'alertname=~"{_EVERYTHING}"'],
            _SAME,
        ),
        _mutes([f'alertname=~"{_SIGHTLESS}"'], ['audience="orchestrator"'], ("instance",)),
        _mutes(
            ['alertname="LivepeerAiNetworkDown"'],
            ['audience="operator"', f'alertname!~"{_LOCAL}"'],
            ("instance",),
        ),
        _mutes(
            ['alertname=~"LivepeerAi(TesterDown|CannotStore|BudgetReached|RelayDown)"'],
            ['alertname=~"LivepeerAi(NothingTested|DiscoveryStale)"'],
            ("instance",),
        ),
        _mutes(
            ['alertname="LivepeerAiConsecutiveFailures"', 'severity="critical"'],
            ['alertname="LivepeerAiSuccessLow"'],
            _TARGET,
        ),
        _mutes(
            ['alertname="LivepeerAiOrchestratorVanished"'],
            ['alertname=~"LivepeerAi(OrchestratorUnreachable|ModelCold)"'],
            ("instance", "orchestrator_address"),
        ),
    ]


def _mutes(source: list[str], target: list[str], equal: tuple[str, ...]) -> dict[str, Any]:
    return {"source_matchers": source, "target_matchers": target, "equal": list(equal)}

"""Alerts for the tester's operator: gateways of our own, and their way to Ethereum."""

from collections.abc import Iterator
from typing import Final

from exporter.alerting.promql import INSTALLATION, held
from exporter.alerting.rule import Alert, Group, Severity
from exporter.alerting.tester_alerts import operator_alert
from exporter.alerting.thresholds import Thresholds

_HERE: Final = "{{ $labels.instance }}"
_LANE: Final = "livepeer_ai_tester_lane"
_RELAY: Final = "livepeer_ai_tester_relay"


def gateway_alerts(at: Thresholds) -> Iterator[Alert]:
    """Managed lanes, scout, relay. Absent, and silent, where there is none of them."""
    yield _lanes(at)
    yield from _processes(at)
    yield from _nodes(at)


def _lanes(at: Thresholds) -> Alert:
    faults = "\n    + ".join(
        f"sum by ({INSTALLATION}) (increase({_LANE}_{what}_total[1h]))"
        for what in ("crashes", "hangs")
    )
    starts = f"sum by ({INSTALLATION}) (increase({_LANE}_start_failures_total[1h]))"
    return operator_alert(
        "LivepeerAiGatewaysFailing",
        Severity.WARNING,
        f"""\
(
  (
    {faults}
  ) >= {at.gateway_faults}
  or
  {starts} >= {at.gateway_faults}
)""",
        at,
        group=Group.GATEWAYS,
        pending=at.down_for,
        summary=f"Gateways of our own at {_HERE} fail: {{{{ $value | humanize }}}} in an hour",
        description=(
            "They do not start, crash or hang. Their jobs are the tester's errors and blame "
            "nobody. The log of the probe says why."
        ),
    )


def _processes(at: Thresholds) -> Iterator[Alert]:
    for name, metric, what in (
        ("LivepeerAiScoutDown", "livepeer_ai_tester_scout_up", "scout gateway"),
        ("LivepeerAiRelayDown", f"{_RELAY}_up", "relay to Ethereum"),
    ):
        yield operator_alert(
            name,
            Severity.CRITICAL if what.startswith("relay") else Severity.WARNING,
            f"{held(metric, at.down_for)} == 0",
            at,
            group=Group.GATEWAYS,
            pending=at.relay_for,
            summary=f"The {what} at {_HERE} does not run",
            description=(
                "It is started again and again, and ends. The log of the probe says why. "
                + (
                    "Gateways that pay cannot ask Ethereum."
                    if what.startswith("relay")
                    else "It lists the network for the discovery."
                )
            ),
        )


def _nodes(at: Thresholds) -> Iterator[Alert]:
    up = held(f"{_RELAY}_node_up", at.gap)
    yield operator_alert(
        "LivepeerAiEthereumNodeDown",
        Severity.WARNING,
        f"{up} == 0",
        at,
        group=Group.GATEWAYS,
        pending=at.node_for,
        summary=f"The Ethereum node {{{{ $labels.node }}}} does not answer {_HERE}",
        description="The next node of `ethereum.rpc` is asked in its place.",
    )
    yield operator_alert(
        "LivepeerAiEthereumNodeDown",
        Severity.CRITICAL,
        f"max by ({INSTALLATION}) ({up}) == 0",
        at,
        group=Group.GATEWAYS,
        pending=at.down_for,
        summary=f"No Ethereum node answers {_HERE}",
        description=(
            "Every node of `ethereum.rpc` failed the relay's last request: no gateway of our own "
            "can start or pay."
        ),
    )

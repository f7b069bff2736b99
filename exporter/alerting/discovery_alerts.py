"""Alerts for the tester's operator: whether it knows whom to test."""

from collections.abc import Iterator
from typing import Final

from exporter.alerting.promql import held
from exporter.alerting.rule import Alert, Group, Severity
from exporter.alerting.tester_alerts import operator_alert
from exporter.alerting.thresholds import Thresholds

_HERE: Final = "{{ $labels.instance }}"


def discovery_alerts(at: Thresholds) -> Iterator[Alert]:
    """Sources, the whole supply, the chain."""
    yield operator_alert(
        "LivepeerAiSourceDown",
        Severity.WARNING,
        f"{held('livepeer_ai_tester_source_up', at.gap)} == 0",
        at,
        group=Group.DISCOVERY,
        pending=at.source_for,
        summary=f"The discovery source {{{{ $labels.source }}}} at {_HERE} fails",
        description=(
            "What it listed last is still tested. Orchestrators that are new, or gone, are not "
            "noticed. `livepeer-exporter targets --config FILE` says why it fails."
        ),
    )
    supply = held("livepeer_ai_tester_supply_timestamp_seconds", at.gap)
    yield operator_alert(
        "LivepeerAiDiscoveryStale",
        Severity.CRITICAL,
        f"time() - {supply} > {at.supply_stale}",
        at,
        group=Group.DISCOVERY,
        pending=at.down_for,
        summary=f"What {_HERE} knows to be offered is {{{{ $value | humanizeDuration }}}} old",
        description=(
            "The supply was not put together for so long, although that needs no source to "
            "answer: the process that tests is down, or stuck."
        ),
    )
    block = held("livepeer_ai_tester_chain_block_timestamp_seconds", at.gap)
    yield operator_alert(
        "LivepeerAiChainStale",
        Severity.WARNING,
        f"time() - {block} > {at.chain_stale}",
        at,
        group=Group.DISCOVERY,
        pending=at.down_for,
        summary=f"The chain as {_HERE} read it is {{{{ $value | humanizeDuration }}}} old",
        description=(
            "The nodes of `ethereum.rpc` fail or lag: who is registered and active, and where, is "
            "as old as that. `livepeer-exporter check-config --online FILE` asks each node."
        ),
    )

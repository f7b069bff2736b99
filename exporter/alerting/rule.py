"""What an alert and a recording rule are: plain data."""

from enum import StrEnum
from typing import Final

import msgspec

PREFIX: Final = "LivepeerAi"
"""How every alert's name begins."""


class Severity(StrEnum):
    """How bad it is."""

    CRITICAL = "critical"
    """Something does not work now."""
    WARNING = "warning"
    """Something is wrong, or soon will be."""
    INFO = "info"
    """Good to know; nobody needs to get up for it."""


class Audience(StrEnum):
    """Whom it is for."""

    ORCHESTRATOR = "orchestrator"
    """Who runs the orchestrator that the label `orchestrator_address` names."""
    OPERATOR = "operator"
    """Who runs this tester."""


SLOW: Final = 300
"""Seconds between two evaluations of what need not be evaluated often."""


class Group(StrEnum):
    """Rules that are evaluated together, one after the other."""

    JOBS = "livepeer-ai-jobs"
    LATENCY = "livepeer-ai-latency"
    OFFERS = "livepeer-ai-offers"
    REACH = "livepeer-ai-reach"
    TESTER = "livepeer-ai-tester"
    DELIVERY = "livepeer-ai-delivery"
    DISCOVERY = "livepeer-ai-discovery"
    MONEY = "livepeer-ai-money"
    GATEWAYS = "livepeer-ai-gateways"
    RECORDING = "livepeer-ai-recording"
    KEPT = "livepeer-ai-kept"

    @property
    def interval(self) -> int | None:
        """Seconds between two evaluations; `None`: Prometheus' own.

        Those that read hours of every target take their time, and what is kept is kept seldom.
        """
        slow = (Group.LATENCY, Group.OFFERS, Group.RECORDING, Group.KEPT)
        return SLOW if self in slow else None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alerting rule. An alert of two severities is two of them, of one name and one runbook."""

    name: str
    group: Group
    severity: Severity
    audience: Audience
    expr: str
    """PromQL with the thresholds filled in."""
    pending: int = 0
    """Seconds for which it must hold before it fires."""
    summary: str
    """One line. Like the description it may hold `{{ $labels.x }}` and `{{ $value }}`."""
    description: str

    @property
    def key(self) -> tuple[str, Severity]:
        """What tells it from every other one."""
        return self.name, self.severity

    @property
    def runbook(self) -> str:
        """The path of its runbook in this repository."""
        return f"docs/runbooks/{self.name}.md"


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One recording rule, named `level:metric:operation`, or `kept:metric`."""

    name: str
    expr: str
    meaning: str

"""When somebody is woken, and by what: alerts as plain data, and the files that carry them.

An orchestrator is alerted for nothing but what is its own doing, and for that only while what is
known is fresh; what is wrong with the tester is for its operator.
"""

from exporter.alerting.catalogue import alerts
from exporter.alerting.rule import Alert, Audience, Group, Recording, Severity
from exporter.alerting.scope import Scope
from exporter.alerting.thresholds import ThresholdError, Thresholds

__all__ = [
    "Alert",
    "Audience",
    "Group",
    "Recording",
    "Scope",
    "Severity",
    "ThresholdError",
    "Thresholds",
    "alerts",
]

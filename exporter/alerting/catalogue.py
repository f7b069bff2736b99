"""The one list of alerts."""

from exporter.alerting.delivery_alerts import delivery_alerts
from exporter.alerting.discovery_alerts import discovery_alerts
from exporter.alerting.gateway_alerts import gateway_alerts
from exporter.alerting.job_alerts import job_alerts
from exporter.alerting.money_alerts import money_alerts
from exporter.alerting.offer_alerts import offer_alerts
from exporter.alerting.rule import Alert
from exporter.alerting.scope import Scope
from exporter.alerting.tester_alerts import tester_alerts
from exporter.alerting.thresholds import Thresholds


def alerts(at: Thresholds | None = None, scope: Scope | None = None) -> tuple[Alert, ...]:
    """Every alert with these thresholds, in the order of the files and the docs."""
    at, scope = at or Thresholds(), scope or Scope()
    everything = (
        *job_alerts(at, scope),
        *offer_alerts(at, scope),
        *tester_alerts(at, scope),
        *delivery_alerts(at),
        *discovery_alerts(at),
        *money_alerts(at),
        *gateway_alerts(at),
    )
    return tuple(alert for alert in everything if alert.audience in scope.audiences)

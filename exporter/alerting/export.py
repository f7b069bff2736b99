"""The files that carry the alerts, by their path in the folder `config`."""

from exporter import shipped
from exporter.alerting.alertmanager import Receivers, alertmanager_file
from exporter.alerting.grafana import BUCKET, grafana_file
from exporter.alerting.grafana import PATH as GRAFANA
from exporter.alerting.prometheus import rule_files
from exporter.alerting.scope import Scope
from exporter.alerting.thresholds import Thresholds


def made_files(
    at: Thresholds | None = None,
    scope: Scope | None = None,
    receivers: Receivers | None = None,
    bucket: str = BUCKET,
) -> dict[str, str]:
    """Those that follow from thresholds, scope and receivers."""
    rules = {f"prometheus/rules/{name}": text for name, text in rule_files(at, scope).items()}
    return {
        **rules,
        "alertmanager/alertmanager.yml": alertmanager_file(receivers),
        GRAFANA: grafana_file(at, scope, bucket),
    }


def files(
    at: Thresholds | None = None,
    scope: Scope | None = None,
    receivers: Receivers | None = None,
    bucket: str = BUCKET,
) -> dict[str, str]:
    """All of them. Raises `exporter.shipped.NotShippedError`."""
    scrape = "prometheus/prometheus.yml"
    text = (shipped.folder("config") / scrape).read_text(encoding="utf-8")
    return {scrape: text, **made_files(at, scope, receivers, bucket)}

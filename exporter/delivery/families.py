"""Metric families by the one list: a family's name, type, labels and help come from there."""

import re
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    SummaryMetricFamily,
)

from exporter.delivery.metric_list import BY_NAME, Metric

_ENCODED: Final = re.compile(r"[\x00-\x1f\x7f%\\\"`]")


def counter(name: str) -> CounterMetricFamily:
    """The counter of this name, without samples."""
    metric = _listed(name, "counter")
    return CounterMetricFamily(
        name.removesuffix("_total"), metric.meaning, labels=metric.labels, unit=metric.unit
    )


def gauge(name: str) -> GaugeMetricFamily:
    """The gauge of this name, without samples."""
    metric = _listed(name, "gauge")
    return GaugeMetricFamily(name, metric.meaning, labels=metric.labels, unit=metric.unit)


def summary(name: str) -> SummaryMetricFamily:
    """The summary of this name, without samples."""
    metric = _listed(name, "summary")
    return SummaryMetricFamily(name, metric.meaning, labels=metric.labels, unit=metric.unit)


def histogram(name: str) -> HistogramMetricFamily:
    """The histogram of this name, without samples."""
    metric = _listed(name, "histogram")
    return HistogramMetricFamily(name, metric.meaning, labels=metric.labels, unit=metric.unit)


def info(name: str) -> InfoMetricFamily:
    """The info metric of this name, without samples; its samples take a dict of all labels."""
    metric = _listed(name, "info")
    return InfoMetricFamily(name.removesuffix("_info"), metric.meaning, labels=())


def _listed(name: str, kind: str) -> Metric:
    metric = BY_NAME[name]
    if metric.kind != kind:
        raise ValueError(f"{name} is listed as a {metric.kind}, not as a {kind}")
    return metric


def clean(value: str) -> str:
    """A label value that can be written as UTF-8 and put into a query, whatever a stranger wrote.

    Control characters, `%`, backslash, `"` and the backtick are percent-encoded, the first three of
    them as in tags of InfluxDB: Grafana puts values into queries and escapes neither line ends nor
    quotes.
    """
    written = value.encode("utf-8", "replace").decode()
    return _ENCODED.sub(lambda found: f"%{ord(found.group()):02X}", written)

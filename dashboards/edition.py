"""The two editions of every dashboard, and the words that each has for the same thing."""

from enum import StrEnum
from typing import Final


class Edition(StrEnum):
    """The data source that an edition asks; the value is Grafana's name for its type."""

    PROMETHEUS = "prometheus"
    INFLUXDB = "influxdb"


_TAGS: Final = {
    "orchestrator_address": "orchestrator",
    "model_name": "model",
    "instance": "tester",
    "result": "outcome",
}
"""Labels of the metrics that are tags by another name in InfluxDB (docs/storage.md).

`instance`, Prometheus' own name for an installation, is its host; its tag is the tester's name.
"""


def column(edition: Edition, label: str) -> str:
    """What a label of the metrics is called in the answers of an edition's data source."""
    return label if edition is Edition.PROMETHEUS else _TAGS.get(label, label)


def tags(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Labels of the metrics by InfluxDB's names."""
    return tuple(column(Edition.INFLUXDB, label) for label in labels)

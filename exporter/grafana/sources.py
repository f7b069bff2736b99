"""Data sources as Grafana takes them."""

from dataclasses import dataclass, field
from typing import Any, Final

from exporter.grafana.boards import MARK, Edition

_NAMES: Final = {
    Edition.PROMETHEUS: "Livepeer AI (Prometheus)",
    Edition.INFLUXDB: "Livepeer AI (InfluxDB)",
}
_SERIES: Final = 2000
"""Curves that Grafana takes of one answer of InfluxDB."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data source that is asked for; the last three are for InfluxDB."""

    edition: Edition
    url: str
    org: str = ""
    bucket: str = ""
    token: str = field(default="", repr=False)

    @property
    def uid(self) -> str:
        """Its identity, as in the provisioning that comes with the program."""
        return f"{MARK}-{self.edition}"

    @property
    def name(self) -> str:
        """What it is called in Grafana."""
        return _NAMES[self.edition]

    @property
    def body(self) -> dict[str, Any]:
        """What Grafana takes, the token included."""
        plain = {
            "uid": self.uid,
            "name": self.name,
            "type": self.edition.value,
            "access": "proxy",
            "url": self.url,
        }
        if self.edition is Edition.PROMETHEUS:
            facts = {"httpMethod": "POST", "prometheusType": "Prometheus", "timeInterval": "30s"}
            return plain | {"jsonData": facts}
        influx = {
            "version": "Flux",
            "organization": self.org,
            "defaultBucket": self.bucket,
            "httpMode": "POST",
            "maxSeries": _SERIES,
        }
        return plain | {"jsonData": influx, "secureJsonData": {"token": self.token}}

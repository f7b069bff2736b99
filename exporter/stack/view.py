"""What a person is told of the stack."""

from collections.abc import Sequence

import msgspec

from exporter.shown import printable
from exporter.stack import influx
from exporter.stack.folder import Folder
from exporter.stack.seen import Seen


class Urls(msgspec.Struct):
    """Where everything listens, as far as it was started."""

    station: str = ""
    probe: str = ""
    prometheus: str = ""
    pages: str = ""
    """Of Prometheus, what the paths of its pages begin with."""
    alertmanager: str = ""
    influxdb: str = ""
    grafana: str | None = None


def where_to_look(urls: Urls, folder: Folder, missed: Sequence[int]) -> str:
    """Addresses, secrets by their files, ports that were missed, and how to see alerts and stop."""
    grafana = (
        "not here: neither `grafana` nor `grafana-server` is in the PATH; import dashboards/*"
        if urls.grafana is None
        else f"{urls.grafana}/  user admin, password in {influx.password(folder)}"
    )
    token = folder.secrets / influx.GRAFANA_TOKEN
    rows = (
        ("station", f"{urls.station}/  ranking, jobs, /metrics"),
        ("probe", f"{urls.probe}/metrics"),
        ("Prometheus", f"{urls.pages}/alerts  and /targets, /graph"),
        ("Alertmanager", f"{urls.alertmanager}/  (Debian's package has no pages: amtool, below)"),
        ("InfluxDB", f"{urls.influxdb}  organisation {influx.ORG}, to read: token in {token}"),
        ("Grafana", grafana),
        ("data, logs", f"{folder.path}, {folder.path / 'log'}"),
        ("alerts", f"told below; amtool --alertmanager.url={urls.alertmanager} alert query"),
    )
    lines = [f"{name:<13} {text}" for name, text in rows]
    if missed:
        ports = ", ".join(map(str, missed))
        lines.append(f"{'taken':<13} {ports}: other programs listen there, not this stack")
    return "\n".join([*lines, "Ctrl-C ends it"])


def summary(seen: Seen) -> str:
    """What Prometheus has scraped, and which alerts fire."""
    lines = [f"{job}: {count} samples a scrape" for job, count in sorted(seen.scraped.items())]
    if not seen.alerts:
        lines.append("no alert fires yet")
    return "\n".join([*lines, *(printable(f"fires: {line}") for line in seen.alerts)])

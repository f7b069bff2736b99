"""Settings of Prometheus, Alertmanager and Grafana: the shipped ones, with this stack's addresses.

With a pace, Prometheus and Alertmanager are quicker than they are shipped.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from exporter import shipped
from exporter.stack.failure import StackError
from exporter.stack.pace import Pace


def write_prometheus(
    folder: Path, *, targets: Mapping[str, str], alertmanager: str, pace: Pace | None
) -> Path:
    """Write `prometheus.yml` and the rules; `targets` are addresses by the name of the job."""
    source = _shipped("prometheus")
    document = _read(source / "prometheus.yml")
    for job in document["scrape_configs"]:
        if job["job_name"] in targets:
            job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
    document["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    rules = folder / "rules"
    shutil.rmtree(rules, ignore_errors=True)
    rules.mkdir(parents=True)
    for path in (source / "rules").glob("*.yml"):
        _write(rules / path.name, _paced_rules(_read(path), pace))
    document["rule_files"] = [str(rules / "*.yml")]
    if pace is not None:
        document["global"] = {
            "scrape_interval": f"{pace.scrape}s",
            "scrape_timeout": f"{pace.scrape}s",
            "evaluation_interval": f"{pace.evaluation}s",
        }
    return _write(folder / "prometheus.yml", document)


def write_alertmanager(folder: Path, *, receiver: str, pace: Pace | None) -> Path:
    """Write `alertmanager.yml`, whose receivers all tell the webhook at this URL."""
    document = _read(_shipped("alertmanager") / "alertmanager.yml")
    for one in document["receivers"]:
        url = f"{receiver}/{quote(one['name'], safe='')}"
        _replace(one, {"name": one["name"], "webhook_configs": [{"url": url}]})
    if pace is not None:
        _hasten(document["route"], pace)
    return _write(folder / "alertmanager.yml", document)


def write_grafana(
    folder: Path, *, prometheus: str, influxdb: str, alertmanager: str, token: Path
) -> Path:
    """Write the provisioning of data sources and dashboards; gives its folder."""
    source, made = _shipped("grafana") / "provisioning", folder / "provisioning"
    shutil.rmtree(made, ignore_errors=True)
    urls = {"prometheus": prometheus, "influxdb": influxdb, "alertmanager": alertmanager}
    for path in (source / "datasources").glob("*.yaml"):
        document = _read(path)
        for one in document["datasources"]:
            one["url"] = urls[one["type"]]
            if one["type"] == "influxdb":
                one["secureJsonData"] = {"token": f"$__file{{{token}}}"}
        _write(made / "datasources" / path.name, document)
    for path in (source / "dashboards").glob("*.yaml"):
        document = _read(path)
        for one in document["providers"]:
            edition = Path(one["options"]["path"]).name
            one["options"]["path"] = str(shipped.folder("dashboards") / edition)
        _write(made / "dashboards" / path.name, document)
    return made


def _paced_rules(document: dict[str, Any], pace: Pace | None) -> dict[str, Any]:
    for group in document["groups"] if pace is not None else ():
        group.pop("interval", None)
    return document


def _hasten(route: dict[str, Any], pace: Pace) -> None:
    route["group_wait"] = f"{pace.group_wait}s"
    route["group_interval"] = f"{pace.group_interval}s"
    for one in route.get("routes", ()):
        _hasten(one, pace)


def _replace(old: dict[str, Any], new: dict[str, Any]) -> None:
    old.clear()
    old.update(new)


def _shipped(name: str) -> Path:
    try:
        return shipped.folder("config") / name
    except shipped.NotShippedError as error:
        raise StackError(str(error)) from error


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def _write(path: Path, document: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path

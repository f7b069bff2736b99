"""The exporter of the stack: testing a simulated network, or what the operator's settings say."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from exporter import shipped
from exporter.settings import Settings
from exporter.settings_file.schema import PREFIX
from exporter.stack.failure import StackError
from exporter.stack.folder import Folder
from exporter.stack.influx import store_variables
from exporter.stack.pace import Pace
from exporter.stack.ports import HOST, STATION, Ports, is_free

_PROGRAM = (sys.executable, "-m", "exporter")


class Exporter(NamedTuple):
    """How it is started, and where it listens."""

    words: list[str]
    environment: dict[str, str]
    """Without what is said about the store."""
    station: str
    """HOST:PORT."""
    probe: str
    config: Path
    """Settings that `influx setup` can read."""


def of_the_demo(folder: Folder, ports: Ports, pace: Pace) -> Exporter:
    """The exporter that tests a simulated network; nothing of the operator's settings is in it."""
    port = ports.take(STATION, 2)
    words = ["demo", "--data", str(folder.data("demo")), "--port", str(port)]
    schedule = f"{PREFIX}SCHEDULE__"
    hurry = {f"{schedule}{name}": str(pace.interval) for name in ("INTERVAL", "COLD_INTERVAL")}
    others = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    try:
        example = shipped.folder("config") / "example.yaml"
    except shipped.NotShippedError as error:
        raise StackError(str(error)) from error
    return Exporter(
        words=[*_PROGRAM, *words],
        environment=others | hurry,
        station=f"{HOST}:{port}",
        probe=f"{HOST}:{port + 1}",
        config=example,
    )


def of_settings(config: Path, folder: Folder) -> Exporter:
    """The exporter with the operator's settings. Raises `SettingsError`, `StackError`."""
    from exporter.settings_file import load

    environment = dict(os.environ)
    # That the tokens are not made yet is no mistake of the settings.
    store = store_variables(f"http://{HOST}", folder, made=False)
    settings: Settings = load(config, _without_files(environment) | store)
    return Exporter(
        words=[*_PROGRAM, "run", "--config", str(config.absolute())],
        environment=environment,
        station=_reached(settings.station.listen, "station.listen"),
        probe=_reached(settings.probe.listen, "probe.listen"),
        config=config.absolute(),
    )


def _without_files(environment: Mapping[str, str]) -> dict[str, str]:
    section = f"{PREFIX}STORE__INFLUXDB__"
    return {
        name: text
        for name, text in environment.items()
        if not (name.startswith(section) and name.endswith("_FILE"))
    }


def _reached(listen: str, setting: str) -> str:
    """Where this machine reaches what listens there."""
    host, _, port = listen.rpartition(":")
    if port == "0":
        raise StackError(f"{setting}: the stack needs a port that is known beforehand, not 0")
    everywhere = host in ("0.0.0.0", "[::]")  # noqa: S104 - compared, not listened on
    reached = HOST if everywhere else host
    # Whoever answers there would be taken for ours, another exporter above all.
    if reached == HOST and not is_free(int(port)):
        raise StackError(f"{setting}: {listen} is in use by another program; stop that one first")
    return f"{reached}:{port}"

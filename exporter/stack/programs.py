"""The other programs of the stack: where they are on this machine, and where to get them."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from exporter.stack.failure import StackError

BUILT: Final = "influxd-v2.7.12"
"""Folder of the cache in which `make services` leaves the server."""
_OLD: Final = re.compile(r"InfluxDB v?1\.")
_PATIENCE: Final = 10.0
_GRAFANA_HOMES: Final = (Path("/usr/share/grafana"), Path("/usr/local/share/grafana"))


class Programs(NamedTuple):
    """The programs, as they are called here."""

    influxd: str
    prometheus: str
    alertmanager: str
    grafana: list[str] | None
    """The words that start Grafana; `None`: there is none, and the stack is without."""


def find(path: str | None = None) -> Programs:
    """Find the programs, in the folders of `path` if that is given.

    Raises `StackError`, which names every one that is missing and where it comes from.
    """
    influxd = _influxd(path)
    prometheus = _which("prometheus", path)
    alertmanager = _either("prometheus-alertmanager", "alertmanager", path)
    wanting = [
        f"  {name}: {source}"
        for name, found, source in (
            ("influxd 2", influxd, "`make services` builds it (it needs Go and cargo)"),
            ("prometheus", prometheus, "apt install prometheus"),
            ("alertmanager", alertmanager, "apt install prometheus-alertmanager"),
        )
        if found is None
    ]
    if influxd is None or prometheus is None or alertmanager is None:
        raise StackError("\n".join(["programs of the stack are not on this machine:", *wanting]))
    return Programs(influxd, prometheus, alertmanager, _grafana(path))


def _influxd(path: str | None) -> str | None:
    """The one that was built, or one of the system if it is a 2."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = cache / "livepeer-exporter" / BUILT / "influxd"
    if os.access(built, os.X_OK):
        return str(built)
    found = _which("influxd", path)
    return None if found is None or _OLD.match(_version(found)) else found


def _version(influxd: str) -> str:
    try:
        said = subprocess.run(  # noqa: S603 - found in the PATH, without words of others
            [influxd, "version"], capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout


def _either(first: str, second: str, path: str | None) -> str | None:
    return _which(first, path) or _which(second, path)


def _which(name: str, path: str | None) -> str | None:
    """Its full path: programs are started in folders of their own."""
    found = shutil.which(name, path=path)
    return None if found is None else str(Path(found).absolute())


def _grafana(path: str | None) -> list[str] | None:
    home = next((folder for folder in _GRAFANA_HOMES if folder.is_dir()), None)
    flags = [] if home is None else [f"--homepath={home}"]
    if found := _which("grafana", path):
        return [found, "server", *flags]
    found = _which("grafana-server", path)
    return None if found is None else [found, *flags]

"""The `influx` commands as an operator uses them, each with an organisation of its own."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from exporter.cli.check_config import check_config
from exporter.cli.influx import TOKEN_VARIABLE, influx
from exporter.settings.serving import Influx
from exporter.settings_file import load
from exporter.stores.influx_tasks import tasks
from tests.services.influx_server import InfluxServer

TOKEN_FILES = {
    "token_file": "influx-write-token",
    "read_token_file": "influx-read-token",
    "rollup_token_file": "influx-rollup-token",
}
HOURLY, DAILY = (text.name for text in tasks(Influx(bucket="raw", rollup_bucket="rolled up")))
FILES = (*TOKEN_FILES.values(), "influx-grafana-token")
PATIENCE = 20.0


@dataclass
class Operator:
    """Somebody who sets up a server; remembers every word that the commands say."""

    server: InfluxServer
    folder: Path
    influx: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.influx = {
            "url": self.server.url,
            "org": f"org {secrets.token_hex(4)}",
            "bucket": "raw",
            "rollup_bucket": "rolled up",
            **TOKEN_FILES,
            **self.influx,
        }

    @property
    def config(self) -> Path:
        """The settings file, written anew."""
        path = self.folder / "config.yaml"
        document = {
            "region": "FRA",
            "sources": {"gateway": [{"url": "http://127.0.0.1:5935"}]},
            "store": {"kind": "influxdb", "influxdb": self.influx},
        }
        path.write_text(json.dumps(document))  # JSON is YAML
        return path

    @property
    def settings(self) -> Influx:
        """What the service would read."""
        found = load(self.config, {}).store.influxdb
        assert found is not None
        return found

    @property
    def org(self) -> str:
        """The organisation's id."""
        answer = self.server.call("GET", "/api/v2/orgs?limit=100").json()["orgs"]
        return str(next(each["id"] for each in answer if each["name"] == self.influx["org"]))

    def token(self, name: str) -> str:
        """What a file of a token holds."""
        return (self.folder / name).read_text().strip()

    def setup(self, *more: str, operator: bool = True) -> Result:
        """Run `influx setup`."""
        return self._run("setup", *more, environ=self._environ(operator=operator))

    def check(self, *more: str, operator: bool = True) -> Result:
        """Run `influx check`."""
        return self._run("check", *more, environ=self._environ(operator=operator))

    def check_config(self, *more: str) -> Result:
        """Run `check-config`."""
        return self._heard(CliRunner().invoke(check_config, [*more, str(self.config)]))

    def _environ(self, *, operator: bool) -> dict[str, str | None]:
        return {TOKEN_VARIABLE: self.server.token if operator else None}

    def _run(self, *arguments: str, environ: Mapping[str, str | None]) -> Result:
        words = [arguments[0], "--config", str(self.config), *arguments[1:]]
        return self._heard(CliRunner().invoke(influx, words, env=environ))

    def _heard(self, result: Result) -> Result:
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        self.said += [result.output, result.stderr]
        return result

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask the server as the operator; the answer's JSON."""
        answer = self.server.call(method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def named(self, what: str) -> dict[str, Any]:
        """The tasks or buckets of the organisation by name."""
        found = self.call("GET", f"/api/v2/{what}?orgID={self.org}&limit=100")[what]
        return {each["name"]: each for each in found}

    def tokens(self) -> dict[str, Any]:
        """The tokens of the organisation by description."""
        found = self.call("GET", f"/api/v2/authorizations?orgID={self.org}")["authorizations"]
        return {each["description"]: each for each in found}

    def run_of(self, task: str, moment: datetime | None = None) -> str:
        """Run a task now, or as it would have been at a moment, and give how it ended."""
        body = {} if moment is None else {"scheduledFor": moment.isoformat()}
        run = self.call("POST", f"/api/v2/tasks/{task}/runs", body)["id"]
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for found in self.call("GET", f"/api/v2/tasks/{task}/runs")["runs"]:
                if found["id"] == run and found["status"] in ("success", "failed"):
                    return str(found["status"])
            time.sleep(0.02)
        return "still running"

    def make_token(self, *permissions: tuple[str, str], user: str | None = None) -> str:
        """Make a token that may do this (action, bucket) and give its text."""
        org, buckets = self.org, self.named("buckets")
        granted = [
            {
                "action": action,
                "resource": {"type": "buckets", "id": buckets[name]["id"], "orgID": org},
            }
            for action, name in permissions
        ]
        body = {"orgID": org, "description": "by hand", "permissions": granted}
        body |= {} if user is None else {"userID": user}
        return str(self.call("POST", "/api/v2/authorizations", body)["token"])


def table(result: Result) -> dict[str, str]:
    """What stands first in each line of the setup's table, by what it is about."""
    found = {}
    for line in result.stdout.splitlines():
        if line.startswith("  ") and line[2:3].isalpha() and ":" not in line[:18]:
            done, _, rest = line[2:].partition("  ")
            found[rest.strip().split("  ")[0]] = done
    return found

"""A real InfluxDB server for tests: started on a free port, with a folder of its own."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.missing import missing

VERSION = "v2.7.12"
BUILD = "make services"
ORG = "livepeer"
PATIENCE = 60.0
POLL = 0.02


def binary() -> Path:
    """The built server. Skips the test where there is none; in CI that is a failure."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = cache / "livepeer-exporter" / f"influxd-{VERSION}" / "influxd"
    if not found.is_file():
        why = f"there is no influxd {VERSION}: `{BUILD}` builds it (needs Go >= 1.24 and cargo)"
        missing(why)
    return found


@dataclass
class InfluxServer:
    """A server that runs, set up with one organisation and an operator's token."""

    folder: Path
    port: int
    token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, flags: list[str] | None = None) -> None:
        """Start it, again after a kill, and wait until it is ready."""
        own = [
            *("--bolt-path", str(self.folder / "bolt")),
            *("--engine-path", str(self.folder / "engine")),
            *("--sqlite-path", str(self.folder / "sqlite")),
            *("--http-bind-address", f"127.0.0.1:{self.port}"),
            "--reporting-disabled",
            *("--log-level", "warn"),
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(binary()), *(own if flags is None else flags)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(POLL)

    def _healthy(self) -> bool:
        try:
            answer = httpx.get(f"{self.url}/health", timeout=5, trust_env=False)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK and answer.json()["status"] == "pass"

    def set_up(self) -> None:
        """Make the first user, the organisation and the operator's token."""
        answer = self.call(
            "POST",
            "/api/v2/setup",
            {
                "username": "operator",
                "password": secrets.token_hex(8),
                "org": ORG,
                "bucket": "first",
                "token": self.token,
            },
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text

    def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Ask its API as the operator."""
        return httpx.request(
            method,
            self.url + path,
            json=body,
            headers={"Authorization": f"Token {self.token}"},
            timeout=30,
            trust_env=False,
        )

    def bucket(self, name: str, seconds: int = 0) -> str:
        """Make a bucket and give its id."""
        org = self.call("GET", f"/api/v2/orgs?org={ORG}").json()["orgs"][0]["id"]
        rules = [{"type": "expire", "everySeconds": seconds}]
        made = self.call(
            "POST", "/api/v2/buckets", {"orgID": org, "name": name, "retentionRules": rules}
        )
        assert made.status_code == httpx.codes.CREATED, made.text
        return str(made.json()["id"])

    def write(self, bucket: str, lines: Sequence[str]) -> None:
        """Write line protocol with nanoseconds as the operator."""
        answer = httpx.post(
            f"{self.url}/api/v2/write",
            params={"org": ORG, "bucket": bucket, "precision": "ns"},
            content="\n".join(lines).encode(),
            headers={"Authorization": f"Token {self.token}"},
            timeout=60,
            trust_env=False,
        )
        assert answer.status_code == httpx.codes.NO_CONTENT, answer.text

    def drop_bucket(self, identity: str) -> None:
        """Delete a bucket with all that is in it."""
        self.call("DELETE", f"/api/v2/buckets/{identity}")

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it gently."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE)
            self.process = None


def section(server: InfluxServer, bucket: str, **more: Any) -> dict[str, Any]:
    """Settings of a store in a bucket of the server, without roll-ups, as plain data."""
    return {
        "url": server.url,
        "org": ORG,
        "bucket": bucket,
        "rollup_bucket": "",
        "token": server.token,
        **more,
    }


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def influx_server(folder: Path) -> Iterator[InfluxServer]:
    """A server of its own in a folder, set up, gone at the end."""
    binary()
    folder.mkdir(parents=True, exist_ok=True)
    server = InfluxServer(folder, free_port())
    server.start()
    try:
        server.set_up()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)

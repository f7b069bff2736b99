"""A real Prometheus and a real Alertmanager with the shipped settings, at a pace for tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web

from exporter.serving import listening
from exporter.stack.pace import Pace
from exporter.stack.server import Server
from exporter.stack.shipped_settings import write_alertmanager, write_prometheus
from tests.services.influx_server import free_port
from tests.stack.programs import program

STATION, PROBE = "livepeer-exporter", "livepeer-exporter-probe"
PATIENCE = 45.0
POLL = 0.05


@dataclass
class Told:
    """One alert of a message, and when it came."""

    at: float
    receiver: str
    status: str
    name: str
    severity: str
    orchestrator: str


@dataclass
class Webhook:
    """What Alertmanager sends to: a real HTTP server that remembers."""

    url: str = ""
    told: list[Told] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        document = await request.json()
        for alert in document["alerts"]:
            labels = alert["labels"]
            self.told.append(
                Told(
                    time.monotonic(),
                    request.match_info["receiver"],
                    alert["status"],
                    labels["alertname"],
                    labels["severity"],
                    labels.get("orchestrator_address", ""),
                )
            )
        return web.Response()

    def of(self, orchestrator: str, name: str, status: str) -> list[Told]:
        """What was told of an orchestrator by an alert."""
        wanted = (orchestrator.lower(), name, status)
        return [
            one for one in self.told if (one.orchestrator.lower(), one.name, one.status) == wanted
        ]


@asynccontextmanager
async def webhook() -> AsyncIterator[Webhook]:
    """A receiver on a free port."""
    receiver = Webhook()
    app = web.Application()
    app.router.add_post("/{receiver}", receiver.take)
    async with listening(app, "127.0.0.1:0", "the webhook") as url:
        receiver.url = url
        yield receiver


@dataclass
class Monitoring:
    """The two servers while they run."""

    prometheus: str
    alertmanager: str

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        found = await self._get(f"{self.prometheus}/api/v1/query", query=query)
        result: list[dict[str, Any]] = found["data"]["result"]
        return result

    async def value(self, query: str) -> float | None:
        """The one value of a query; `None` where there is none."""
        result = await self.ask(query)
        assert len(result) <= 1, result
        return float(result[0]["value"][1]) if result else None

    async def until(self, query: str, right: Callable[[float], bool]) -> None:
        """Ask until the value is right."""
        seen: float | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    seen = await self.value(query)
                    if seen is not None and right(seen):
                        return
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise AssertionError(f"{query} was {seen} for {PATIENCE:g} s") from None

    async def firing(self) -> list[dict[str, str]]:
        """Labels of the alerts that Prometheus has firing."""
        found = await self._get(f"{self.prometheus}/api/v1/alerts")
        return [one["labels"] for one in found["data"]["alerts"] if one["state"] == "firing"]

    async def _get(self, url: str, **parameters: str) -> Any:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            answer = await client.get(url, params=parameters)
            answer.raise_for_status()
            return answer.json()


@asynccontextmanager
async def monitoring(
    folder: Path,
    targets: dict[str, str],
    pace: Pace,
    receiver: str = "http://127.0.0.1:9",
    change: Callable[[Path], None] = lambda _: None,
) -> AsyncIterator[Monitoring]:
    """Both servers, scraping these addresses; gone at the end.

    `change` may change the settings of Prometheus before it starts.
    """
    alertmanager, prometheus = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    routes = write_alertmanager(folder / "config", receiver=receiver, pace=pace)
    config = write_prometheus(
        folder / "config", targets=targets, alertmanager=alertmanager, pace=pace
    )
    change(config)
    commands = {
        alertmanager: [
            program("prometheus-alertmanager"),
            f"--config.file={routes}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={alertmanager}",
            "--cluster.listen-address=",
        ],
        prometheus: [
            program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address={prometheus}",
        ],
    }
    async with AsyncExitStack() as running:
        for address, words in commands.items():
            log = folder / f"{Path(words[0]).name}.log"
            server = await Server.start(Path(words[0]).name, words, folder=folder, log=log)
            running.push_async_callback(server.stop)
            await server.until_ready(f"http://{address}/-/ready", PATIENCE)
        yield Monitoring(f"http://{prometheus}", f"http://{alertmanager}")

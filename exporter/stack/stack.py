"""The stack: started in order, watched, told about, and ended in the opposite order."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from exporter.stack import influx, seen
from exporter.stack.exporter_words import Exporter, of_settings, of_the_demo
from exporter.stack.failure import StackError
from exporter.stack.folder import Folder, held
from exporter.stack.pace import Pace
from exporter.stack.ports import ALERTMANAGER, GRAFANA, HOST, INFLUXDB, PROMETHEUS, Ports
from exporter.stack.programs import Programs, find
from exporter.stack.receiver import receiving
from exporter.stack.server import Server
from exporter.stack.shipped_settings import write_alertmanager, write_grafana, write_prometheus
from exporter.stack.view import Urls, summary, where_to_look

PATIENCE: Final = 120.0
"""Seconds that a program has to become ready, and all together to be scraped."""
_LOOK: Final = 0.5
_RETENTION: Final = "30d"
_REMEMBERED: Final = "192h"
"""Who was told of what: longer than the longest `repeat_interval` of the shipped routes."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the stack was asked to be."""

    folder: Path
    config: Path | None
    """Settings of the operator; `None`: a simulated network is tested."""
    pace: Pace
    """Of the simulated network."""
    once: bool
    usual_ports: bool


async def serve(asked: Asked, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Run until `stop` is set, or once until everything is up and scraped.

    Raises `StackError`: something is missing, does not start, or ended by itself.
    """
    programs = find()
    with held(asked.folder) as folder:
        async with AsyncExitStack() as running:
            stack = _Stack(asked, programs, folder, running, say)
            starting = asyncio.create_task(stack.start())
            await _until(starting, stop)
            if not stop.is_set():
                await stack.watch(stop)
                if stop.is_set():
                    say("ending; jobs that run are waited for, at most half a minute")


class _Stack:
    def __init__(
        self,
        asked: Asked,
        programs: Programs,
        folder: Folder,
        running: AsyncExitStack,
        say: Callable[[str], None],
    ) -> None:
        self._asked, self._programs, self._folder = asked, programs, folder
        self._running, self._say = running, say
        self._ports = Ports(usual=asked.usual_ports)
        self._servers: list[Server] = []
        self._pace = None if asked.config else asked.pace
        self._urls = Urls()

    async def start(self) -> None:
        """Start everything, each when what it needs is ready."""
        exporter = (
            of_the_demo(self._folder, self._ports, self._asked.pace)
            if self._asked.config is None
            else of_settings(self._asked.config, self._folder)
        )
        await self._start_influxdb(exporter)
        await self._start_alertmanager()
        await self._start_prometheus(exporter)
        await self._start_exporter(exporter)
        await self._start_grafana()
        self._say(where_to_look(self._urls, self._folder, self._ports.missed))

    async def watch(self, stop: asyncio.Event) -> None:
        """Wait for the end; raises `StackError` when a program ends by itself."""
        ended = [server.ended for server in self._servers]
        waiting: list[asyncio.Task[object]] = [asyncio.create_task(stop.wait())]
        if self._asked.once:
            waiting.append(asyncio.create_task(self._scraped()))
        try:
            await asyncio.wait([*ended, *waiting], return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                if task.done():
                    task.result()
                    return
            (gone, *_) = [server for server in self._servers if server.ended.done()]
            raise StackError(gone.why_it_ended())
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _scraped(self) -> None:
        """Wait until Prometheus has scraped both processes, and tell what it has."""
        found = None
        try:
            async with asyncio.timeout(PATIENCE):
                while found is None or len(found.scraped) < len(_JOBS):
                    await asyncio.sleep(_LOOK)
                    found = await seen.look(self._urls.prometheus, self._urls.alertmanager)
        except TimeoutError:
            raise StackError(
                f"Prometheus did not scrape both processes within {PATIENCE:g} s; "
                f"{self._urls.pages}/targets says why"
            ) from None
        self._say(summary(found))

    async def _start_influxdb(self, exporter: Exporter) -> None:
        port = self._ports.take(INFLUXDB)
        url = f"http://{HOST}:{port}"
        words = influx.words(self._programs.influxd, self._folder.data("influxdb"), port)
        await self._server("influxdb", words, ready=f"{url}/health")
        await influx.set_up(exporter.config, url, self._folder, exporter.environment)
        self._urls.influxdb = url

    async def _start_alertmanager(self) -> None:
        receiver = await self._running.enter_async_context(receiving(0, self._say))
        config = write_alertmanager(self._folder.config, receiver=receiver, pace=self._pace)
        port = self._ports.take(ALERTMANAGER)
        self._urls.alertmanager = f"http://{HOST}:{port}"
        words = [
            self._programs.alertmanager,
            f"--config.file={config}",
            f"--storage.path={self._folder.data('alertmanager')}",
            f"--data.retention={_REMEMBERED}",
            f"--web.listen-address={HOST}:{port}",
            "--cluster.listen-address=",
        ]
        await self._server("alertmanager", words, ready=f"{self._urls.alertmanager}/-/ready")

    async def _start_prometheus(self, exporter: Exporter) -> None:
        config = write_prometheus(
            self._folder.config,
            targets=dict(zip(_JOBS, (exporter.station, exporter.probe), strict=True)),
            alertmanager=self._urls.alertmanager.removeprefix("http://"),
            pace=self._pace,
        )
        port = self._ports.take(PROMETHEUS)
        self._urls.prometheus = f"http://{HOST}:{port}"
        words = [
            self._programs.prometheus,
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder.data('prometheus')}",
            f"--storage.tsdb.retention.time={_RETENTION}",
            f"--web.listen-address={HOST}:{port}",
        ]
        await self._server("prometheus", words, ready=f"{self._urls.prometheus}/-/ready")
        self._urls.pages = await seen.pages(self._urls.prometheus)

    async def _start_exporter(self, exporter: Exporter) -> None:
        store = influx.store_variables(self._urls.influxdb, self._folder)
        self._urls.station = f"http://{exporter.station}"
        self._urls.probe = f"http://{exporter.probe}"
        await self._server(
            "exporter",
            exporter.words,
            ready=f"{self._urls.station}/healthz",
            environment=exporter.environment | store,
        )

    async def _start_grafana(self) -> None:
        if self._programs.grafana is None:
            return
        port = self._ports.take(GRAFANA)
        self._urls.grafana = f"http://{HOST}:{port}"
        provisioning = write_grafana(
            self._folder.config / "grafana",
            prometheus=self._urls.prometheus,
            influxdb=self._urls.influxdb,
            alertmanager=self._urls.alertmanager,
            token=self._folder.secrets / influx.GRAFANA_TOKEN,
        )
        data = self._folder.data("grafana")
        environment = {
            "GF_SERVER_HTTP_ADDR": HOST,
            "GF_SERVER_HTTP_PORT": str(port),
            "GF_PATHS_DATA": str(data),
            "GF_PATHS_LOGS": str(data / "log"),
            "GF_PATHS_PLUGINS": str(data / "plugins"),
            "GF_PATHS_PROVISIONING": str(provisioning),
            "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{influx.password(self._folder)}}}",
            "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        }
        await self._server(
            "grafana",
            self._programs.grafana,
            ready=f"{self._urls.grafana}/api/health",
            environment=os.environ | environment,
        )

    async def _server(
        self, name: str, words: list[str], *, ready: str, environment: dict[str, str] | None = None
    ) -> None:
        server = await self._running.enter_async_context(
            _run(name, words, self._folder, environment)
        )
        self._servers.append(server)
        await server.until_ready(ready, PATIENCE)


_JOBS: Final = ("livepeer-exporter", "livepeer-exporter-probe")


@asynccontextmanager
async def _run(
    name: str, words: list[str], folder: Folder, environment: dict[str, str] | None
) -> AsyncIterator[Server]:
    # influxd would take a config.yaml of ours for its own; what we start imports our modules here.
    place = None if name == "exporter" else folder.data(name)
    server = await Server.start(
        name, words, folder=place, log=folder.log(name), environment=environment
    )
    try:
        yield server
    finally:
        await asyncio.shield(server.stop())


async def _until(starting: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Wait for the start, or give it up when `stop` is set."""
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (starting, stopping):
            task.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
    if not starting.cancelled():
        starting.result()

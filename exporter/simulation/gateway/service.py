"""The gateway as a whole: what a process of the real binary is to those who use its ports."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Final

from exporter.simulation.gateway.artefacts import Artefacts
from exporter.simulation.gateway.attempts import Submitter
from exporter.simulation.gateway.chain import Purse
from exporter.simulation.gateway.chain_reader import ChainReader
from exporter.simulation.gateway.cli_port import CliPort
from exporter.simulation.gateway.clock import Clock
from exporter.simulation.gateway.directory import (
    Directory,
    FixedList,
    Webhook,
    WebhookFailed,
)
from exporter.simulation.gateway.discovery import Discovery
from exporter.simulation.gateway.durations import SECOND
from exporter.simulation.gateway.flags import GatewayFlags
from exporter.simulation.gateway.glog import GatewayLog, Write, drop
from exporter.simulation.gateway.jobs import Jobs
from exporter.simulation.gateway.listening import Listener, PortTaken, RtmpPort
from exporter.simulation.gateway.metrics import Metrics
from exporter.simulation.gateway.network_poll import NetworkPoll
from exporter.simulation.gateway.orchestrators import Orchestrators
from exporter.simulation.gateway.process import Processor
from exporter.simulation.gateway.selection import Selection
from exporter.simulation.gateway.startup import Startup, TakenPorts
from exporter.simulation.gateway.tweaks import GatewayTweaks

KILLED: Final = 137
_BEFORE_DEATH_SECONDS: Final = 0.2


class SimulatedGateway:
    """A gateway with jobs and media at `url` and the CLI port at `cli_url`, once it is started.

    `speed` divides all times that are built in. `log` receives each line that the real process
    would write. `tweaks` may be changed while it runs. `exit_code` is set when it has ended by
    itself. `now` is the wall clock of the log, `monotonic` the clock by which it ages its lists.
    A gateway runs once.
    """

    def __init__(
        self,
        flags: GatewayFlags,
        *,
        name: str = "gateway",
        speed: float = 1.0,
        log: Write = drop,
        rng: Random | None = None,
        tweaks: GatewayTweaks | None = None,
        now: Callable[[], datetime] = datetime.now,
        monotonic: Callable[[], float] = time.monotonic,
        pid: int | None = None,
    ) -> None:
        self.flags = flags
        self.name = name
        self.tweaks = tweaks or GatewayTweaks()
        self.exit_code: int | None = None
        self._rng = rng or Random()  # noqa: S311 - names and choices, no secrets
        self._clock = Clock(speed, monotonic)
        self._log = GatewayLog(log, flags.verbosity, now=now, pid=pid)
        self._chain = ChainReader(flags, self._log, self._clock) if flags.on_chain else None
        self._startup = Startup(flags, self._log, self._rng, self.tweaks.version, self._chain)
        self._orchestrators = Orchestrators(self._clock, name)
        self._directory = self._make_directory()
        self._discovery: Discovery | None = None
        if self._directory is not None:
            self._discovery = Discovery(
                self._directory,
                self._orchestrators,
                self._clock,
                patience=flags.discovery_timeout,
                blocked=_blocked(flags.orch_blocklist),
            )
        purse = Purse(flags, self.tweaks, self._log, self._rng, self._chain)
        self._selection = selection = Selection(
            self._discovery, self._clock, purse.choice, self._rng
        )
        metrics = Metrics()
        submitter = Submitter(
            self._orchestrators,
            purse,
            self._clock,
            tweaks=self.tweaks,
            metrics=metrics,
            rng=self._rng,
        )
        processor = Processor(selection, submitter, self._clock, flags.retry_timeout, self._rng)
        artefacts = Artefacts(self._orchestrators, self._clock, self.tweaks, self._rng)
        self._jobs = Jobs(
            processor,
            artefacts,
            self._log,
            self._clock,
            self._rng,
            began=self._job_began,
            ended=self._job_ended,
        )
        self._cli = CliPort(
            flags,
            self._directory,
            selection,
            self._log,
            tweaks=self.tweaks,
            metrics=metrics.render,
            chain=self._chain,
        )
        self._http_port = Listener(self._jobs.handle, flags.http_addr)
        self._cli_port = Listener(self._cli.handle, flags.cli_addr)
        self._rtmp_port = RtmpPort(flags.rtmp_addr)
        self._ended = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._begun = 0
        self._finished = 0
        self._leaked: list[bytearray] = []

    @property
    def url(self) -> str:
        """Base URL of jobs and media."""
        return self._http_port.url

    @property
    def cli_url(self) -> str:
        """Base URL of the CLI port."""
        return self._cli_port.url

    async def start(self) -> None:
        """Come up; nothing stays open where it fails. Raises `StartFailed`."""
        try:
            await self._start()
        except BaseException:
            await self._close()
            raise

    async def stop(self, reason: str | None = None) -> None:
        """End all jobs and connections at once; with a `reason` (`terminated`) it says so."""
        if reason is not None and not self._ended.is_set():
            self._startup.stopped(reason)
        await self._close()

    async def wait(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        await self._ended.wait()
        return self.exit_code or 0

    async def die(self) -> None:
        """Be gone as if killed: no line, no answer, connections reset."""
        if self._ended.is_set():
            return
        self.exit_code = KILLED
        self._ended.set()
        await self._close()

    async def _start(self) -> None:
        await self._startup.prepare()
        self._cli.chain_id = self._startup.chain_id
        self._orchestrators.sender = self._startup.account
        await self._orchestrators.open()
        self._startup.discovering()
        if isinstance(self._directory, Webhook):
            await self._ask_webhook(self._directory)
        poll = self._network_poll()
        if poll is not None:
            await poll.begin()
        await self._open_ports()
        if poll is not None:
            interval = self.flags.cap_report_interval / SECOND
            self._tasks.append(asyncio.create_task(poll.keep(interval)))
        if self._chain is not None:
            self._tasks.append(asyncio.create_task(self._chain.keep()))

    async def _open_ports(self) -> None:
        """Whatever is taken is announced all the same. Raises `StartFailed`."""
        taken = TakenPorts(
            await _taken(self._http_port),
            await _taken(self._cli_port),
            await _taken(self._rtmp_port),
        )
        self._startup.serving(
            self._http_port.address, self._cli_port.address, self._rtmp_port.address
        )
        if any(taken):
            raise self._startup.ports_taken(taken)

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(
            self._http_port.close(), self._cli_port.close(), self._rtmp_port.close()
        )
        await self._jobs.close()
        if self._discovery is not None:
            await self._discovery.close()
        await self._orchestrators.close()
        if self._chain is not None:
            await self._chain.close()

    def _make_directory(self) -> Directory | None:
        if self.flags.orch_webhook_url:
            return Webhook(self.flags.orch_webhook_url, self._clock, self._log)
        if self.flags.orch_addr:
            return FixedList(self.flags.orch_addr)
        return None if self._chain is None else self._chain.pool

    def _network_poll(self) -> NetworkPoll | None:
        """Who makes the list of the CLI port; only an on-chain gateway has one."""
        if self._chain is None or self._directory is None or self.tweaks.walk_fails:
            return None
        return NetworkPoll(
            self._chain,
            self._orchestrators,
            self._directory,
            log=self._log,
            clock=self._clock,
            publish=self._cli.publish,
        )

    async def _ask_webhook(self, webhook: Webhook) -> None:
        try:
            await webhook.known()
        except WebhookFailed:
            return  # It is asked again by whoever needs the list.

    async def _job_began(self) -> None:
        self._begun += 1
        if self._begun == self.tweaks.die_during_job:
            self._dying = asyncio.create_task(self._die_soon())

    async def _job_ended(self) -> None:
        self._finished += 1
        if self.tweaks.leak_bytes:
            self._leaked.append(bytearray(b"\x01") * self.tweaks.leak_bytes)
        if self._finished == self.tweaks.hang_after_jobs:
            self._http_port.hung = self._cli_port.hung = True
        if self._finished == self.tweaks.die_after_jobs:
            self._dying = asyncio.create_task(self._die_soon())

    async def _die_soon(self) -> None:
        """Let what was just sent out, or just begun, be under way."""
        await self._clock.sleep(_BEFORE_DEATH_SECONDS)
        await self.die()


async def _taken(port: Listener | RtmpPort) -> PortTaken | None:
    try:
        await port.open()
    except PortTaken as taken:
        return taken
    return None


def _blocked(text: str) -> frozenset[str]:
    return frozenset(part.strip().removeprefix("0x") for part in text.split(",") if part.strip())

"""An unpinned gateway of our own: on-chain it knows the network, which pinned ones do not."""

import asyncio
import logging
from typing import Final

from exporter.probing.managed.cleaning import cleaner
from exporter.probing.managed.faults import LaneStartError
from exporter.probing.managed.home import LaneHome
from exporter.probing.managed.pauses import Pause
from exporter.probing.managed.process import GatewayProcess
from exporter.probing.managed.starter import Starter
from exporter.probing.managed.watch import resident
from exporter.settings.livepeer import Livepeer

NAME: Final = "scout"
WATCH: Final = 10.0
"""Seconds between two looks whether it answers, and how much memory it takes."""
FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0
STEADY: Final = 600.0
"""A scout that ran so many seconds is taken for healthy: the pause begins anew."""

log = logging.getLogger(__name__)


class Scout:
    """Keeps one unpinned gateway running; its CLI port is a source of the discovery.

    `starter` may be shared with the pool. The port stays the same over restarts unless somebody
    else took it meanwhile.
    """

    def __init__(
        self,
        settings: Livepeer,
        home: LaneHome,
        *,
        starter: Starter | None = None,
        first_pause: float = FIRST_PAUSE,
        watch_interval: float = WATCH,
    ) -> None:
        self.restarts = 0
        self._settings = settings
        self._starter = starter or Starter(settings, home, clean=cleaner(settings))
        self._pause = Pause(first_pause, LONGEST_PAUSE)
        self._watch_interval = watch_interval
        self._process: GatewayProcess | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()

    @property
    def cli_url(self) -> str | None:
        """Base URL of its CLI port; `None` while it does not run."""
        process = self._process
        return None if process is None or process.broken.is_set() else process.cli_url

    @property
    def pid(self) -> int | None:
        """Its process id; `None` while it does not run."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start it, and keep it running until `close`; returns after the first try."""
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(), name=NAME)
        await self._settled.wait()

    async def close(self) -> None:
        """End it."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def _keep(self) -> None:
        ports = None
        while True:
            try:
                self._process = await self._starter.start(NAME, uri=None, name=NAME, wanted=ports)
            except LaneStartError as error:
                log.debug("the scout does not start: %s", error)
            finally:
                self._settled.set()
            if self._process is not None:
                ports = self._process.ports
                await self._until_over(self._process)
                self.restarts += 1
            await self._starter.rest(self._pause.begin())

    async def _until_over(self, process: GatewayProcess) -> None:
        """Watch it until it is to be started anew; then, and on cancellation, it has ended."""
        began = asyncio.get_running_loop().time()
        try:
            reason = await self._reason_to_restart(process)
            log.warning("the scout is started anew", extra={"reason": reason})
        finally:
            self._process = None
            await asyncio.shield(process.stop())
        if asyncio.get_running_loop().time() - began > STEADY:
            self._pause.end()

    async def _reason_to_restart(self, process: GatewayProcess) -> str:
        over = asyncio.create_task(process.broken.wait())
        try:
            while True:
                await asyncio.wait([over], timeout=self._watch_interval)
                if not await process.alive():
                    return process.why_broken() or "it does not answer"
                sizes = await asyncio.to_thread(resident, [process.pid])
                if sizes[process.pid] > self._settings.memory:
                    return f"it takes {sizes[process.pid]} bytes of memory"
                if process.flooding:
                    return "it writes far more than is read"
                await self._starter.refresh()
                if process.binary != self._starter.binary:
                    return "the program changed"
        finally:
            over.cancel()

"""The supervisor: starts the probe process and the station, and keeps both going."""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO

from exporter import orphans
from exporter.exit_code import ENVIRONMENT, FAILED, OK, USAGE
from exporter.process import read_settings, run_until_stopped
from exporter.settings import Settings

FINAL = frozenset({USAGE, ENVIRONMENT})
"""Exit codes of a child that starting it again would not change."""
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
STEADY = 10.0
"""A child that ran so many seconds is taken for healthy: the pause begins anew."""
GRACE = 10.0
"""Seconds that a child gets to stop beyond what the settings give to its jobs and gateways."""
QUIET = ("-W", "ignore:resource_tracker")
"""Python's own helper of a process that was killed tells of it in words that are no log line."""
TRIES = 5
"""Failures in a row after which `--once` gives up."""
POLL = 0.2
STALLED = 60.0
"""Seconds without progress after which `--once` no longer waits for the station."""

log = logging.getLogger(__name__)


def main(config: Path, *, once: bool, together: bool) -> int:
    """Run the whole service until stopped, or until one round is stored; gives the exit code."""
    from exporter import log as logs

    settings = read_settings(config)
    if settings is None:
        return USAGE
    logs.configure(settings.log.level, settings.log.format)
    supervisor = Supervisor(config, settings, once=once, together=together)
    code = run_until_stopped(supervisor.serve)
    return code or supervisor.code


class Child:
    """One supervised process: its standard input stays open for as long as we live.

    It has a process group of its own: what a terminal sends to all reaches only the supervisor,
    which stops its children in the right order.
    """

    def __init__(self, role: str, arguments: list[str], log_to: IO[bytes] | None = None) -> None:
        self.role = role
        self._arguments = arguments
        self._log_to = log_to
        self._process: asyncio.subprocess.Process | None = None
        self.starting = False
        """Whether it is being started, so that its process id is not known yet."""

    @property
    def pid(self) -> int | None:
        """Process id of the running process."""
        return None if self._process is None else self._process.pid

    async def run(self, stop: asyncio.Event) -> int:
        """Start the process and wait for its end; gives its exit code.

        When `stop` was set while it was being started, it is ended at once.
        """
        self.starting = True
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *QUIET,
                "-m",
                "exporter",
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stderr=self._log_to,
                process_group=0,
            )
        finally:
            self.starting = False
        log.info("%s started", self.role, extra={"pid": self._process.pid})
        if stop.is_set():
            self._process.terminate()
        return await self._process.wait()

    async def stop(self, grace: float) -> None:
        """Ask it to stop, and end it when it does not within `grace` seconds."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(grace):
                await process.wait()
        except TimeoutError:
            log.warning("%s did not stop in %g s and is ended", self.role, grace)
            process.kill()
            await process.wait()


class Supervisor:
    """Starts both children, restarts one that dies, and stops both in the right order.

    The probe stops first, so that the station can still store what it left in the outbox.
    """

    def __init__(
        self,
        config: Path,
        settings: Settings,
        *,
        once: bool,
        together: bool,
        log_to: IO[bytes] | None = None,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._longest_pause = longest_pause
        self._settings = settings
        self._once = once
        common = ["--config", str(config), "--supervised"]
        flags = ["--once"] * once + ["--together"] * together
        self.probe = Child("probe", ["probe-process", *common, *flags], log_to)
        self.station = Child("station", ["station", *common], log_to)
        self.code = OK

    async def serve(
        self, stop: asyncio.Event, *, on_stored: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Run until `stop` is set, a child fails for good, or the one round is stored.

        `on_stored` is awaited when the one round is stored, while the station still serves.
        """
        tasks = [
            asyncio.create_task(self._keep(self.station, stop)),
            asyncio.create_task(self._keep(self.probe, stop)),
        ]
        waiting: asyncio.Task[object] = asyncio.create_task(stop.wait())
        aside: list[asyncio.Task[object]] = [waiting]
        if orphans.inherits():
            aside.append(asyncio.create_task(orphans.reap_for_ever(self._children)))
        try:
            await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
            if self._once and tasks[1].done() and self.code == OK and not stop.is_set():
                await self._delivered(stop)
                if on_stored is not None and self.code == OK and not stop.is_set():
                    await on_stored()
        finally:
            stop.set()
            settings = self._settings
            await self.probe.stop(settings.schedule.drain + settings.livepeer.stop_timeout + GRACE)
            await self.station.stop(GRACE)
            for task in aside:
                task.cancel()
            await asyncio.gather(*aside, *tasks, return_exceptions=True)

    def _children(self) -> set[int] | None:
        """Process ids of our own children; `None` while one of them is being started."""
        if self.probe.starting or self.station.starting:
            return None
        return {child.pid for child in (self.probe, self.station) if child.pid is not None}

    async def _keep(self, child: Child, stop: asyncio.Event) -> None:
        pause, failures = FIRST_PAUSE, 0
        while not stop.is_set():
            started = time.monotonic()
            try:
                code = await child.run(stop)
            except OSError as error:
                log.error("%s cannot be started: %s", child.role, error)  # noqa: TRY400 - for a person
                self.code = ENVIRONMENT
                return
            if stop.is_set():
                return
            if code == OK and self._once and child is self.probe:
                return
            if code in FINAL:
                self.code = code
                return
            failures = 1 if time.monotonic() - started > STEADY else failures + 1
            if failures == 1:
                pause = FIRST_PAUSE
            if self._once and failures > TRIES:
                log.error("%s fails again and again", child.role)
                self.code = FAILED
                return
            log.error(
                "%s ended unexpectedly and is started again",
                child.role,
                extra={"code": code, "pause": pause},
            )
            await _either(stop, pause)
            pause = min(pause * 2, self._longest_pause)

    async def _delivered(self, stop: asyncio.Event) -> None:
        """Wait until the station has stored everything that is in the outbox."""
        from exporter.data_folder import OUTBOX
        from exporter.outbox import Outbox

        settings = self._settings
        outbox = Outbox.open(
            settings.data / OUTBOX,
            max_bytes=settings.outbox.max_bytes,
            keep_delivered=settings.outbox.keep_delivered,
        )
        moved, stored = time.monotonic(), -1
        try:
            while self.code == OK and not stop.is_set() and time.monotonic() - moved < STALLED:
                before, stored = stored, await outbox.cursor("store")
                if not await outbox.pending(stored):
                    return
                if stored > before:
                    moved = time.monotonic()
                await _either(stop, POLL)
            if self.code == OK and not stop.is_set():
                log.warning("the station does not store what is left in the outbox")
                self.code = FAILED
        finally:
            await outbox.close()


async def _either(stop: asyncio.Event, seconds: float) -> None:
    """Wait so many seconds, or until `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return

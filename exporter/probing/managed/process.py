"""One gateway process: started, watched, asked how it is, and ended with all that belongs to it."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Self

from exporter.probing.managed import cli_port
from exporter.probing.managed.binary import Binary
from exporter.probing.managed.command import Command, command
from exporter.probing.managed.faults import Fault, StartFailure
from exporter.probing.managed.home import LaneHome, remove
from exporter.probing.managed.intake import Intake
from exporter.probing.managed.leftovers import end_marked
from exporter.probing.managed.output import Output
from exporter.probing.managed.ports import LOOPBACK, Ports, free_ports, listens
from exporter.probing.managed.reasons import last_words, why_it_ended
from exporter.probing.managed.shim import Started, spawn
from exporter.settings.livepeer import Livepeer

CLASHES: Final = 5
"""Other ports that are tried when one was taken."""
SOON: Final = 1.0
"""Seconds in which a gateway is up off-chain; so long it is looked at often."""
OFTEN: Final = 0.02
SELDOM: Final = 0.25
_TOLD: Final = 60
"""Lines of the log in which the reason of an end is looked for."""
_LAST_WORDS: Final = 0.25
"""Seconds for what is still in the pipe after the end; a child of its may hold that open."""

log = logging.getLogger(__name__)


class GatewayProcess:
    """A running gateway; made by `start`.

    `version` and `binary` are those of the program it was started from.
    """

    def __init__(
        self,
        started: Started,
        *,
        uri: str | None,
        ports: Ports,
        folder: Path,
        binary: Binary,
        mark: str,
        output: Output,
        settings: Livepeer,
    ) -> None:
        self.uri = uri
        self.ports = ports
        self.binary = binary
        self.output = output
        self.started = time.monotonic_ns()
        self.over_memory = False
        """Set by who watches its memory."""
        self.over_output = False
        """Set by who watches whether it floods."""
        self.hung = False
        """It did not answer in time, twice in a row."""
        self.stopping = False
        self.broken = asyncio.Event()
        """Set when it ended or hung."""
        self._process = started.process
        self._pipe = started.pipe
        self._folder = folder
        self._mark = mark
        self._settings = settings
        self._intake = Intake(output)
        self._reader = asyncio.create_task(self._intake.read(started.output))
        self._waiter = asyncio.create_task(self._wait())

    @classmethod
    async def start(
        cls,
        settings: Livepeer,
        home: LaneHome,
        binary: Binary,
        *,
        uri: str | None,
        clean: Callable[[str], str],
        wanted: Ports | None = None,
    ) -> Self:
        """Start a gateway and wait until it is ready; ports that are taken are tried anew.

        `wanted` are the ports to try first. Raises `StartFailure`; then nothing of it is left.
        """
        last: StartFailure | None = None
        for _ in range(CLASHES):
            try:
                return await cls._try(settings, home, binary, uri=uri, clean=clean, wanted=wanted)
            except StartFailure as failure:
                if failure.fault is not Fault.PORTS:
                    raise
                log.info("a port for a gateway was taken, others are tried")
                wanted, last = None, failure
        raise StartFailure(
            Fault.PORTS, f"ports were taken {CLASHES} times in a row; the last time: {last}"
        )

    @classmethod
    async def _try(
        cls,
        settings: Livepeer,
        home: LaneHome,
        binary: Binary,
        *,
        uri: str | None,
        clean: Callable[[str], str],
        wanted: Ports | None,
    ) -> Self:
        folder = home.fresh()
        started = None
        try:
            ports = wanted or _ports()
            mark = home.mark(folder)
            words = await asyncio.to_thread(
                partial(command, settings, uri=uri, ports=ports, folder=folder, mark=mark)
            )
            started = cls(
                await _spawn(binary, words, folder),
                uri=uri,
                ports=ports,
                folder=folder,
                binary=binary,
                mark=mark,
                output=Output(clean),
                settings=settings,
            )
            await started._until_ready()
        except BaseException:
            if started is None:
                remove(folder)
            else:
                await asyncio.shield(started.kill())
            raise
        return started

    @property
    def pid(self) -> int:
        """Its process id, which is its process group's, too."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; `None` while it runs. Negative: the signal that ended it."""
        return self._process.returncode

    @property
    def url(self) -> str:
        """Base URL of the port that takes jobs."""
        return f"http://{LOOPBACK}:{self.ports.http}"

    @property
    def cli_url(self) -> str:
        """Base URL of the CLI port."""
        return f"http://{LOOPBACK}:{self.ports.cli}"

    @property
    def flooding(self) -> bool:
        """Whether it writes so much, for so long, that it is not worth keeping."""
        return self._intake.flooding

    async def alive(self) -> bool:
        """Whether it runs and its CLI port answers; one that is silent twice has hung."""
        for _ in range(2):
            if self.exit_code is not None:
                return False
            began = time.monotonic()
            if await cli_port.status(self.ports.cli, timeout=self._settings.answer_timeout):
                return True
            # Refused at once: it is on its way out, and deserves the time to end.
            left = began + self._settings.answer_timeout - time.monotonic()
            await asyncio.wait([self._waiter], timeout=max(left, 0.0))
        if self.exit_code is None:
            self.hung = True
            self.broken.set()
        return False

    def why_broken(self) -> str | None:
        """In words, what became of it; `None` if it runs and answers, as far as is known."""
        if self.exit_code is not None:
            _, reason = why_it_ended(self.output.last(_TOLD), self.exit_code)
            return f"its gateway ended: {reason}"
        return "its gateway hung: its CLI port did not answer" if self.hung else None

    async def stop(self) -> None:
        """Ask it to end, and kill it when it does not; then remove its folder."""
        self.stopping = True
        if self.exit_code is None and not self.hung:
            self._signal(signal.SIGTERM)
            await asyncio.wait([self._waiter], timeout=self._settings.stop_timeout)
        await self.kill()

    async def kill(self) -> None:
        """End it at once, with its whole process group, and remove its folder."""
        self.stopping = True
        if self.exit_code is None:
            self._signal(signal.SIGKILL)
        await self._waiter
        await end_marked(self._mark)
        await asyncio.wait([self._reader], timeout=_LAST_WORDS)
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        self._pipe.close()
        await asyncio.to_thread(remove, self._folder)

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the group. Its leader was not waited for, so the id is still its own."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def _until_ready(self) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._settings.start_timeout):
                while self.exit_code is None:
                    if await self._is_ready():
                        return
                    pause = OFTEN if time.monotonic() - began < SOON else SELDOM
                    await asyncio.wait([self._waiter], timeout=pause)
        except TimeoutError:
            said = last_words(self.output.last(_TOLD))
            raise StartFailure(
                Fault.TIMEOUT,
                f"it was not ready within {self._settings.start_timeout:g} s"
                + (f"; the last it said: {said}" if said else " and told nothing of why"),
            ) from None
        await self._waiter
        raise StartFailure(*why_it_ended(self.output.last(_TOLD), self.exit_code))

    async def _is_ready(self) -> bool:
        """Whether both ports are its own, and it is pinned as it should be."""
        if not await _accepts(self.ports.cli) or not await _accepts(self.ports.http):
            return False
        told = await cli_port.status(self.ports.cli, timeout=self._settings.answer_timeout)
        if told is None or (self.uri is not None and not told.pinned_to(self.uri)):
            return False
        ports = (self.ports.http, self.ports.cli)
        own = await asyncio.to_thread(partial(listens, self.pid, ports))
        return own is not False and self.exit_code is None

    async def _wait(self) -> None:
        await self._process.wait()
        await asyncio.wait([self._reader], timeout=_LAST_WORDS)
        self.broken.set()


async def _spawn(binary: Binary, words: Command, folder: Path) -> Started:
    try:
        return await spawn(
            binary.path, words.arguments, environment=words.environment, folder=folder
        )
    except OSError as error:
        raise StartFailure(
            Fault.BINARY, f"{binary.path}: cannot be executed ({error.strerror})"
        ) from None


def _ports() -> Ports:
    try:
        return free_ports()
    except OSError as error:
        raise StartFailure(Fault.PORTS, f"no free ports on loopback ({error.strerror})") from None


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True

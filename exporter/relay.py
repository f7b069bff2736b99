"""The relay as the probe sees it: a process beside it that is kept running at one address."""

import asyncio
import contextlib
import logging
import sys
from typing import Final

import msgspec
from pydantic import SecretStr

from exporter.ethereum.relay.server import new_token
from exporter.ethereum.relay.serving import listen, url_of
from exporter.ethereum.relay.tally import Report
from exporter.probing.managed.pauses import Pause
from exporter.relay_process import LINE_LIMIT, Errand
from exporter.serving import ListenError
from exporter.settings import Ethereum, Log

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 30.0
STEADY: Final = 30.0
"""Seconds after which a relay that ends is taken for one that was healthy."""
GRACE: Final = 5.0
"""Seconds that it gets to end."""
TROUBLED: Final = 2.0
"""Seconds without a relay that are worth a word: one that is started anew is there before."""
SILENT: Final = 60.0
"""Seconds without a report, which comes every second, after which it is taken for stuck."""
_LOOK: Final = 1.0

log = logging.getLogger(__name__)


class RelayProcess:
    """Keeps the relay's process running from `start` to `close`; its URL stays the same."""

    def __init__(
        self, settings: Ethereum, logging_as: Log, *, first_pause: float = FIRST_PAUSE
    ) -> None:
        self.restarts = 0
        """How often it ended and was to be started anew."""
        self.pid: int | None = None
        """Its process id; `None` while it does not run."""
        self._settings = settings
        self._logging_as = logging_as
        self._pause = Pause(first_pause, LONGEST_PAUSE)
        self._token = new_token()
        try:
            self._listener = listen(settings.relay.listen)
        except OSError as error:
            raise ListenError(
                f"cannot listen on {settings.relay.listen} (setting `ethereum.relay.listen`): "
                f"{error.strerror or error}"
            ) from error
        self._ended = Report()
        """The counts of all that ended."""
        self._last: Report | None = None
        self._down_since: float | None = None
        self._heard = 0.0
        """When it said something last, or was started."""
        self._keeping: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @property
    def url(self) -> SecretStr:
        """Where gateways ask; whoever knows it may ask."""
        return SecretStr(url_of(self._listener, self._token))

    @property
    def trouble(self) -> str | None:
        """Why gateways get no answers; `None` if nothing is in the way, as far as is known."""
        if self._down_since is not None:
            down = asyncio.get_running_loop().time() - self._down_since
            return "the relay does not run" if down > TROUBLED else None
        if self._is_silent():
            return f"the relay has said nothing for {SILENT:g} s"
        return None if self._last is None else self._last.trouble

    @property
    def report(self) -> Report:
        """What it said last, within a second, with the counts of those before it."""
        return (self._last or Report()).after(self._ended)

    def _is_silent(self) -> bool:
        return self.pid is not None and asyncio.get_running_loop().time() - self._heard > SILENT

    def start(self) -> None:
        """Start it; returns at once, gateways that ask wait until it listens."""
        self._keeping = asyncio.create_task(self._keep(), name="relay")

    async def close(self) -> None:
        """End it, and give its address up."""
        self._closing.set()
        if self._keeping is not None:
            await asyncio.gather(self._keeping, return_exceptions=True)
        self._listener.close()

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing.is_set():
            began = loop.time()
            try:
                code = await self._once()
            except OSError as error:
                code = None
                log.error("the relay cannot be started: %s", error.strerror or error)  # noqa: TRY400 - for a person
            self._past(loop.time())
            if self._closing.is_set():
                return
            self.restarts += 1
            if loop.time() - began > STEADY:
                self._pause.end()
            pause = self._pause.begin()
            log.error(
                "the relay ended unexpectedly and is started again",
                extra={"code": code, "pause": pause},
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._closing.wait()

    def _past(self, now: float) -> None:
        self.pid = None
        self._ended, self._last = self.report, None
        if self._down_since is None:
            self._down_since = now

    async def _once(self) -> int:
        """Run it until it ends or is to end; gives its exit code. Raises `OSError`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "exporter.relay_process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(self._listener.fileno(),),
            process_group=0,
            limit=LINE_LIMIT,
        )
        assert process.stdin is not None  # noqa: S101 - for the type checker
        assert process.stdout is not None  # noqa: S101 - for the type checker
        self.pid, self._heard = process.pid, asyncio.get_running_loop().time()
        process.stdin.write(self._errand())
        reading = asyncio.create_task(self._read(process.stdout))
        closing = asyncio.create_task(self._closing.wait())
        ended = asyncio.create_task(process.wait())
        try:
            while not (closing.done() or ended.done() or self._is_silent()):
                await asyncio.wait(
                    [closing, ended], timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            process.stdin.close()
            await _until_over(process, ended)
            await asyncio.wait([reading], timeout=GRACE)
            for task in (reading, closing):
                task.cancel()
            await asyncio.gather(reading, closing, return_exceptions=True)
        return await ended

    def _errand(self) -> bytes:
        settings = self._settings
        plain = settings.model_dump(mode="json")
        for shown, rpc in zip(plain["rpc"], settings.rpc, strict=True):
            shown["url"] = rpc.url.get_secret_value()
        errand = Errand(
            listener=self._listener.fileno(),
            token=self._token,
            ethereum=msgspec.json.encode(plain).decode(),
            at_least=self._ended.head or 0,
            level=self._logging_as.level,
            form=self._logging_as.format,
        )
        return msgspec.json.encode(errand) + b"\n"

    async def _read(self, reports: asyncio.StreamReader) -> None:
        async for line in reports:
            try:
                self._last = msgspec.json.decode(line, type=Report)
            except msgspec.DecodeError:
                continue  # cut off: it was killed
            self._down_since, self._heard = None, asyncio.get_running_loop().time()


async def _until_over(process: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> None:
    """Give it a moment to end, which it does when its standard input has ended."""
    await asyncio.wait([ended], timeout=GRACE)
    if not ended.done():
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await ended

"""How one of the two processes starts, is told to stop, and says why it could not run."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import FrameType
from typing import Literal

from exporter.exit_code import ENVIRONMENT, FAILED, OK, USAGE
from exporter.settings import Settings

Role = Literal["probe", "station"]

STATION_NICENESS = 5
"""By how much the station yields the processor: serving must not delay the stamps of a job."""

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that ask a process to stop."""

log = logging.getLogger(__name__)


def read_settings(path: Path) -> Settings | None:
    """Read the settings; where they are wrong, say so on standard error and give nothing."""
    from exporter.settings_file import SettingsError, load

    try:
        return load(path, os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is the answer to the person who asked
        return None


def run_process(role: Role, config: Path, *, once: bool, together: bool, supervised: bool) -> int:
    """Run one process until it is told to stop; gives its exit code.

    SIGINT and SIGTERM ask it to stop gracefully. A supervised process also stops when its
    standard input ends, which it does when the supervisor is gone, however that died.
    """
    from exporter import log as logs

    settings = read_settings(config)
    if settings is None:
        return USAGE
    logs.configure(settings.log.level, settings.log.format)

    async def serve(stop: asyncio.Event) -> None:
        if role == "probe":
            from exporter import probe

            await probe.serve(
                settings, stop=stop, once=once, together=together, on_ready=_settle_memory
            )
        else:
            from exporter import station

            os.nice(STATION_NICENESS)
            await station.serve(settings, stop=stop)

    return run_until_stopped(serve, supervised=supervised)


def _settle_memory(_: str) -> None:
    """Take what start-up made out of the garbage collector's rounds, which would stop the loop."""
    gc.collect()
    gc.freeze()


def run_until_stopped(
    serve: Callable[[asyncio.Event], Coroutine[None, None, None]], *, supervised: bool = False
) -> int:
    """Run `serve` with an event that is set when the process is asked to stop.

    Errors that people can act on (see `surroundings`) become a message and exit code 3. Once
    `serve` is over, such signals are ignored: nothing is left to stop, and the exit code is made.
    """

    async def body() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def asked(number: int, _: FrameType | None) -> None:
            # A terminal sends Ctrl-C to us all; who stops when is for the supervisor to say.
            if not (supervised and number == signal.SIGINT):
                loop.call_soon_threadsafe(stop.set)

        # Not with the loop's own handlers: it takes them away before the process has ended.
        for number in STOPS:
            signal.signal(number, asked)
        try:
            if supervised:
                await _stop_at_end_of_input(stop)
            await serve(stop)
        finally:
            for number in STOPS:
                signal.signal(number, signal.SIG_IGN)

    try:
        asyncio.run(body())
    except surroundings() as error:
        log.error("%s", error)  # noqa: TRY400 - the message is for a person, a trace is not
        return ENVIRONMENT
    except BrokenPipeError:
        raise  # whoever read our output has enough: no error
    except Exception:
        log.exception("stopped by an unexpected error")
        return FAILED
    return OK


def surroundings() -> tuple[type[Exception], ...]:
    """The errors that say what in the surroundings does not allow us to run."""
    from exporter.data_folder import DataFolderError
    from exporter.outbox import OutboxError
    from exporter.probe import NothingToTestError
    from exporter.probe_lanes import LanesError
    from exporter.serving import ListenError
    from exporter.stores import StoreError

    return (
        DataFolderError,
        OutboxError,
        StoreError,
        ListenError,
        NothingToTestError,
        LanesError,
    )


async def _stop_at_end_of_input(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    class Watch(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
            stop.set()

        def eof_received(self) -> None:
            stop.set()

    await loop.connect_read_pipe(Watch, sys.stdin.buffer)

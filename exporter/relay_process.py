"""The process of the relay: started by the probe, which gives it what it needs and what it may say.

It shares no event loop with the jobs that are timed. What it needs, with the secrets in it, comes
as one line on standard input; its standard output carries a report a line. The socket is the
probe's, which holds it while this process is started anew.
"""

import asyncio
import logging
import os
import socket
import sys
from typing import Final

import msgspec

from exporter import log as logs
from exporter.ethereum.relay.relay import Relay
from exporter.ethereum.relay.serving import a_relay, served
from exporter.probing.lane_log.redact import Redactor
from exporter.process import run_until_stopped
from exporter.settings.ethereum import Ethereum

NICENESS: Final = 5
"""By how much it yields the processor: answering gateways must not delay the stamps of a job."""
REPORTS: Final = 1.0
"""Seconds between two reports, unless there is a newer block."""
LINE_LIMIT: Final = 2**20


class Errand(msgspec.Struct, frozen=True):
    """What the process is given."""

    listener: int
    """File descriptor of the socket."""
    token: str
    ethereum: str
    """The settings, as JSON with their secrets."""
    at_least: int
    """The newest block that was given to somebody before."""
    level: str
    form: logs.Format

    def __repr__(self) -> str:
        """Without what is in it."""
        return "Errand()"


def main() -> int:
    """Serve until the standard input ends; gives the exit code."""
    line = sys.stdin.buffer.readline(LINE_LIMIT)
    if not line.endswith(b"\n"):
        return 0  # the probe was gone before it could say what to do
    errand = msgspec.json.decode(line, type=Errand)
    settings = Ethereum.model_validate_json(errand.ethereum)
    logs.configure(errand.level, errand.form)
    _keep_secret([errand.token, *(rpc.url.get_secret_value() for rpc in settings.rpc)])
    os.nice(NICENESS)
    # Who reads the reports may be busy for a while, which must not hold up any gateway.
    os.set_blocking(sys.stdout.fileno(), False)
    return run_until_stopped(lambda stop: _serve(errand, settings, stop), supervised=True)


def _keep_secret(secrets: list[str]) -> None:
    """Take these out of whatever is logged, should they ever get there."""
    clean = Redactor(secrets)
    for handler in logging.getLogger().handlers:
        if handler.formatter is not None:
            handler.setFormatter(_Clean(handler.formatter, clean))


class _Clean(logging.Formatter):
    def __init__(self, inner: logging.Formatter, clean: Redactor) -> None:
        super().__init__()
        self._inner = inner
        self._clean = clean

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(self._clean, self._inner.format(record).split("\n")))


async def _serve(errand: Errand, settings: Ethereum, stop: asyncio.Event) -> None:
    listener = socket.socket(fileno=errand.listener)
    async with (
        a_relay(settings, at_least=errand.at_least) as relay,
        served(relay, errand.token, listener),
    ):
        logging.getLogger(__name__).info("the relay is ready", extra={"pid": os.getpid()})
        while not stop.is_set():
            _report(relay)
            await _next(relay, stop)
        _report(relay)


def _report(relay: Relay) -> None:
    """Tell the probe, which reads all the time; if it is gone, so are we in a moment."""
    try:
        os.write(sys.stdout.fileno(), msgspec.json.encode(relay.report()) + b"\n")
    except OSError:
        return


async def _next(relay: Relay, stop: asyncio.Event) -> None:
    """Wait until the next report is due, or there is a newer block, or it is over."""
    relay.moved.clear()
    waiting = [asyncio.create_task(one.wait()) for one in (relay.moved, stop)]
    await asyncio.wait(waiting, timeout=REPORTS, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


if __name__ == "__main__":
    sys.exit(main())

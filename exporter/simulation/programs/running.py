"""How the programs speak, how they run until somebody ends them, and how they end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

Write = Callable[[str], None]

_GO_NAMES: Final = {signal.SIGTERM: "terminated", signal.SIGINT: "interrupt"}


def say(text: str) -> None:
    """Write to standard output."""
    sys.stdout.write(text)
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write a line, or some, to standard error; as a Go program, die if nobody reads it."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except BrokenPipeError:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        end(-signal.SIGPIPE)


def end(code: int) -> NoReturn:
    """Leave the process at once with this exit code, or by the signal that a negative one means."""
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


@contextmanager
def told_to_stop(*, ignored: bool = False) -> Iterator["asyncio.Future[str]"]:
    """A future that a SIGTERM or SIGINT sets to what Go calls it; `ignored`, nothing does."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[str] = loop.create_future()

    def tell(number: signal.Signals) -> None:
        if not ignored and not told.done():
            told.set_result(_GO_NAMES[number])

    for number in _GO_NAMES:
        loop.add_signal_handler(number, tell, number)
    try:
        yield told
    finally:
        for number in _GO_NAMES:
            loop.remove_signal_handler(number)

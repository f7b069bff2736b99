"""Processes that an earlier tester of the same data folder left, and how they are ended."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from typing import Final

import psutil

from exporter.probing.managed.environment import MARK

GRACE: Final = 3.0
"""Seconds that a leftover gets to end by itself."""
AFTER_KILL: Final = 2.0
LOOK: Final = 0.01
_MARK_LIMIT: Final = 500

log = logging.getLogger(__name__)


async def end_leftovers(owner: str, run: str) -> int:
    """End what other runs of this tester left running; gives how many processes that were.

    A process is a leftover only if it carries the owner's mark in its own environment, which it
    had when it was started and nobody else gives it, and belongs to this user. So another
    tester's gateways, those of another user and reused process ids are never touched.
    """
    return await asyncio.to_thread(
        _end,
        lambda mark: mark.startswith(f"{owner}/") and not mark.startswith(f"{owner}/{run}/"),
        GRACE,
    )


async def end_marked(mark: str) -> int:
    """End all processes with exactly this mark: what a lane's own program started and left."""
    return await asyncio.to_thread(_end, lambda found: found == mark, 0.0)


def _end(ours: Callable[[str], bool], grace: float) -> int:
    found = [process for process in psutil.process_iter() if _is_ours(process, ours)]
    stubborn = found
    if grace:
        for process in found:
            _signal(process, process.terminate)
        stubborn = _wait(found, grace)
    for process in stubborn:
        _signal(process, process.kill)
    for process in _wait(stubborn, AFTER_KILL):
        log.error("a gateway that was left cannot be ended", extra={"pid": process.pid})
    return len(found)


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after so many seconds; who only waits to be reaped does not run."""
    deadline = time.monotonic() + seconds
    while (left := [one for one in processes if _runs(one)]) and time.monotonic() < deadline:
        time.sleep(LOOK)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _is_ours(process: psutil.Process, ours: Callable[[str], bool]) -> bool:
    try:
        own_child = process.ppid() == os.getpid()  # whom asyncio waits for, and nobody else may
        if own_child or process.pid == os.getpid() or process.uids().real != os.getuid():
            return False
        mark = process.environ().get(MARK)
        return mark is not None and len(mark) <= _MARK_LIMIT and ours(mark)
    except (psutil.Error, OSError):
        return False


def _signal(process: psutil.Process, send: Callable[[], None]) -> None:
    """`psutil` sends nothing when the process id was given to another process meanwhile."""
    try:
        send()
    except psutil.NoSuchProcess:
        return
    except (psutil.Error, OSError) as error:
        log.warning("a leftover cannot be ended", extra={"pid": process.pid, "error": str(error)})

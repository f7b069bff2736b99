"""Ended processes that nobody waits for: a container's first process inherits them all.

The workers and gateways of a probe that was killed become children of process 1. Until that takes
note of their end, each holds an entry of the process table, of which a container has few.
"""

import asyncio
import os
from collections.abc import Callable, Collection
from typing import Final

LOOK: Final = 1.0
"""Seconds between two looks."""


def inherits() -> bool:
    """Whether this process is the one that gets the children of those that ended."""
    return os.getpid() == 1


async def reap_for_ever(own: Callable[[], Collection[int] | None]) -> None:
    """Take note of the end of every child but our own; `own` gives `None` while one starts."""
    while True:
        await asyncio.sleep(LOOK)
        children = own()
        if children is not None:
            reap(children)


def reap(own: Collection[int]) -> int:
    """Take note of children that have ended; gives how many.

    It stops at one of our `own`, whose exit code somebody else waits for.
    """
    count = 0
    while (ended := _ended()) is not None and ended not in own:
        os.waitpid(ended, os.WNOHANG)
        count += 1
    return count


def _ended() -> int | None:
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return None if found is None else found.si_pid

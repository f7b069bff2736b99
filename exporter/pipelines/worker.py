"""The worker processes in which payloads are made and answers proven."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Final, TypeVar

NICENESS: Final = 10
"""By how much a worker yields the processor: judging must not delay the stamps of a job."""

SPENT: Final = -signal.SIGPROF
"""Exit code of a worker that used up its processor time."""

_PR_SET_PDEATHSIG: Final = 1

T = TypeVar("T")

_limits = {"short": False}
"""Of this process, set once at its start."""


def prepare_worker(memory_limit: int) -> None:
    """Bound this process, and tie its life to that of the process that started it.

    `memory_limit` is in bytes, on top of what the process has mapped at its start.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    _yield_to_everybody()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    bound = _mapped() + memory_limit
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        # Whoever started the tester allows it less: then what does not fit is not the file's fault.
        _limits["short"] = bound > hard
        bound = min(bound, hard)
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    _die_with_parent()


def _yield_to_everybody() -> None:
    """Run while nobody else wants to, where the kernel knows that; niceness alone waits its turn.

    Beside eight nice processes on two cores a loop that wakes up waited for 4 ms, one time in a
    hundred; beside eight idle ones for less than half a millisecond.
    """
    os.nice(NICENESS)
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def is_short_of_memory() -> bool:
    """Whether this process may have less memory than it was meant to have."""
    return _limits["short"]


def ready() -> bool:
    """Nothing but an answer: a worker that gives it has started."""
    return True


def within(seconds: float, function: Callable[..., T], args: tuple[object, ...]) -> T:
    """Run a function that may use the processor for so many seconds; else this process ends.

    The kernel ends it (`SPENT`), wherever it is: a decoder in a loop never comes back to Python.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return function(*args)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _mapped() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - not a real file
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _die_with_parent() -> None:
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)

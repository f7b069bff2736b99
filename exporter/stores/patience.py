"""Threads that work for questions yield the processor to those that serve and measure."""

import os
import threading
from contextlib import suppress
from typing import Final

_NICE: Final = 10


def yield_to_others() -> None:
    """Let this thread, and those that it makes, run only while others do not want to.

    What it does takes as long as before where a processor is free. Linux alone has a priority for
    each thread.
    """
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)

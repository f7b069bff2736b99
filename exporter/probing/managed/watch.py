"""How much memory gateways take, all of them looked at in one go."""

import contextlib
import os
from collections.abc import Collection

import psutil


def resident(groups: Collection[int]) -> dict[int, int]:
    """Resident bytes of each process group, children of the gateway included."""
    sums = dict.fromkeys(groups, 0)
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            group = os.getpgid(pid)
            if group in sums:
                sums[group] += psutil.Process(pid).memory_info().rss
    return sums

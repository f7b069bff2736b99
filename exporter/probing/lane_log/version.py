"""Versions of go-livepeer, as far as the table of messages cares."""

import re

OLDEST = (0, 8, 0)
NEWEST = (0, 9, 1)
"""The versions whose messages the table was made for."""

_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:[-+ ].*)?", re.ASCII)


def parse(version: str) -> tuple[int, int, int] | None:
    """The numbers of `0.9.1`, `v0.8.10` or `0.9.1-rig`; `None` if it has not that form."""
    found = _VERSION.fullmatch(version.strip()[:100])
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def table_of(version: str) -> tuple[int, int, int]:
    """The version whose messages are expected; the newest known one if it cannot be told."""
    numbers = parse(version)
    return numbers if numbers is not None else NEWEST


def doubt(version: str) -> str | None:
    """In words, what makes the table doubtful for this version; `None` if nothing does."""
    numbers = parse(version)
    newest = ".".join(map(str, NEWEST))
    if numbers is None:
        return f"the gateway's version is not known; its log is read by the table of {newest}"
    if not OLDEST <= numbers <= NEWEST:
        shown = ".".join(map(str, numbers))
        return f"the table of log messages ends at {newest}; the gateway is {shown}"
    return None

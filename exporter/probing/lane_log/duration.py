"""Durations as Go prints them."""

import re

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = r"(\d{1,12})(?:\.(\d{1,12}))?(ns|us|µs|μs|ms|s|m|h)"
_WHOLE = re.compile(rf"(?:{_PART}){{1,4}}", re.ASCII)
_PARTS = re.compile(_PART, re.ASCII)


def nanoseconds(text: str) -> int | None:
    """`3.520626ms`, `1m2.5s` or `100ns` in nanoseconds; `None` if it is not a duration."""
    if not _WHOLE.fullmatch(text):
        return None
    total = 0
    for whole, fraction, unit in _PARTS.findall(text):
        total += int(whole) * _UNITS[unit]
        total += int(fraction or 0) * _UNITS[unit] // 10 ** len(fraction)
    return total

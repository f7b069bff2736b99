"""Durations as Go reads and prints them; inside they are whole nanoseconds."""

import re
from decimal import Decimal
from typing import Final

MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
_HOUR: Final = 60 * MINUTE
_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": _HOUR,
}
_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_LONGEST: Final = 2**63 - 1


def parse_duration(text: str) -> int:
    """Read `1ms`, `-1.5h`, `2m30s` or `0` into nanoseconds. Raises `ValueError`."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    total, at = Decimal(0), 0
    while at < len(rest):
        part = _PART.match(rest, at)
        if part is None:
            raise ValueError(f"invalid duration {text!r}")
        total += Decimal(part[1]) * _UNITS[part[2]]
        at = part.end()
    if not rest or total > _LONGEST:
        raise ValueError(f"invalid duration {text!r}")
    return sign * int(total)


def show_duration(nanoseconds: int) -> str:
    """Print nanoseconds as Go's `%v` does: `2s`, `1m0s`, `2.9ms`, `361ns`."""
    if nanoseconds < 0:
        return "-" + show_duration(-nanoseconds)
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < SECOND:
        units = ((MILLISECOND, "ms"), (1_000, "µs"), (1, "ns"))
        unit, name = next(pair for pair in units if nanoseconds >= pair[0])
        return _fraction(nanoseconds, unit) + name
    hours, rest = divmod(nanoseconds, _HOUR)
    minutes, rest = divmod(rest, MINUTE)
    shown = _fraction(rest, SECOND) + "s"
    if hours:
        return f"{hours}h{minutes}m{shown}"
    return f"{minutes}m{shown}" if minutes else shown


def _fraction(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    if not rest:
        return str(whole)
    digits = len(str(unit)) - 1
    return f"{whole}.{rest:0{digits}}".rstrip("0")

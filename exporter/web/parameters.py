"""Query parameters: how they are split, and the typed, bounded ones of our own API."""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import unquote_to_bytes

from exporter.model import NANOSECONDS

TEXT_LIMIT: Final = 300
LONGEST_WINDOW: Final = 92 * 86400
"""Seconds that our own API looks back at most."""

_BAD_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_AGO: Final = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_MOMENT: Final = re.compile(r"\d{1,12}(\.\d{1,9})?", re.ASCII)
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class BadParameterError(ValueError):
    """A parameter is wrong; the message names it and says what is expected."""


def split_query(raw: str) -> dict[str, str]:
    """The parameters of a raw query string, as Go splits it.

    The first of several counts, also when empty. A pair with a bad percent escape or a semicolon
    is dropped. `+` is a space. Bytes that are not UTF-8 become U+FFFD.
    """
    found: dict[str, str] = {}
    for pair in raw.split("&"):
        if not pair or ";" in pair or _BAD_ESCAPE.search(pair):
            continue
        name, _, value = pair.partition("=")
        found.setdefault(_unescape(name), _unescape(value))
    return found


def raw_query(raw_path: str) -> str:
    """The query of a request line's target, not decoded."""
    return raw_path.partition("#")[0].partition("?")[2]


class Parameters:
    """The parameters of a request to our own API: unknown ones are mistakes."""

    def __init__(self, raw: str, known: Collection[str]) -> None:
        self._values = split_query(raw)
        for name in self._values:
            if name not in known:
                raise BadParameterError(
                    f"unknown parameter {name[:40]!r}; known here: {', '.join(known) or 'none'}"
                )

    def text(self, name: str) -> str | None:
        """A text of at most `TEXT_LIMIT` characters; empty means absent."""
        value = self._values.get(name, "")
        if len(value) > TEXT_LIMIT:
            raise BadParameterError(f"{name}: at most {TEXT_LIMIT} characters are accepted")
        return value or None

    def number(self, name: str, *, default: int, least: int, most: int) -> int:
        """A whole number within bounds."""
        value = self.text(name)
        if value is None:
            return default
        if value.isascii() and value.isdigit() and least <= int(value) <= most:
            return int(value)
        raise BadParameterError(f"{name}: a whole number from {least} to {most} is expected")

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """One of the allowed values."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise BadParameterError(f"{name}: one of {', '.join(allowed)} is expected")
        return value

    def moment(self, name: str, *, now: int) -> int | None:
        """A moment in Unix nanoseconds, given as Unix seconds or as a time ago (`30m`, `7d`)."""
        value = self.text(name)
        if value is None:
            return None
        if ago := _AGO.fullmatch(value):
            moment = now - int(ago[1]) * _UNITS[ago[2]] * NANOSECONDS
        elif _MOMENT.fullmatch(value):
            whole, _, fraction = value.partition(".")
            moment = int(whole) * NANOSECONDS + int(fraction.ljust(9, "0") or 0)
        else:
            raise BadParameterError(
                f"{name}: Unix seconds, or a time ago such as 30m, 24h or 7d, are expected"
            )
        if not now - LONGEST_WINDOW * NANOSECONDS <= moment <= now:
            raise BadParameterError(f"{name}: must lie in the last {LONGEST_WINDOW // 86400} days")
        return moment


def _unescape(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")

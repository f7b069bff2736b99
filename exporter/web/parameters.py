"""Query parameters: how they are split, and the typed, bounded ones of our own API."""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import unquote_to_bytes

from exporter.model import NANOSECONDS
from exporter.moments import moment

TEXT_LIMIT: Final = 300
LONGEST_WINDOW: Final = 92 * 86400
"""Seconds that our own API looks back at most."""

_BAD_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_WHOLE: Final = re.compile(r"-?\d{1,19}", re.ASCII)
_INT64: Final = range(-(2**63), 2**63)


class BadParameterError(ValueError):
    """A parameter is wrong; the message names it and says what is expected."""


def split_query(raw: str, errors: str = "replace") -> dict[str, str]:
    """The parameters of a raw query string, as Go splits it.

    The first of several counts, also when empty. A pair with a bad percent escape or a semicolon
    is dropped. `+` is a space. Bytes that are not UTF-8 become U+FFFD, or what else `errors` has
    Python make of them.
    """
    found: dict[str, str] = {}
    for pair in raw.split("&"):
        if not pair or ";" in pair or _BAD_ESCAPE.search(pair):
            continue
        name, _, value = pair.partition("=")
        found.setdefault(_unescape(name, errors), _unescape(value, errors))
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

    def nanoseconds(self, name: str) -> int | None:
        """A moment in Unix nanoseconds, given as such."""
        value = self.text(name)
        if value is None:
            return None
        if _WHOLE.fullmatch(value) and int(value) in _INT64:
            return int(value)
        raise BadParameterError(f"{name}: Unix nanoseconds, a whole number, are expected")

    def any_moment(self, name: str, *, now: int) -> int | None:
        """A moment in Unix nanoseconds, given as Unix seconds or as a time ago (`30m`, `7d`)."""
        value = self.text(name)
        found = None if value is None else moment(value, now=now)
        if value is not None and found is None:
            raise BadParameterError(
                f"{name}: Unix seconds, or a time ago such as 30m, 24h or 7d, are expected"
            )
        return found

    def moment(self, name: str, *, now: int) -> int | None:
        """Like `any_moment`, no longer ago than our own API looks back, and not to come."""
        found = self.any_moment(name, now=now)
        if found is not None and not now - LONGEST_WINDOW * NANOSECONDS <= found <= now:
            raise BadParameterError(f"{name}: must lie in the last {LONGEST_WINDOW // 86400} days")
        return found


def _unescape(text: str, errors: str) -> str:
    sent = text.replace("+", " ").encode("utf-8", "surrogateescape")
    return unquote_to_bytes(sent).decode("utf-8", errors)

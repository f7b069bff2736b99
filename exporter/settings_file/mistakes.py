"""What is wrong with a settings file: collected, so that all of it is told at once."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

MISTAKE_LIMIT = 100
ENVIRONMENT = "environment"
_SHOWN = 48

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: where it is, what was expected there, and what was found."""

    file: str
    """The settings file as it was named, or `environment`."""
    line: int | None
    """Counted from 1; `None` for the environment and for a file as a whole."""
    key: str
    """Key path such as `lanes[2].url`, or the name of the environment variable; may be empty."""
    message: str
    """What was expected and what was found; never what a secret holds."""
    hint: str | None = None
    """What was probably meant."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        hint = "" if self.hint is None else f"; did you mean {self.hint}?"
        return ": ".join(part for part in (place, self.key, self.message + hint) if part)


class SettingsError(Exception):
    """Settings that cannot be used; its text has one line for each mistake."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes: tuple[Mistake, ...] = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class TooManyMistakesError(Exception):
    """The limit is reached: reading on would only fill the screen."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: a line of the file, or an environment variable."""

    line: int | None
    variable: str | None = None


class Mistakes:
    """The mistakes found so far in one settings file and the environment."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: list[Mistake] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, place: Place, path: KeyPath, message: str, hint: str | None = None) -> None:
        """Note a mistake in the value at `path`; raises `TooManyMistakesError` at the limit."""
        if place.variable is not None:
            found = Mistake(ENVIRONMENT, None, place.variable, message, hint)
        else:
            found = Mistake(self.file, place.line, key_path(path), message, hint)
        self._found.append(found)
        if len(self._found) >= MISTAKE_LIMIT:
            last = f"these are the first {MISTAKE_LIMIT} mistakes, there may be more"
            self._found.append(Mistake(self.file, None, "", last))
            raise TooManyMistakesError

    def error(self) -> SettingsError:
        """The error that tells them all: the file's by line, then the environment's."""
        return SettingsError(sorted(self._found, key=_order))


def _order(mistake: Mistake) -> tuple[bool, bool, int]:
    return mistake.file == ENVIRONMENT, mistake.line is None, mistake.line or 0


def key_path(path: KeyPath) -> str:
    """Write a key path as people do: `lanes[2].url`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + _safe(part)
    return text


def shown(text: str) -> str:
    """Quote what was found, on one line and cut to a bound, without what a URL may hide."""
    url = re.match(r"([A-Za-z][A-Za-z0-9+.-]{0,20}://)([^/?#]*)(.*)", text, re.DOTALL)
    if url is not None:
        scheme, host, rest = url.groups()
        text = scheme + ("…" if "@" in text else host + ("/…" if rest.strip("/") else rest))
    if len(text) > _SHOWN:
        return f"`{_safe(text[: _SHOWN // 2])}…` ({len(text)} characters)"
    return f"`{_safe(text)}`"


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, quoted; `None` if none is near."""
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word[:100].lower().replace("-", "_"), lower, 1, 0.6)
    near = near or difflib.get_close_matches(word[:100].lower(), lower, 1, 0.6)
    return f"`{lower[near[0]]}`" if near else None


def _safe(text: str) -> str:
    cut = text if len(text) <= 2 * _SHOWN else text[: 2 * _SHOWN] + "…"
    return "".join(c if c.isprintable() and c != "`" else ascii(c)[1:-1] for c in cut)

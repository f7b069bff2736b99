"""Whether a text is one JSON value, checked as Go's `encoding/json` does before it decodes.

Nothing here is recursive, and time grows with the length only: what stands between two brackets
is one step.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from exporter.leaderboard.go_json_grammar import FLAT, KEY, SCALAR, SPACE, many
from exporter.leaderboard.go_json_mistake import (
    AT_TOP,
    IN_ARRAY,
    IN_OBJECT,
    GoJsonError,
    array_mistake,
    invalid,
    misplaced,
    object_mistake,
    skip_space,
    value_mistake,
)

DEPTH: Final = 10_000
"""So many objects and arrays may be open at once."""

_ROOT: Final = re.compile(SCALAR)


class _Kind(NamedTuple):
    """An object or an array: what it may hold up to the next bracket."""

    first: re.Pattern[str]
    """After its opening bracket."""
    next: re.Pattern[str]
    """After a comma."""
    end: str
    after: str
    """Go's words for the place after a value in it."""
    mistake: Callable[[str, int], GoJsonError]


def _kind(
    key: str, value: str, end: str, after: str, mistake: Callable[[str, int], GoJsonError]
) -> _Kind:
    run = many(f"{key}{value}{SPACE},")
    some = rf"{run}(?:{key}{value}{SPACE}\{end}|{key}[\[{{])"
    return _Kind(re.compile(rf"{SPACE}\{end}|{some}"), re.compile(some), end, after, mistake)


def _kinds(value: str) -> dict[str, _Kind]:
    """Both kinds by their brackets, with what they take in one step."""
    return {
        "{": _kind(KEY, value, "}", IN_OBJECT, object_mistake),
        "[": _kind(SPACE, value, "]", IN_ARRAY, array_mistake),
    }


_KINDS: Final = _kinds(FLAT)
_DEEPEST: Final = _kinds(SCALAR)
"""Where no further bracket may open."""


def check_syntax(text: str) -> None:
    """Pass one JSON value with white space around it; anything else is a `GoJsonError`."""
    at = skip_space(text, 0)
    if text[at : at + 1] in _KINDS:
        end = _container_end(text, at)
    else:
        scalar = _ROOT.match(text, at)
        if scalar is None:
            raise value_mistake(text, at, AT_TOP)
        end = scalar.end()
    end = skip_space(text, end)
    if end != len(text):
        raise invalid(text, end, AT_TOP)


def _container_end(text: str, at: int) -> int:
    """Where the object or array ends that starts at a place."""
    kind = _KINDS[text[at]]
    inside, pattern = [kind], kind.first
    at += 1
    while True:
        found = pattern.match(text, at)
        if found is None:
            raise kind.mistake(text, at)
        at = found.end()
        if (bracket := text[at - 1]) in _KINDS:
            if len(inside) == DEPTH:
                raise invalid(text, at - 1, "exceeded max depth")
            kind = (_KINDS if len(inside) < DEPTH - 1 else _DEEPEST)[bracket]
            inside.append(kind)
            pattern = kind.first
            continue
        inside.pop()
        at = _close(text, at, inside)
        if not inside:
            return at
        kind = inside[-1]
        pattern = kind.next


def _close(text: str, at: int, inside: list[_Kind]) -> int:
    """Close what else ends at a place, up to a comma; where to go on."""
    while inside:
        at = skip_space(text, at)
        sign = text[at : at + 1]
        at += 1
        if sign == ",":
            break
        if sign != inside[-1].end:
            raise misplaced(text, at - 1, inside[-1].after)
        inside.pop()
    return at

"""The parts of a text that is known to be JSON, and the Go values that they stand for."""

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from exporter.leaderboard.go_json_grammar import SCALAR, SPACE, TEXT, many
from exporter.leaderboard.go_json_mistake import GoJsonError

_FLAT: Final = r"[\[{]" + many(rf'[^"\[\]{{}}]++|"{TEXT}"') + r"[\]}]"
"""Of what is known to be JSON, an object or array that holds no other."""
_VALUE: Final = rf"(?:({SCALAR}|{_FLAT})|(?=[\[{{])){SPACE},?"
_ELEMENT: Final = re.compile(f"{SPACE}{_VALUE}")
_MEMBER: Final = re.compile(f'{SPACE}"({TEXT})"{SPACE}:{SPACE}{_VALUE}')
_COMMA: Final = re.compile(f"{SPACE},?")
_BRACKETS: Final = re.compile(rf'"{TEXT}"|[\[{{]++|[\]}}]++')
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_EXPONENT: Final = re.compile("([eE][+-]?)0*+([0-9]{5})[0-9]+")
_DIGITS: Final = 19
_INT64: Final = range(-(2**63), 2**63)
_KINDS: Final = {
    '"': "string",
    "t": "bool",
    "f": "bool",
    "[": "array",
    "{": "object",
}

_decode: Final = json.JSONDecoder().raw_decode


def members(text: str) -> Iterator[tuple[str, str]]:
    """The keys (without their quotes) and values of an object, as they are written."""
    at = 1
    while found := _MEMBER.match(text, at):
        key, value = found.groups()
        at = found.end()
        if value is None:
            end = _end(text, at)
            value, at = text[at:end], _after(text, end)
        yield key, value


def elements(text: str) -> Iterator[str]:
    """The elements of an array, as they are written."""
    at = 1
    while found := _ELEMENT.match(text, at):
        value, at = found[1], found.end()
        if value is None:
            end = _end(text, at)
            value, at = text[at:end], _after(text, end)
        yield value


def _end(text: str, at: int) -> int:
    """Where the object or array ends that starts at a place."""
    depth = 0
    for found in _BRACKETS.finditer(text, at):
        brackets = found[0]
        if brackets[0] in "[{":
            depth += len(brackets)
        elif brackets[0] != '"':
            if depth <= len(brackets):
                return found.start() + depth
            depth -= len(brackets)
    raise AssertionError("the syntax was checked")


def _after(text: str, at: int) -> int:
    found = _COMMA.match(text, at)
    return found.end() if found else at


def unquoted(text: str) -> str:
    """What stands between the quotes of a string, with U+FFFD for what is no character."""
    if "\\" in text:
        text = _decode(f'"{text}"')[0]
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


class GoType(NamedTuple):
    """A type of a field: its name in Go's messages, and how its values are read."""

    name: str
    parse: Callable[[str], object | None]
    """Gives `None` for what does not fit."""
    is_number: bool = False

    def read(self, value: str, field: str) -> object:
        """The value of a field; a `GoJsonError` if it does not fit."""
        found = self.parse(value)
        if found is None:
            raise self.misfit(value, field)
        return found

    def misfit(self, value: str, field: str) -> GoJsonError:
        """Go's words for a value that does not fit a field of this type."""
        what = described(value)
        if what == "number" and self.is_number:
            what = f"number {value}"
        return GoJsonError(
            f"json: cannot unmarshal {what} into Go struct field {field} of type {self.name}"
        )


def described(value: str) -> str:
    """Go's word for the kind of a value that is not `null`."""
    return _KINDS.get(value[0], "number")


def _string(value: str) -> str | None:
    return unquoted(value[1:-1]) if value[0] == '"' else None


def _bool(value: str) -> bool | None:
    return {"true": True, "false": False}.get(value)


def _float(value: str) -> float | None:
    """The nearest double, if it is finite. Of an exponent, Go reads the first five digits only.

    Where Go misreads a few of the numbers with more than 800 digits before the point (it loses
    count of the digits), this gives what the number says.
    """
    if described(value) != "number":
        return None
    if "e" in value.lower():
        value = _EXPONENT.sub(r"\1\2", value)
    number = float(value)
    return number if math.isfinite(number) else None


def _integer(value: str) -> int | None:
    """Whole numbers only, in a form without a point or an exponent."""
    digits = value.removeprefix("-")
    if not digits.isdigit() or len(digits) > _DIGITS:
        return None
    number = int(value)
    return number if number in _INT64 else None


STRING: Final = GoType("string", _string)
BOOL: Final = GoType("bool", _bool)
FLOAT64: Final = GoType("float64", _float, is_number=True)
INT: Final = GoType("int", _integer, is_number=True)
INT64: Final = GoType("int64", _integer, is_number=True)

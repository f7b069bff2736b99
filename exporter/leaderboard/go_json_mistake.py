"""What is wrong with a text that is no JSON, in the words of Go's `encoding/json`.

Go names the byte at which it gives up, and what it was reading then. A text that ends within a
number, a word or an escape is told as if a space came next; elsewhere its end is named as such.
"""

import re
from typing import Final

from exporter.leaderboard.go_escapes import ESCAPES
from exporter.leaderboard.go_json_grammar import (
    FLAT,
    INTEGER,
    KEY,
    SCALAR,
    SPACE,
    STRING,
    UNBROKEN,
    many,
)

IN_OBJECT: Final = "after object key:value pair"
IN_ARRAY: Final = "after array element"
AT_TOP: Final = "after top-level value"

_SPACE: Final = re.compile(SPACE)
_SCALAR: Final = re.compile(SCALAR)
_STRING: Final = re.compile(STRING)
_UNBROKEN: Final = re.compile(UNBROKEN)
_HEXADECIMAL: Final = re.compile("[0-9a-fA-F]*+")
_INTEGER: Final = re.compile(INTEGER)
_FRACTION: Final = re.compile(r"\.[0-9]++")
_EXPONENT_START: Final = re.compile("[eE][+-]?")
_MEMBERS: Final = re.compile(many(f"{KEY}{FLAT}{SPACE},") + SPACE)
_ELEMENTS: Final = re.compile(many(f"{SPACE}{FLAT}{SPACE},") + SPACE)
_WORDS: Final = {"t": "true", "f": "false", "n": "null"}
_QUOTED: Final = {"'": r"\'", **ESCAPES}


class GoJsonError(ValueError):
    """A body that the original does not take; the message is the one of Go's `encoding/json`."""


def skip_space(text: str, at: int) -> int:
    """Where the white space that starts at a place ends."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def invalid(text: str, at: int, context: str) -> GoJsonError:
    """A character that may not stand where it does; a space, if the text ends there."""
    return GoJsonError(f"invalid character '{_quoted(text[at : at + 1] or ' ')}' {context}")


def misplaced(text: str, at: int, context: str) -> GoJsonError:
    """The same between two tokens, where the end of the text is an error of its own."""
    if at == len(text):
        return GoJsonError("unexpected end of JSON input")
    return invalid(text, at, context)


def object_mistake(text: str, at: int) -> GoJsonError:
    """What is wrong with the members of an object; a member is due at the place."""
    found = _MEMBERS.match(text, at)
    at = found.end() if found else at
    if text[at : at + 1] != '"':
        return misplaced(text, at, "looking for beginning of object key string")
    key = _STRING.match(text, at)
    if key is None:
        return _string_mistake(text, at)
    at = skip_space(text, key.end())
    if text[at : at + 1] != ":":
        return misplaced(text, at, "after object key")
    return value_mistake(text, skip_space(text, at + 1), IN_OBJECT)


def array_mistake(text: str, at: int) -> GoJsonError:
    """What is wrong with the elements of an array; an element is due at the place."""
    found = _ELEMENTS.match(text, at)
    return value_mistake(text, found.end() if found else at, IN_ARRAY)


def value_mistake(text: str, at: int, context: str) -> GoJsonError:
    """What is wrong with a value that is no object or array, or with what comes after it."""
    value = _SCALAR.match(text, at)
    if value is not None:
        return misplaced(text, skip_space(text, value.end()), context)
    first = text[at : at + 1]
    if first == '"':
        return _string_mistake(text, at)
    if first in _WORDS:
        return _word_mistake(text, at, _WORDS[first])
    if first and first in "-0123456789":
        return _number_mistake(text, at)
    return misplaced(text, at, "looking for beginning of value")


def _string_mistake(text: str, at: int) -> GoJsonError:
    found = _UNBROKEN.match(text, at)
    at = found.end() if found else at
    if text[at : at + 1] != "\\":
        return misplaced(text, at, "in string literal")
    if text[at + 1 : at + 2] != "u":
        return invalid(text, at + 1, "in string escape code")
    digits = _HEXADECIMAL.match(text, at + 2)
    at = digits.end() if digits else at
    return invalid(text, at, r"in \u hexadecimal character escape")


def _word_mistake(text: str, at: int, word: str) -> GoJsonError:
    right = 1
    while text[at + right : at + right + 1] == word[right]:
        right += 1
    return invalid(text, at + right, f"in literal {word} (expecting '{word[right]}')")


def _number_mistake(text: str, at: int) -> GoJsonError:
    integer = _INTEGER.match(text, at)
    if integer is None:
        return invalid(text, at + 1, "in numeric literal")
    at = integer.end()
    fraction = _FRACTION.match(text, at)
    if fraction is None and text[at : at + 1] == ".":
        return invalid(text, at + 1, "after decimal point in numeric literal")
    exponent = _EXPONENT_START.match(text, fraction.end() if fraction else at)
    at = exponent.end() if exponent else at
    return invalid(text, at, "in exponent of numeric literal")


def _quoted(character: str) -> str:
    """The first byte of a character as Go quotes it: as the Latin-1 character of that number."""
    byte = character.encode("utf-8", "surrogateescape")[0]
    sign = chr(byte)
    if sign in _QUOTED:
        return _QUOTED[sign]
    if sign.isprintable():
        return sign
    return f"\\x{byte:02x}" if byte < 0x80 else f"\\u{byte:04x}"  # noqa: PLR2004 - ASCII's end

"""Numbers as the original API reads them: Go's `strconv.ParseFloat`.

Decimal with optional sign, fraction and exponent; hexadecimal with a binary exponent; single
underscores between digits; `NaN`, `Inf` and `Infinity` in any case. No surrounding space.
"""

import math
import re
from typing import Final

from exporter.leaderboard.go_escapes import ESCAPES

_DECIMAL: Final = re.compile(
    r"[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?",
    re.ASCII,
)
_HEX: Final = "[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*"
_HEXADECIMAL: Final = re.compile(
    rf"[+-]?0[xX](?:_?{_HEX}(?:\.(?:{_HEX})?)?|\.{_HEX})[pP][+-]?\d+(?:_\d+)*",
    re.ASCII,
)
_INFINITY: Final = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE | re.ASCII)
_ESCAPES: Final = {'"': r"\"", **ESCAPES}
_LAST_ASCII: Final = 0x7F
_LAST_SHORT: Final = 0xFFFF
_BYTES: Final = range(0xDC00, 0xDD00)
"""What stands for a byte that is no UTF-8, as Python's `surrogateescape` has it."""


class GoFloatError(ValueError):
    """The text is no number; the message is Go's."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"strconv.ParseFloat: parsing {_quote(text)}: {reason}")


def parse_float(text: str) -> float:
    """The number that the text stands for; may be NaN or infinite if it says so.

    Raises `GoFloatError`.
    """
    if text.lower() == "nan" or _INFINITY.fullmatch(text):
        return float(text)
    if _DECIMAL.fullmatch(text):
        return _in_range(text, float(text.replace("_", "")))
    if _HEXADECIMAL.fullmatch(text):
        try:
            return _in_range(text, float.fromhex(text.replace("_", "")))
        except OverflowError:
            raise GoFloatError(text, "value out of range") from None
    raise GoFloatError(text, "invalid syntax")


def _in_range(text: str, number: float) -> float:
    if math.isinf(number):
        raise GoFloatError(text, "value out of range")
    return number


def _quote(text: str) -> str:
    return '"' + "".join(_quoted(character) for character in text) + '"'


def _quoted(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code in _BYTES:
        return f"\\x{code - _BYTES.start:02x}"
    if code <= _LAST_ASCII:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_SHORT else f"\\U{code:08x}"

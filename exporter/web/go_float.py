"""Numbers as the original API reads them: Go's `strconv.ParseFloat`.

Decimal with optional sign, fraction and exponent; hexadecimal with a binary exponent; single
underscores between digits; `NaN`, `Inf` and `Infinity` in any case. No surrounding space.
"""

import math
import re
from typing import Final

_DECIMAL: Final = re.compile(
    r"[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?",
    re.ASCII,
)
_HEXADECIMAL: Final = re.compile(
    r"[+-]?0[xX](?:_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*(?:\.(?:[0-9a-fA-F]+)?)?|\.[0-9a-fA-F]+)"
    r"[pP][+-]?\d+",
    re.ASCII,
)
_INFINITY: Final = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE | re.ASCII)


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
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"  # noqa: PLR2004 - ASCII's end

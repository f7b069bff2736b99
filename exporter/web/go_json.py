"""JSON as the original API writes it: Go's `encoding/json`.

Numbers are the shortest decimal that reads back the same, a whole one without a fraction; `<`, `>`
and `&` are escaped; there is no white space and no newline at the end.
"""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

_SMALL: Final = 1e-6
_LARGE: Final = 1e21
_EXACT: Final = 2.0**53
_ESCAPED: Final = tuple(
    (sign.encode(), f"\\u{ord(sign):04x}".encode()) for sign in "<>&\u2028\u2029"
)
_EXPONENT: Final = re.compile(r"e([+-])0*(\d)")
_encode: Final = msgspec.json.Encoder().encode


def dumps(value: object) -> bytes:
    """The value as UTF-8. Keys keep their order; a float that is no number is a `ValueError`."""
    text = _encode(_plain(value))
    for sign, escaped in _ESCAPED:  # they stand inside of texts alone
        if sign in text:
            text = text.replace(sign, escaped)
    return text


def _plain(value: object) -> object:
    """The value with every float written already."""
    match value:
        case float():
            return msgspec.Raw(_float(value).encode())
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case Mapping():
            return {_plain(str(key)): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case None | bool() | int():
            return value
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def _float(number: float) -> str:
    if not math.isfinite(number):
        raise ValueError(f"json: unsupported value: {number}")
    if number.is_integer() and -_EXACT < number < _EXACT and number:
        return str(int(number))
    if number != 0 and not _SMALL <= abs(number) < _LARGE:
        shortest = repr(number).replace(".0e", "e")
        return _EXPONENT.sub(r"e\1\2", shortest)
    if "e" not in (text := repr(number)):
        return text.removesuffix(".0")
    return format(Decimal(text), "f").removesuffix(".0")

"""JSON as the original API writes it: Go's `encoding/json`.

Numbers are the shortest decimal that reads back the same, a whole one without a fraction; `<`, `>`
and `&` are escaped; there is no white space and no newline at the end.
"""

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

_SMALL: Final = 1e-6
_LARGE: Final = 1e21
_ESCAPED: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
_EXPONENT: Final = re.compile(r"e([+-])0*(\d)")


def dumps(value: object) -> bytes:
    """The value as UTF-8. Keys keep their order; a float that is no number is a `ValueError`."""
    return _text(value).encode("utf-8", "replace")


def _text(value: object) -> str:  # noqa: PLR0911 - one line per type
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float(value)
        case str():
            return json.dumps(value, ensure_ascii=False).translate(_ESCAPED)
        case Mapping():
            return "{" + ",".join(f"{_text(str(k))}:{_text(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(_text(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def _float(number: float) -> str:
    if not math.isfinite(number):
        raise ValueError(f"json: unsupported value: {number}")
    if number != 0 and not _SMALL <= abs(number) < _LARGE:
        shortest = repr(number).replace(".0e", "e")
        return _EXPONENT.sub(r"e\1\2", shortest)
    return format(Decimal(repr(number)), "f").removesuffix(".0")

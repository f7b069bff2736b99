"""Values of a file as values of one type, whatever the file's own types are."""

import math
import re
from decimal import Decimal
from typing import Final

from exporter.moving import MovingError
from exporter.moving.table import Record

_INTEGER: Final = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_INT64: Final = range(-(2**63), 2**63)
_FLAGS: Final = {"true": True, "false": False}


class Reader:
    """Reads values of records; every mistake names the file, the place and the column."""

    def __init__(self, name: str) -> None:
        self._name = name

    def wrong(self, record: Record, what: str) -> MovingError:
        """The error that says what is wrong with a record."""
        return MovingError(f"{self._name}: {record.place}: {what}")

    def text(self, record: Record, column: str) -> str | None:
        """A text; `None` where there is none."""
        value = record.values.get(column)
        if value is None or isinstance(value, str):
            return value
        raise self.mistyped(record, column, "a text")

    def integer(self, record: Record, column: str) -> int | None:
        """A whole number of 64 bits; `None` where there is none."""
        value = record.values.get(column)
        if value is None:
            return None
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
            return value
        raise self.mistyped(record, column, "a whole number")

    def number(self, record: Record, column: str) -> float | None:
        """A finite number; `None` where there is none."""
        value = record.values.get(column)
        if value is None:
            return None
        if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
            try:
                number = math.nan if "_" in str(value) else float(value)
            except (ValueError, OverflowError):
                number = math.nan
            if math.isfinite(number):
                return number
        raise self.mistyped(record, column, "a number")

    def flag(self, record: Record, column: str) -> bool | None:
        """True or false; `None` where there is none."""
        value = record.values.get(column)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _FLAGS:
            return _FLAGS[value.lower()]
        raise self.mistyped(record, column, "true or false")

    def mistyped(self, record: Record, column: str, expected: str) -> MovingError:
        """The error that says what a column was expected to have."""
        found = repr(record.values.get(column))[:60]
        return self.wrong(record, f"{column}: expected {expected}, found {found}")

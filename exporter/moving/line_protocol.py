"""Files in InfluxDB's line protocol: one point a line, a quoted text may hold line feeds."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from exporter.moving import MovingError
from exporter.moving.columns import WHOLE
from exporter.moving.table import LONGEST, Record, text_lines
from exporter.stores import Row
from exporter.stores.influx_lines import line

LineOf = Callable[[Row], str]

# A possessive group of alternatives goes wrong in Python before 3.11.5, a class does not.
_NAME: Final = r"(?:[^\\,= \n]++|\\.)+"
_SERIES: Final = re.compile(rf"(?:[^\\, \n]++|\\.)+(?:,{_NAME}={_NAME})* ")
_FIELD: Final = re.compile(
    rf'(?P<name>{_NAME})=(?:"(?P<text>(?:[^"\\]++|\\.)*)"'
    r"|(?P<integer>-?\d+)[iu]"
    r"|(?P<float>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<boolean>true|True|TRUE|t|T|false|False|FALSE|f|F))",
    re.DOTALL | re.ASCII,
)
_END: Final = re.compile(r"(?: -?\d{1,19})?\n?", re.ASCII)
_ESCAPED: Final = re.compile(r'\\(["\\])')


def write(rows: Sequence[Row], stream: BinaryIO, line: LineOf = line) -> None:
    """Append rows."""
    stream.writelines((line(row) + "\n").encode() for row in rows)


def join(parts: Sequence[Path], target: Path) -> None:
    """Make one file of parts, in their order."""
    with target.open("wb") as whole:
        for part in parts:
            with part.open("rb") as stream:
                shutil.copyfileobj(stream, whole)


class PointsTable:
    """A file of points that is open for reading; a `Table` of what is read back of them."""

    columns: Sequence[str] = tuple(WHOLE)

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path = path
        self._stream = stream

    def records(self, names: Sequence[str]) -> Iterator[Record]:
        """See `Table.records`. Empty lines and comments are passed over."""
        for number, text in self._points():
            found = self._fields(number, text)
            if lacking := [name for name in names if name not in found]:
                raise self._wrong(
                    number, f"the point has no field {', '.join(lacking)}; it is no measurement"
                )
            yield Record(f"line {number}", {name: found[name] for name in names})

    def _points(self) -> Iterator[tuple[int, str]]:
        """Each point as text with the number of its first line."""
        pieces: list[str] = []
        first = size = 0
        quoted = False
        for number, text in enumerate(text_lines(self._path, self._stream), 1):
            if not pieces:
                if not text.strip() or text.startswith("#"):
                    continue
                first, size = number, 0
                series = _SERIES.match(text)
                if series is None:
                    raise self._wrong(number, "expected the name of a series, its tags and a space")
                quoted = _ends_quoted(text[series.end() :], quoted=False)
            else:
                quoted = _ends_quoted(text, quoted=True)
            pieces.append(text)
            size += len(text)
            if size > LONGEST:
                raise self._wrong(first, f"the point is longer than {LONGEST} characters")
            if not quoted:
                yield first, "".join(pieces)
                pieces = []
        if pieces:
            raise self._wrong(first, "a text is not closed; the file is damaged or cut off")

    def _fields(self, number: int, text: str) -> dict[str, object]:
        series = _SERIES.match(text)
        at = series.end() if series is not None else 0
        found: dict[str, object] = {}
        while True:
            field = _FIELD.match(text, at)
            if field is None:
                raise self._wrong(number, f"expected a field at character {at + 1}; damaged")
            found[field["name"]] = _value(field)
            at = field.end()
            if text[at : at + 1] != ",":
                break
            at += 1
        if not _END.fullmatch(text, at):
            raise self._wrong(
                number, f"expected a time and the end of the line at character {at + 1}; damaged"
            )
        return found

    def _wrong(self, number: int, what: str) -> MovingError:
        return MovingError(f"{self._path}: line {number}: {what}")


@contextmanager
def open_table(path: Path) -> Iterator[PointsTable]:
    """Open a file for reading."""
    with path.open("rb") as stream:
        yield PointsTable(path, stream)


def _ends_quoted(text: str, *, quoted: bool) -> bool:
    """Whether the end of a part of the fields lies within quotes."""
    quotes = text.replace(r"\\", "").replace(r"\"", "").count('"')
    return (quotes % 2 == 1) != quoted


def _value(field: re.Match[str]) -> object:
    if (text := field["text"]) is not None:
        if r"\\" not in text:
            return text.replace(r"\"", '"')
        return _ESCAPED.sub(r"\1", text)
    if (integer := field["integer"]) is not None:
        return int(integer)
    if (number := field["float"]) is not None:
        return float(number)
    return field["boolean"][0] in "tT"

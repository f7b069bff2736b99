"""CSV files: text is always in quotes, a value that is not known is empty.

They are made to be read back, not to be opened in a spreadsheet: texts are of strangers, and one
that looks like a formula is left as it is.
"""

import csv
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from exporter.moving import MovingError
from exporter.moving.columns import COLUMNS, values
from exporter.moving.table import LONGEST, Record, text_lines
from exporter.stores import Row
from exporter.stores.schema import Value


def write(rows: Sequence[Row], stream: BinaryIO) -> None:
    """Append rows, without a header."""
    stream.writelines((",".join(map(_cell, values(row))) + "\n").encode() for row in rows)


def join(parts: Sequence[Path], target: Path) -> None:
    """Make one file with a header of parts without one."""
    with target.open("wb") as whole:
        whole.write((",".join(COLUMNS) + "\n").encode())
        for part in parts:
            with part.open("rb") as stream:
                shutil.copyfileobj(stream, whole)


class CsvTable:
    """A CSV file that is open for reading; a `Table`."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path = path
        csv.field_size_limit(LONGEST)
        self._reader = csv.reader(text_lines(path, stream), strict=True)
        header = self._next()
        if not header:
            raise MovingError(f"{path}: line 1: expected a header, found none")
        if len(set(header)) < len(header):
            raise MovingError(f"{path}: line 1: the header names a column twice")
        self.columns: Sequence[str] = header

    def records(self, names: Sequence[str]) -> Iterator[Record]:
        """See `Table.records`; an empty cell is `None`, everything else a text."""
        wanted = [(name, self.columns.index(name)) for name in names]
        while True:
            line = self._reader.line_num + 1
            cells = self._next()
            if cells is None:
                return
            if not cells:  # an empty line
                continue
            if len(cells) != len(self.columns):
                raise MovingError(
                    f"{self._path}: line {line}: expected {len(self.columns)} cells as in the "
                    f"header, found {len(cells)}; the file is damaged or cut off"
                )
            yield Record(f"line {line}", {name: cells[at] or None for name, at in wanted})

    def _next(self) -> list[str] | None:
        line = self._reader.line_num + 1
        try:
            return next(self._reader, None)
        except csv.Error as error:
            raise MovingError(
                f"{self._path}: line {line}: {error}; the file is damaged or cut off"
            ) from error


@contextmanager
def open_table(path: Path) -> Iterator[CsvTable]:
    """Open a file for reading. Raises `MovingError`."""
    with path.open("rb") as stream:
        yield CsvTable(path, stream)


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return repr(value)

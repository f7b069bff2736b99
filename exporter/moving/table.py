"""What a file that is imported looks like, whatever its format."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Protocol

from exporter.moving import MovingError

LONGEST: Final = 16 * 2**20
"""Bytes of one line, and of one record, of a text file at most."""


class Record(NamedTuple):
    """One row of a file: where it stands there, and what it has by column."""

    place: str
    values: Mapping[str, object]


class Table(Protocol):
    """A file that is open for reading."""

    columns: Sequence[str]

    def records(self, names: Sequence[str]) -> Iterator[Record]:
        """Its rows with these columns. Raises `MovingError` with the place that is damaged."""
        ...


def text_lines(path: Path, stream: BinaryIO) -> Iterator[str]:
    """The lines of a text file with their line feeds. Raises `MovingError` with the line."""
    number = 0
    while line := stream.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise MovingError(f"{path}: line {number}: is longer than {LONGEST} bytes")
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise MovingError(f"{path}: line {number}: is not UTF-8 ({error.reason})") from error
        yield text.removeprefix("\ufeff") if number == 1 else text

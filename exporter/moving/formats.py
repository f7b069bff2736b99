"""The formats of files, by name."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from exporter.moving import MovingError, csv_file, line_protocol, parquet_file
from exporter.moving.table import Table
from exporter.stores import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

Write = Callable[[Sequence[Row]], None]


class Format(NamedTuple):
    """How a file is written by parts, made whole, and read again."""

    name: str
    suffixes: tuple[str, ...]
    part: Callable[[Path], AbstractContextManager[Write]]
    """Begins a part; it is whole after the block."""
    join: Callable[[Sequence[Path], Path], None]
    table: Callable[[Path], AbstractContextManager[Table]]


def _text_part(
    write: Callable[[Sequence[Row], BinaryIO], None],
) -> Callable[[Path], AbstractContextManager[Write]]:
    @contextmanager
    def part(path: Path) -> "Iterator[Write]":
        with path.open("wb") as stream:
            yield lambda rows: write(rows, stream)

    return part


@contextmanager
def _parquet_part(path: Path) -> "Iterator[Write]":
    with parquet_file.part() as part:
        yield part.write
        part.finish(path)


FORMATS: Final = {
    each.name: each
    for each in (
        Format("parquet", (".parquet",), _parquet_part, parquet_file.join, parquet_file.open_table),
        Format("csv", (".csv",), _text_part(csv_file.write), csv_file.join, csv_file.open_table),
        Format(
            "lineprotocol",
            (".lp", ".line"),
            _text_part(line_protocol.write),
            line_protocol.join,
            line_protocol.open_table,
        ),
    )
}
"""Every format by its name."""


def format_of(path: Path) -> Format:
    """The format that a file's name tells. Raises `MovingError`."""
    for each in FORMATS.values():
        if path.suffix.lower() in each.suffixes:
            return each
    known = ", ".join(suffix for each in FORMATS.values() for suffix in each.suffixes)
    raise MovingError(
        f"{path}: the name does not tell the format (by {known}); give it with --format"
    )

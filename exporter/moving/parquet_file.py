"""Parquet files, written and read by DuckDB."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exporter.moving import MovingError
from exporter.moving.columns import COLUMNS, values
from exporter.moving.table import Record
from exporter.stores import Row
from exporter.stores.schema import Kind

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MEMORY: Final = 512 * 2**20
_BATCH: Final = 500
_TYPES: Final[dict[Kind, str]] = {
    "text": "VARCHAR",
    "float": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
}
_COLUMNS: Final = ", ".join(f'"{name}" {_TYPES[kind]}' for name, kind in COLUMNS.items())
# A group of rows is held in memory when it is written and when it is read.
_COPY: Final = "COPY ({}) TO $target (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 4096)"


class ParquetPart:
    """A file that is being written: rows are gathered, spilling to the disk, then written."""

    def __init__(self, connection: "DuckDBPyConnection") -> None:
        self._connection = connection
        connection.execute(f"CREATE TABLE gathered ({_COLUMNS})")

    def write(self, rows: Sequence[Row]) -> None:
        """Gather more rows."""
        with self._connection.appender("gathered") as appender:
            appender.append_rows([tuple(values(row)) for row in rows])

    def finish(self, target: Path) -> None:
        """Write what was gathered."""
        query = _COPY.format("SELECT * FROM gathered")
        self._connection.execute(query, {"target": str(target)})


@contextmanager
def part() -> Iterator[ParquetPart]:
    """Begin a part. Raises `MovingError` when it cannot be written."""
    with _database() as connection:
        yield ParquetPart(connection)


def join(parts: Sequence[Path], target: Path) -> None:
    """Make one file of parts, in their order. Raises `MovingError`."""
    with _database() as connection:
        parameters: dict[str, object] = {"target": str(target)}
        if parts:
            query = "SELECT * FROM read_parquet($parts)"
            parameters["parts"] = [_literal(each) for each in parts]
        else:
            connection.execute(f"CREATE TABLE nothing ({_COLUMNS})")
            query = "SELECT * FROM nothing"
        connection.execute(_COPY.format(query), parameters)


class ParquetTable:
    """A Parquet file that is open for reading; a `Table`."""

    def __init__(self, path: Path, connection: "DuckDBPyConnection") -> None:
        self._path = path
        self._connection = connection
        self._file = {"file": _literal(path)}
        described = connection.execute(
            "SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet($file))", self._file
        )
        self.columns: Sequence[str] = [name for (name,) in described.fetchall()]

    def records(self, names: Sequence[str]) -> Iterator[Record]:
        """See `Table.records`; values have the types of the file."""
        listed = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
        query = f"SELECT {listed} FROM read_parquet($file)"  # noqa: S608 - quoted names
        found = self._connection.execute(query, self._file)
        number = 0
        while rows := found.fetchmany(_BATCH):
            for row in rows:
                number += 1
                yield Record(f"row {number}", dict(zip(names, row, strict=True)))


@contextmanager
def open_table(path: Path) -> Iterator[ParquetTable]:
    """Open a file for reading. Raises `MovingError`, also while it is read."""
    with path.open("rb"), _database(path) as connection:
        yield ParquetTable(path, connection)


@contextmanager
def _database(path: Path | None = None) -> "Iterator[DuckDBPyConnection]":
    """A database in memory, bounded, that spills to the disk and loads no extension."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="livepeer-exporter-") as folder:
        connection = duckdb.connect(
            config={
                "memory_limit": f"{_MEMORY}B",
                "temp_directory": folder,
                "threads": 1,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "python_enable_replacements": False,
            }
        )
        try:
            with closing(connection):
                yield connection
        except duckdb.Error as error:
            said = str(error).split("\n", 1)[0]
            if path is None:
                raise MovingError(f"the Parquet file cannot be written: {said}") from error
            raise MovingError(
                f"{path}: cannot be read as Parquet; it is damaged, cut off or of another format "
                f"({said})"
            ) from error


def _literal(path: Path) -> str:
    """The path as DuckDB takes it for itself and not for a pattern of names."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path.absolute()))

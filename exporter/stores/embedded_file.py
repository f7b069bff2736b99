"""The embedded store's DuckDB file: opening, creating and checking it, and what errors mean."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exporter.stores import StoreError
from exporter.stores.embedded_upgrade import FORMAT, can_be_upgraded, upgrade
from exporter.stores.schema import FIELDS, MEASUREMENT, TRANSCODING, TRANSCODING_FIELDS, Field, Kind

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_THREADS: Final = 2
_TEMPORARY_BYTES: Final = 4 * 2**30
_TYPES: Final[dict[Kind, str]] = {
    "text": "VARCHAR",
    "float": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
}


def _column(field: Field) -> str:
    always = field.tag and not field.optional
    return f"{field.name} {_TYPES[field.kind]}{' NOT NULL' if always else ''}"


def _columns(fields: tuple[Field, ...]) -> str:
    return ", ".join(
        (
            "time BIGINT NOT NULL",
            "outbox VARCHAR NOT NULL",
            "seq BIGINT NOT NULL",
            *(_column(field) for field in fields),
            "payload VARCHAR NOT NULL",
        )
    )


TABLES: Final = {MEASUREMENT: FIELDS, TRANSCODING: TRANSCODING_FIELDS}
"""What is stored, with its columns."""

_CREATE: Final = (
    *(
        f"CREATE TABLE {table} ({_columns(fields)} USING COMPRESSION zstd)"
        for table, fields in TABLES.items()
    ),
    "CREATE TABLE cursor (outbox VARCHAR PRIMARY KEY, seq BIGINT NOT NULL)",
    "CREATE TABLE meta (key VARCHAR PRIMARY KEY, value BIGINT NOT NULL)",
)
INCOMING: Final = tuple(
    f"CREATE TEMP TABLE incoming_{table} ({_columns(fields)})" for table, fields in TABLES.items()
)
"""Where a batch is put before it is taken over; they belong to the connection that writes."""


def open_file(path: Path, memory_limit: int) -> "DuckDBPyConnection":
    """Open the file, making it if it is not there yet, upgrading it if an older version made it.

    Raises `StoreError`; a file of a newer version, or of another program, stays untouched, and one
    that cannot be upgraded stays of the format that it has.
    """
    with explained(path):
        if path.is_file() and path.stat().st_size == 0:  # a start that was killed
            path.unlink()
        if path.exists():
            with closing(_connect(path, memory_limit, read_only=True)) as connection:
                _check(connection, path)
        connection = _connect(path, memory_limit, read_only=False)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what goes wrong inside into a `StoreError` for the person who runs this."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        first_line = str(error).split("\n", 1)[0]
        raise StoreError(f"{path}: {_meaning(error, path)} ({first_line})") from error
    except OSError as error:
        raise StoreError(f"{path}: cannot be used ({error.strerror})") from error


_MEANINGS: Final = (
    (
        r"No space left|disk quota|File too large|out of disk space",
        "the disk is full; a batch is stored whole or not at all and may be tried again: make room",
    ),
    (
        r"Could not set lock",
        "another process has it open; stop that one, or ask the running station instead",
    ),
    (
        r"not a valid DuckDB database|external extensions is disabled",
        "is not a store but some other file, or damaged; move it away, or choose another folder",
    ),
    (
        r"version number|newer version|storage version",
        "was written by a newer version of DuckDB; install the newer version of this program",
    ),
    (
        r"Permission denied|[Rr]ead-only|Cannot open file",
        "cannot be opened for writing; give this user write access to the file and its folder",
    ),
    (
        r"Corrupt|checksum",
        "is damaged; keep a copy, move it away and start with a new one",
    ),
    (r"Out of Memory", "this needs more memory than the setting `store.memory_limit` allows"),
    (r"INTERRUPT|Interrupted", "the question was interrupted because the store is closing"),
)


def _meaning(error: Exception, path: Path) -> str:
    import duckdb

    text = str(error)
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist; create it first"
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, text):
            return meaning
    if isinstance(error, duckdb.IOException | duckdb.InternalException | duckdb.FatalException):
        return "is damaged, or the disk failed; keep a copy and see to the disk"
    return "cannot be used"


def _connect(path: Path, memory_limit: int, *, read_only: bool) -> "DuckDBPyConnection":
    import duckdb

    return duckdb.connect(
        path,
        read_only=read_only,
        config={
            "memory_limit": f"{memory_limit}B",
            "max_temp_directory_size": f"{_TEMPORARY_BYTES}B",
            "threads": _THREADS,
            "enable_external_access": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "lock_configuration": True,
        },
    )


def _check(connection: "DuckDBPyConnection", path: Path) -> int | None:
    """The file's format, one that can be used; `None` for a file without any table."""
    tables = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
    if not tables:
        return None
    if not {"meta", "cursor", MEASUREMENT} <= tables:
        raise StoreError(
            f"{path}: is a database of another program; move it away, or choose another data folder"
        )
    rows = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchall()
    found = int(rows[0][0]) if rows else 0
    if found > FORMAT or not can_be_upgraded(found):
        raise StoreError(
            f"{path}: was written by another, probably newer version of this program (format "
            f"{found}, this one knows {FORMAT}); install that version, or choose another data "
            "folder"
        )
    return found


def _prepare(connection: "DuckDBPyConnection", path: Path) -> None:
    found = _check(connection, path)
    if found is None:
        _create(connection)
    elif found < FORMAT:
        upgrade(connection, path, found)


def _create(connection: "DuckDBPyConnection") -> None:
    connection.begin()
    for statement in _CREATE:
        connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES ('format', $format)", {"format": FORMAT})
    connection.commit()

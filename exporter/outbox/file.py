"""The outbox's SQLite file: opening, creating and checking it, and what its errors mean."""

import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

VERSION: Final = 2
APPLICATION_ID: Final = 0x4C50584F  # "LPXO" in the file's header
PAGE_SIZE: Final = 8192  # several measurements a page; every commit writes whole pages
RESERVE: Final = 4 * 2**20
"""Bytes beyond `max_bytes` for cursors, notices and trimming: a full outbox can be emptied."""

_MAGIC: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100
LOCK_MILLISECONDS: Final = 30_000
"""How long a transaction waits for one of another process."""
_RETRY_SECONDS: Final = 0.01
_NO_SPACE: Final = 2**18
_WAL_PAGES: Final = 1000

_DEAD_LETTERS: Final = (
    """CREATE TABLE dead_letter (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        consumer TEXT NOT NULL,
        seq INTEGER NOT NULL,
        id TEXT NOT NULL,
        payload BLOB NOT NULL,
        reason TEXT NOT NULL,
        at INTEGER NOT NULL,
        retry INTEGER,
        UNIQUE (id, consumer)
    )""",
    "CREATE INDEX dead_letter_retry ON dead_letter (retry) WHERE retry IS NOT NULL",
)
_SCHEMA: Final = (
    """CREATE TABLE measurement (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        payload BLOB NOT NULL
    )""",
    "CREATE TABLE cursor (consumer TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE notice (topic TEXT PRIMARY KEY, at INTEGER NOT NULL, payload BLOB NOT NULL)",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    *_DEAD_LETTERS,
)
_UPGRADES: Final = {1: _DEAD_LETTERS}
"""What makes the next format of each older one."""


class OutboxError(Exception):
    """The outbox cannot be opened or used; the message says what to do about it."""


class OutboxFull(OutboxError):
    """There is no room: nothing was stored; the same call works again when there is room."""


class Connections(NamedTuple):
    """An open outbox: one connection that writes, one that only reads, and the file's id."""

    writer: sqlite3.Connection
    reader: sqlite3.Connection
    id: str


def open_file(path: Path, max_bytes: int, clock: Callable[[], int]) -> Connections:
    """Open the file, making it if it is not there yet, and upgrading one of an older format.

    The connections are in autocommit mode, with WAL and `synchronous=FULL`; the writing one may
    grow the file to `max_bytes` and `RESERVE`. The numbers of a new file begin at the present
    moment of `clock` (Unix nanoseconds). Raises `OutboxError`; a file that is refused stays
    untouched.
    """
    if not path.parent.is_dir():
        raise OutboxError(f"{path}: the folder {path.parent} does not exist; create it first")
    try:
        _check_header(path)
    except OSError as error:
        raise OutboxError(f"{path}: cannot be read ({error.strerror})") from error
    with ExitStack() as opened:
        try:
            writer = opened.enter_context(closing(_connect(path)))
            _prepare(writer, path, max_bytes, clock)
            reader = opened.enter_context(closing(_connect(path)))
            reader.execute("PRAGMA query_only = ON")
            identity = _identity(reader, path)
        except sqlite3.Error as error:
            raise explain(error, path) from error
        opened.pop_all()
    return Connections(writer, reader, identity)


def explain(error: sqlite3.Error, path: Path) -> OutboxError:
    """Say what an error of SQLite means for the person who runs this."""
    code = primary_code(error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _disk_is_full(path)):
        return OutboxFull(f"{path}: the disk or the outbox is full; nothing was stored ({error})")
    meaning = _MEANINGS.get(code, "cannot be used")
    return OutboxError(f"{path}: {meaning} ({error})")


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; errors of the Python module itself have none of their own."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


_MEANINGS: Final = {
    sqlite3.SQLITE_NOTADB: "is not an outbox but some other file; move it away, or choose another "
    "data folder",
    sqlite3.SQLITE_CORRUPT: "is damaged; stop all processes, keep a copy, move it away and start "
    "again with a new one",
    sqlite3.SQLITE_READONLY: "cannot be written; give this user write access to the file and its "
    "folder",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; give this user write access to the file and its "
    "folder",
    sqlite3.SQLITE_PERM: "cannot be opened; give this user write access to the file and its folder",
    sqlite3.SQLITE_BUSY: "another program has kept it locked for "
    f"{LOCK_MILLISECONDS // 1000} s; nothing was stored",
    sqlite3.SQLITE_IOERR: "the disk failed; whether it was stored is not known, putting the same "
    "measurement again is safe",
}


def _disk_is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _NO_SPACE
    except OSError:
        return False


def _check_header(path: Path) -> None:
    """Refuse what is not ours, or newer, before SQLite gets to touch it."""
    if not path.exists():
        return
    if not path.is_file():
        raise OutboxError(f"{path}: is not a file; move it away, or choose another data folder")
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if not header:
        return
    if not header.startswith(_MAGIC):
        if _unfinished(path):
            return
        raise OutboxError(
            f"{path}: is not an outbox but some other file, or damaged; move it away, or choose "
            "another data folder"
        )
    _check_version(
        path,
        application=int.from_bytes(header[68:72], "big"),
        version=int.from_bytes(header[60:64], "big"),
    )


def _unfinished(path: Path) -> bool:
    """Whether SQLite can undo what was being written when the power failed: the making of it."""
    journal = path.with_name(path.name + "-journal")
    return journal.is_file() and journal.stat().st_size > 0


def _check_version(path: Path, *, application: int, version: int) -> None:
    if application != APPLICATION_ID and (application or version):
        raise OutboxError(
            f"{path}: is a database of another program; move it away, or choose another data folder"
        )
    if version > VERSION:
        raise OutboxError(
            f"{path}: was written by a newer version of this program (format {version}, this one "
            f"knows {VERSION}); install the newer version, or choose another data folder"
        )


def _connect(file: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(
        file,
        timeout=LOCK_MILLISECONDS / 1000,
        isolation_level=None,
        check_same_thread=False,
        uri=isinstance(file, str),
    )


def _identity(connection: sqlite3.Connection, path: Path) -> str:
    row = connection.execute("SELECT value FROM meta WHERE key = 'id'").fetchone()
    if row is None:
        raise OutboxError(f"{path}: has lost its id; move it away and start with a new one")
    return str(row[0])


def _prepare(
    connection: sqlite3.Connection, path: Path, max_bytes: int, clock: Callable[[], int]
) -> None:
    # Both take effect only on a file that is still empty.
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    if _number(connection, "user_version") < VERSION:
        _bring_up_to_date(connection, path, clock)
    _check_version_of(connection, path)
    _use_wal(connection)
    page_size = _number(connection, "page_size")
    wal_pages = max(16, min(_WAL_PAGES, max_bytes // page_size // 4))
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {wal_pages}")
    connection.execute(f"PRAGMA journal_size_limit = {wal_pages * page_size}")
    connection.execute(f"PRAGMA max_page_count = {(max_bytes + RESERVE) // page_size}")
    # Shows a file that cannot be written now, and not at the first job.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


def _check_version_of(connection: sqlite3.Connection, path: Path) -> None:
    _check_version(
        path,
        application=_number(connection, "application_id"),
        version=_number(connection, "user_version"),
    )


def _bring_up_to_date(connection: sqlite3.Connection, path: Path, clock: Callable[[], int]) -> None:
    """Make a new file, or upgrade an older one in place; either happens whole or not at all."""
    connection.execute("BEGIN EXCLUSIVE")
    try:
        # Looked at again: another process may have been faster.
        _check_version_of(connection, path)
        if (version := _number(connection, "user_version")) == 0:
            _create(connection, path, clock)
        else:
            for older in range(version, VERSION):
                for statement in _UPGRADES[older]:
                    connection.execute(statement)
            if not connection.execute("SELECT 1 FROM measurement LIMIT 1").fetchone():
                _begin_numbers(connection, clock())
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _create(connection: sqlite3.Connection, path: Path, clock: Callable[[], int]) -> None:
    if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise OutboxError(
            f"{path}: is a database of another program; move it away, or choose another data folder"
        )
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES ('id', ?)", (new_id(),))
    _begin_numbers(connection, clock())
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _begin_numbers(connection: sqlite3.Connection, now: int) -> None:
    """Let the numbers of an outbox without rows go on from this moment."""
    ((given,),) = connection.execute(
        "SELECT max(seq) FROM sqlite_sequence WHERE name = 'measurement'"
    )
    connection.execute("DELETE FROM sqlite_sequence WHERE name = 'measurement'")
    connection.execute(
        "INSERT INTO sqlite_sequence VALUES ('measurement', ?)",
        (max(given or 0, beginning(now)),),
    )


def new_id() -> str:
    """A random id for an outbox."""
    return secrets.token_hex(16)


def beginning(now: int) -> int:
    """The number above which an outbox of this moment (Unix nanoseconds) gives its numbers.

    In microseconds, so that a newer outbox of a tester has higher numbers than an older one, of
    which no clock could see so many.
    """
    return now // 1000


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block does, at once and whole, or nothing of it after an exception."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def existing_file(path: Path) -> Iterator[sqlite3.Connection]:
    """Open an outbox that somebody else may have open, too, without making or upgrading one.

    The connection is in autocommit mode with `synchronous=FULL`. Raises `OutboxError`, also for
    what SQLite says within the block.
    """
    try:
        if not path.exists() or (path.is_file() and not path.stat().st_size):
            raise OutboxError(f"{path}: there is no outbox; the service makes it when it starts")
        _check_header(path)
    except OSError as error:
        raise OutboxError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        address = f"{path.absolute().as_uri()}?mode=rw"
        with closing(_connect(address)) as connection:
            _check_version_of(connection, path)
            if (version := _number(connection, "user_version")) < VERSION:
                raise OutboxError(
                    f"{path}: is of an older version of this program (format {version}); the "
                    "service upgrades it when it starts"
                )
            connection.execute("PRAGMA synchronous = FULL")
            yield connection
    except sqlite3.Error as error:
        raise explain(error, path) from error


def _use_wal(connection: sqlite3.Connection) -> None:
    # Changing the mode fails at once, without the busy timeout, while another process opens too.
    deadline = time.monotonic() + LOCK_MILLISECONDS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])

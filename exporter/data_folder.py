"""The folder that one tester keeps its files in, and which process of it works there."""

import errno
import fcntl
import os
import time
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, Self

Role = Literal["probe", "station"]

OUTBOX: Final = "outbox.sqlite"
"""The outbox's file in a data folder."""

_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_NOTE_BYTES: Final = 200


class DataFolderError(Exception):
    """The data folder cannot be used; the message says what to do about it."""


class DataFolderBusyError(DataFolderError):
    """Another process has the role; the message says which."""


class DataFolder:
    """The data folder, locked for one role while it is open.

    Two processes of one tester share it, one of each role. The lock is the kernel's: it goes with
    the process, however that ends.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock: int | None = lock
        # A forked worker would keep the lock alive after its parent was killed.
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (method := forget()) and method())

    @classmethod
    def open(cls, path: Path, role: Role, clock: Callable[[], float] = time.time) -> Self:
        """Make the folder if need be, for this user only, and take the lock of the role.

        Raises `DataFolderError`: another process holds the role, or the folder is a file, cannot
        be made or cannot be written, or the disk is full.
        """
        _make(path)
        lock_file = path / f"{role}.lock"
        try:
            lock = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
        except OSError as error:
            raise _refusal(path, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _sign(lock, clock())
        except BlockingIOError as error:
            holder = _holder(lock)
            os.close(lock)
            raise DataFolderBusyError(
                f"{path}: another {role} works in this folder ({holder}); stop it, or choose "
                "another data folder"
            ) from error
        except OSError as error:
            os.close(lock)
            raise _refusal(path, error) from error
        return cls(path, lock)

    @property
    def outbox(self) -> Path:
        """The queue between the processes."""
        return self.path / OUTBOX

    @property
    def store(self) -> Path:
        """The embedded store."""
        return store_file(self.path)

    def close(self) -> None:
        """Give the role back. A second call does nothing."""
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            self._forget()

    def _forget(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def store_file(data: Path) -> Path:
    """Where the embedded store lies in a data folder."""
    return data / "store.duckdb"


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise DataFolderError(
            f"{path}: is not a folder, or lies below a file; choose another data folder"
        ) from error
    except OSError as error:
        raise _refusal(path, error, "cannot be made") from error


def _refusal(path: Path, error: OSError, what: str = "cannot be written") -> DataFolderError:
    advice = _ADVICE.get(error.errno or 0, "choose another data folder")
    return DataFolderError(f"{path}: {what} ({error.strerror}); {advice}")


_ADVICE: Final = {
    errno.EACCES: "give this user write access, or choose another data folder",
    errno.EPERM: "give this user write access, or choose another data folder",
    errno.EROFS: "the file system is read-only: mount it writable, or choose another data folder",
    errno.ENOSPC: "the disk is full: make room",
    errno.EDQUOT: "this user's quota is used up: make room",
}


def _sign(lock: int, now: float) -> None:
    started = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"pid {os.getpid()}, since {started}\n".encode(), 0)


def _holder(lock: int) -> str:
    note = os.pread(lock, _NOTE_BYTES, 0).decode(errors="replace").strip()
    return note or "its pid is not known"

"""The folder of a stack: what its programs keep, read and say. One stack runs in it at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from exporter.stack.failure import StackError

_PRIVATE: Final = 0o700


class Folder(NamedTuple):
    """Where things are; `data(NAME)` is what a program keeps from one start to the next."""

    path: Path

    @property
    def secrets(self) -> Path:
        """The password of InfluxDB and the tokens."""
        return self.path / "secrets"

    @property
    def config(self) -> Path:
        """Settings of the other programs, written anew at each start."""
        return self.path / "config"

    def data(self, name: str) -> Path:
        """What a program keeps."""
        found = self.path / name
        found.mkdir(exist_ok=True)
        return found

    def log(self, name: str) -> Path:
        """What a program says, of this start alone."""
        return self.path / "log" / f"{name}.log"


@contextmanager
def held(path: Path) -> Iterator[Folder]:
    """Make the folder for this user alone, and hold it. Raises `StackError`."""
    folder = Folder(path.absolute())
    try:
        folder.path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        for part in (folder.secrets, folder.config, folder.path / "log"):
            part.mkdir(mode=_PRIVATE, exist_ok=True)
        lock = os.open(folder.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StackError(f"{path}: cannot be used ({error.strerror})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for old in (folder.path / "log").glob("*.log"):
            old.unlink()
        yield folder
    except BlockingIOError:
        raise StackError(f"{path}: another stack runs in this folder; stop it first") from None
    finally:
        os.close(lock)

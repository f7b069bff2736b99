"""Files that operators name: read whole, within a bound, and only if they are plain files."""

import os
import stat
from pathlib import Path
from typing import NamedTuple


class Identity(NamedTuple):
    """What changes when a file is changed or replaced; `None` everywhere if it is not there."""

    device: int | None = None
    inode: int | None = None
    size: int | None = None
    modified: int | None = None
    """Nanoseconds."""
    mode: int | None = None
    owner: int | None = None


def identity(path: Path) -> Identity:
    """The file's identity, links followed."""
    try:
        found = path.stat()
    except OSError:
        return Identity()
    return Identity(
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_mode,
        found.st_uid,
    )


class UnreadableError(Exception):
    """The file cannot be used; the message says why, without its path."""


def read(path: Path, *, limit: int, what: str) -> tuple[str, int]:
    """The text of a file and its mode. A pipe or device is refused, and never waited for.

    Raises `UnreadableError`.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UnreadableError(f"there is no such {what}") from None
    except OSError as error:
        raise UnreadableError(f"the {what} cannot be read ({error.strerror})") from None
    try:
        mode = os.fstat(number).st_mode
        if not stat.S_ISREG(mode):
            raise UnreadableError(f"the {what} is not a plain file")
        with os.fdopen(number, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UnreadableError(f"the {what} cannot be read ({error.strerror})") from None
    finally:
        os.close(number)
    if len(data) > limit:
        raise UnreadableError(f"the {what} is larger than {limit} bytes")
    try:
        return data.decode("utf-8"), mode
    except UnicodeDecodeError:
        raise UnreadableError(f"the {what} is not UTF-8 text") from None

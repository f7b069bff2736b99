"""Files that the operator names: the settings file itself, and those that hold secrets."""

import os
import stat
from pathlib import Path


class UnreadableFileError(Exception):
    """The file cannot be read; the message says why, without its name and content."""


def read_bounded(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes; raises `UnreadableFileError`.

    Never waits: a pipe or a device is refused, not read.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableFileError("it is no regular file")
            content = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise UnreadableFileError(_why(error)) from None
    if len(content) > limit:
        raise UnreadableFileError(f"it is larger than {limit} bytes")
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a folder; a file is expected"
    if isinstance(error, PermissionError):
        return "this user may not read it"
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read ({error.strerror})"
    return "it has a name that no file can have"

"""Files that hold one token each, readable by their owner alone, or by their group, too."""

import os
import tempfile
from pathlib import Path
from typing import Self

from pydantic import SecretStr


class NoPlaceError(Exception):
    """The folder takes no file; the message says why."""


class Place:
    """A place for a token that is kept free before the token is made, so that none gets lost."""

    def __init__(self, path: Path, *, replace: bool, mode: int = 0o600) -> None:
        self._path, self._replace = path, replace
        if not replace and (path.exists() or path.is_symlink()):
            raise NoPlaceError(f"{path}: there is a file already")
        try:
            self._file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        except OSError as error:
            raise NoPlaceError(
                f"{path.parent}: no file can be made there ({error.strerror})"
            ) from None
        self._fresh = Path(name)
        os.fchmod(self._file, mode)

    def fill(self, token: SecretStr) -> None:
        """Write the token durably; the file is there whole or not at all."""
        try:
            with os.fdopen(os.dup(self._file), "w") as file:
                file.write(token.get_secret_value() + "\n")
                file.flush()
                os.fsync(file.fileno())
            if self._replace:
                self._fresh.replace(self._path)
            else:
                os.link(self._fresh, self._path, follow_symlinks=False)
        except OSError as error:
            raise NoPlaceError(f"{self._path}: it cannot be written ({error.strerror})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
        self._fresh.unlink(missing_ok=True)


def held(path: Path) -> SecretStr | None:
    """Give the token that a file holds; `None` if there is no file or no token in it."""
    from exporter.settings_file.files import UnreadableFileError, read_bounded

    try:
        text = read_bounded(path, 8194).decode("ascii").strip()
    except (UnreadableFileError, UnicodeDecodeError):
        return None
    return SecretStr(text) if text else None

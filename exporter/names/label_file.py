"""The file of labels, read again when it changes."""

import logging
import os
from pathlib import Path

from exporter.names.labels import read_labels
from exporter.settings_file import SettingsError

log = logging.getLogger(__name__)

_Stamp = tuple[int, int, int] | None


class LabelFile:
    """Labels by lower-case address. A file that gets worse changes nothing; the log says why."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: _Stamp = None
        self._labels: dict[str, str] = {}
        self.problem: str | None = None
        """What is wrong with the file; `None` if nothing is."""
        self._read(self._now())

    def get(self, address: str) -> str | None:
        """The operator's name for the address."""
        return self._labels.get(address)

    def look(self) -> None:
        """Read the file if it is another one than before."""
        stamp = self._now()
        if stamp != self._stamp:
            self._read(stamp)

    def _now(self) -> _Stamp:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - as it is
        except (OSError, ValueError):
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self, stamp: _Stamp) -> None:
        self._stamp = stamp
        try:
            self._labels, self.problem = read_labels(self._path), None
        except SettingsError as error:
            self.problem = str(error)
            log.warning(
                "the labels have mistakes, and those that were read before go on",
                extra={"problem": self.problem, "labels": len(self._labels)},
            )

"""What ENS said about each address, in memory and in one file over restarts."""

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec

from exporter import whole_file
from exporter.settings_file.files import UnreadableFileError, read_bounded

log = logging.getLogger(__name__)

ADDRESSES: Final = 4_000
"""Addresses that are kept at most; those that were asked for longest ago go first."""
_FILE_LIMIT: Final = 2**21


class KeptName(msgspec.Struct, frozen=True):
    """One answer: a name, or that there is none."""

    name: str | None
    asked_at: int
    """Unix nanoseconds."""


class KeptNames:
    """Answers by lower-case address. A file that cannot be read or written is done without."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changed = False
        self._names = _read(file)

    def get(self, address: str) -> KeptName | None:
        """The last answer about the address."""
        return self._names.get(address)

    def put(self, address: str, name: str | None, now: int) -> None:
        """Keep an answer."""
        self._names.pop(address, None)
        self._names[address] = KeptName(name, now)
        while len(self._names) > ADDRESSES:
            del self._names[next(iter(self._names))]
        self._changed = True

    def due(self, wanted: Collection[str], now: int, keep: int) -> list[str]:
        """Those of the wanted that were never asked for, or longer ago than `keep` nanoseconds.

        A moment to come is taken for none.
        """
        return [
            address
            for address in wanted
            if (known := self._names.get(address)) is None or not 0 <= now - known.asked_at <= keep
        ]

    def save(self) -> None:
        """Write what is new, whole or not at all."""
        if not self._changed:
            return
        try:
            whole_file.replace(self._file, msgspec.json.encode(self._names))
        except OSError as error:
            log.warning("names cannot be kept", extra={"why": error.strerror})
        else:
            self._changed = False


def _read(file: Path) -> dict[str, KeptName]:
    if not file.exists():
        return {}
    try:
        return msgspec.json.decode(read_bounded(file, _FILE_LIMIT), type=dict[str, KeptName])
    except (UnreadableFileError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        log.warning("names that were kept cannot be read, and are asked for again")
        return {}

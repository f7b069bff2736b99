"""The folder in which lanes live: who owns what is in it, and a fresh folder for each process."""

import asyncio
import contextlib
import logging
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Final, Self

from exporter.probing.managed.faults import Fault, StartFailure
from exporter.probing.managed.leftovers import end_leftovers

_ID: Final = re.compile(r"[0-9a-f]{32}")
_LANE: Final = re.compile(r"[0-9a-f]{8}-[0-9]{1,9}")
_ID_BYTES: Final = 100

log = logging.getLogger(__name__)


class LaneHome:
    """The folder of all lanes of one tester; open it once, before anything is started.

    `owner` marks the processes of this tester: a random id that lies in the folder, and the file's
    place on the disk, so that a copied data folder is another owner.
    """

    def __init__(self, path: Path, owner: str) -> None:
        self.path = path
        self.owner = owner
        self.run = secrets.token_hex(4)
        self.leftovers = 0
        """Processes of earlier runs that were ended."""
        self._made = 0

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Make the folder if need be, end what an earlier run left, and remove its folders.

        Only one process may do so at a time: the data folder's lock sees to that. Raises
        `StartFailure` when the folder cannot be used.
        """
        home = await asyncio.to_thread(cls._at, path)
        home.leftovers = await end_leftovers(home.owner, home.run)
        if home.leftovers:
            log.warning(
                "ended gateways that an earlier run had left", extra={"processes": home.leftovers}
            )
        await asyncio.to_thread(home.sweep)
        return home

    @classmethod
    def _at(cls, path: Path) -> Self:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls(path.resolve(), _owner(path / "id"))
        except OSError as error:
            raise _unusable(path, error) from error

    def fresh(self) -> Path:
        """A new folder for one process, for this user only. Raises `StartFailure`."""
        self._made += 1
        folder = self.path / f"{self.run}-{self._made}"
        try:
            try:
                folder.mkdir(mode=0o700)
            except FileNotFoundError:
                self._anew()
                folder.mkdir(mode=0o700)
        except OSError as error:
            raise _unusable(folder, error) from error
        return folder

    def _anew(self) -> None:
        """Make the folder that somebody removed. The marks of what is started from now on are new.

        What was started before carries the old ones, and is ended with those. Raises `OSError`.
        """
        self.path.mkdir(mode=0o700)
        self.owner = _owner(self.path / "id")
        log.warning(
            "the folder of the lanes was removed: it is made anew", extra={"path": self.path}
        )

    def mark(self, folder: Path) -> str:
        """The mark of the processes that are started in this folder."""
        return f"{self.owner}/{self.run}/{folder.name}"

    def sweep(self) -> None:
        """Remove the folders of earlier runs; only what has the name of such a folder."""
        with contextlib.suppress(OSError):
            for entry in self.path.iterdir():
                if _LANE.fullmatch(entry.name) and not entry.name.startswith(f"{self.run}-"):
                    remove(entry)


def remove(folder: Path) -> None:
    """Remove a lane's folder with all that is in it; links are not followed."""
    shutil.rmtree(folder, ignore_errors=True)


def _owner(file: Path) -> str:
    """The id in the file, written if there is none. Raises `OSError`."""
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+b") as opened:
        text = opened.read(_ID_BYTES).decode("ascii", "replace").strip()
        if not _ID.fullmatch(text):
            text = secrets.token_hex(16)
            opened.seek(0)
            opened.truncate()
            opened.write(text.encode() + b"\n")
        place = os.fstat(opened.fileno())
    return f"{text}:{place.st_dev:x}:{place.st_ino:x}"


def _unusable(path: Path, error: OSError) -> StartFailure:
    return StartFailure(Fault.FOLDER, f"{path}: cannot be used for lanes ({error.strerror})")

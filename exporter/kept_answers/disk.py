"""The folder of the kept answers, within its bounds: old ones make room for new ones.

Whoever takes the most room gives way first, so that nobody's many or large failures push out what
is kept of all others.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from exporter.kept_answers.reading import KeptAnswers
from exporter.kept_answers.record import is_job_id

_BLOCK: Final = 4096
_PRIVATE_FOLDER: Final = 0o700
_NEW: Final = ".new-"
_OLD: Final = ".old-"


class _Entry(msgspec.Struct, frozen=True):
    owner: str
    """Orchestrator that gave the answer; empty if nobody can tell."""
    size: int
    kept_at: float


class Disk:
    """Knows what lies in the folder. Only one thread may use it, only one process a folder.

    Sizes are bytes on disk: every file takes whole blocks, and so does a folder.
    """

    def __init__(
        self, folder: Path, *, max_bytes: int, max_age: float, clock: Callable[[], float]
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._taken: Counter[str] = Counter()
        """Bytes by owner."""
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def largest(self, files: int, besides: int) -> int:
        """Bytes that one answer of so many files may have, if `besides` are written with them."""
        blocks = _BLOCK * (files + 1)
        return max(self._max_bytes - on_disk(besides) - blocks, 0)

    def look(self) -> None:
        """See what lies there from before, drop what was not finished, and what is over a bound.

        What this program does not know is left alone. Raises `OSError`.
        """
        found: dict[str, _Entry] = {}
        answers = KeptAnswers(self._folder)
        try:
            with os.scandir(self._folder) as lying:
                for one in lying:
                    if one.name.startswith((_NEW, _OLD)):
                        shutil.rmtree(one.path, ignore_errors=True)
                    elif is_job_id(one.name) and one.is_dir(follow_symlinks=False):
                        kept = answers.find(one.name)
                        owner = "" if kept is None else kept.orchestrator
                        found[one.name] = _Entry(owner, _size(one.path), one.stat().st_mtime)
        except FileNotFoundError:
            return
        for job, entry in sorted(found.items(), key=lambda item: item[1].kept_at):
            self._took(job, entry)
        self.clear()

    def clear(self) -> None:
        """Remove what is too old, and what is over the bound of bytes. Raises `OSError`."""
        eldest = self._clock() - self._max_age
        for job, entry in list(self._entries.items()):
            if entry.kept_at >= eldest:
                break
            self._remove(job)
        self._make_room(0, "")

    @contextmanager
    def adding(self, job: str, owner: str, sizes: list[int]) -> Iterator[Path]:
        """Give a folder to be filled with files of these sizes; at the end of the block it is kept.

        `owner` is the orchestrator whose answer it is.

        Raises `OSError`; then, as after any other error in the block, nothing of it stays.
        """
        room = _BLOCK + sum(on_disk(size) for size in sizes)
        if room > self._max_bytes:
            raise OSError(f"{room} bytes are more than all that may be kept")
        self.clear()
        self._make_room(room, owner)
        self._folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        new = self._folder / f"{_NEW}{job}"
        try:
            new.mkdir(mode=_PRIVATE_FOLDER)
            yield new
            new.rename(self._folder / job)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        self._took(job, _Entry(owner, _size(self._folder / job), self._clock()))

    def _make_room(self, room: int, owner: str) -> None:
        """Remove the oldest of whoever takes the most, until there is room for one of `owner`."""
        while self._entries and self.bytes + room > self._max_bytes:
            most = max(self._taken, key=lambda one: self._taken[one] + room * (one == owner))
            self._remove(next(job for job, entry in self._entries.items() if entry.owner == most))

    def _took(self, job: str, entry: _Entry) -> None:
        self._entries[job] = entry
        self._taken[entry.owner] += entry.size
        self.bytes += entry.size

    def _remove(self, job: str) -> None:
        """Take it out of sight in one step, so that nobody sees half of it, then remove it."""
        old = self._folder / f"{_OLD}{job}"
        with suppress(FileNotFoundError):
            (self._folder / job).rename(old)
        shutil.rmtree(old, ignore_errors=True)
        entry = self._entries.pop(job)
        self.bytes -= entry.size
        self._taken[entry.owner] -= entry.size
        if not self._taken[entry.owner]:
            del self._taken[entry.owner]


def on_disk(size: int) -> int:
    """Bytes that a file of this size takes."""
    return -(-size // _BLOCK) * _BLOCK


def _size(folder: str | Path) -> int:
    size = _BLOCK
    with os.scandir(folder) as files:
        for file in files:
            with suppress(OSError):
                size += on_disk(file.stat(follow_symlinks=False).st_size)
    return size

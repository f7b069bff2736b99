"""Writing measurements into a file: by parts of a UTC day each, joined, then read again.

The parts lie in a hidden folder beside the file until it is whole. A part's name has its count and
checksum: an export that was cut off is continued by comparing these with the store's.
"""

import asyncio
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import msgspec

from exporter.moving import MovingError, whole
from exporter.moving.columns import COLUMNS
from exporter.moving.days import PAGE, Source, days, name_of, of_day, pages, tally_of
from exporter.moving.formats import Format
from exporter.moving.progress import Progress, unseen
from exporter.moving.tally import Tally, digest
from exporter.stores import Where, Window

_MADE: Final = "made.json"
_NAME: Final = re.compile(r"(-?\d+)_(\d+)_([0-9a-f]{32})")
_TEMPORARY: Final = "unfinished"


class Made(msgspec.Struct, frozen=True):
    """How parts were made; those of another format or version are not used."""

    format: str
    columns: tuple[str, ...] = tuple(COLUMNS)


class Exported(msgspec.Struct, frozen=True):
    """What came of an export."""

    store: Tally
    """Of what was read in the store."""
    file: Tally
    """Of what is read in the file."""
    kept: int
    """Days that an earlier export, which was cut off, had written already."""


async def export(
    source: Source,
    window: Window,
    where: Where,
    target: Path,
    format_: Format,
    *,
    progress: Progress = unseen,
) -> Exported:
    """Write the measurements into `target`, replacing it when the new file is whole and verified.

    Raises `MovingError` when it cannot be written or is not the same when it is read again.
    """
    with _written(target), _Parts(target, format_) as parts:
        total, kept = Tally(), 0
        used: list[Path] = []
        async for day in days(source, window, where):
            span = of_day(day, window)
            part = await parts.found(source, day, span, where)
            kept += part is not None
            if part is None:
                part = await parts.make(source, day, span, where, progress)
            else:
                progress(_tally(part).count, name_of(day))
            total.merge(_tally(part))
            used.append(part)
        made = parts.folder / f"whole.{_TEMPORARY}"
        format_.join(used, made)
        found = await _read_again(made, format_)
        if found != total:
            parts.forget()
            raise MovingError(
                f"{target}: was not written: read again, the file has {found}, the store {total}; "
                "the disk may be failing. Try again; the export starts anew"
            )
        _sync(made)
        made.replace(target)
        parts.forget()
    return Exported(total, found, kept)


class _Parts:
    """The folder of the parts of one export, which one process alone works in."""

    def __init__(self, target: Path, format_: Format) -> None:
        self.folder = target.absolute().with_name(f".{target.name}.parts")
        self._format = format_
        self._lock: int | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        self._lock = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.__exit__()
            raise MovingError(f"{self.folder}: another export writes this file just now") from error
        note = self.folder / _MADE
        wanted = msgspec.json.encode(Made(self._format.name))
        if not (note.is_file() and note.read_bytes() == wanted):
            for part in self.folder.iterdir():  # they were made otherwise
                part.unlink()
            note.write_bytes(wanted)
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def found(self, source: Source, day: int, span: Window, where: Where) -> Path | None:
        """The part of a day, if there is one and the store still has just that."""
        for part in self.folder.iterdir():
            named = _NAME.fullmatch(part.name)
            if named is None or int(named[1]) != day:
                continue
            now = await tally_of(source, span, where)
            if _tally(part) == now:
                return part
            part.unlink()
        return None

    async def make(
        self, source: Source, day: int, span: Window, where: Where, progress: Progress
    ) -> Path:
        """Write the part of a day."""
        unfinished = self.folder / _TEMPORARY
        tally = Tally()
        with self._format.part(unfinished) as write:
            async for page in pages(source, span, where):
                write(page)
                tally.merge(Tally.of(page))
                progress(len(page), name_of(day))
        _sync(unfinished)
        part = self.folder / f"{day}_{tally.count}_{tally.checksum:032x}"
        return unfinished.replace(part)

    def forget(self) -> None:
        """Remove all parts."""
        shutil.rmtree(self.folder)


def _tally(part: Path) -> Tally:
    named = _NAME.fullmatch(part.name)
    if named is None:
        raise ValueError(part.name)
    return Tally(int(named[2]), int(named[3], 16))


async def _read_again(path: Path, format_: Format) -> Tally:
    tally = Tally()
    with format_.table(path) as table:
        for _, row in whole.rows(table, str(path)):
            tally.add(digest(row.measurement))
            if tally.count % PAGE == 0:
                await asyncio.sleep(0)  # where Ctrl-C is heard
    return tally


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


@contextmanager
def _written(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MovingError(
            f"{target}: cannot be written ({error.strerror or error}); what is done is kept in a "
            "hidden folder beside it, and the same command goes on from there"
        ) from error

"""What is on a disk after the power failed, by what a recorded process wrote and synced.

The rules are those that POSIX lets a program rely on, and no kinder. A write is on the disk for
certain once a later sync of its file has returned. Until then it may be there, or not, or in part,
sector by sector, independently of other writes. A name, made, changed or removed, is certain once
its folder was synced; until then changes of names happen in order or not at all.

`Disk(copy_on_write=True)` has the kinder rules of btrfs and ZFS: what makes a file longer gets
there from its beginning on, never with holes, what is written over is changed whole or not at all,
and a file's sync makes its name certain.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

CREATE, WRITE, TRUNCATE, SYNC, RENAME, UNLINK = range(1, 7)
SECTOR: Final = 512
_HEADER: Final = struct.Struct("<IIQQq")


class Step(NamedTuple):
    """One thing that a process did."""

    kind: int
    path: str
    inode: int
    offset: int
    """Of a write; the new size for a truncation."""
    data: bytes
    """What was written; the new path for a renaming."""


def steps(journal: Path) -> Iterator[Step]:
    """What the recorder has seen, in order."""
    content, at = journal.read_bytes(), 0
    while at < len(content):
        kind, path_size, inode, data_size, offset = _HEADER.unpack_from(content, at)
        path_end = at + _HEADER.size + path_size
        path = content[at + _HEADER.size : path_end].decode()
        at = path_end + data_size
        yield Step(kind, path, inode, offset, content[path_end:at])


@dataclass
class File:
    certain: bytearray = field(default_factory=bytearray)
    pending: list[Step] = field(default_factory=list)

    def sync(self) -> None:
        for step in self.pending:
            _change(self.certain, step)
        self.pending.clear()

    def after_loss(self, chance: Random, share: float, *, copy_on_write: bool) -> bytes:
        content, cut_off = bytearray(self.certain), False
        for step in self.pending:
            longer = _end(step) > len(self.certain)
            in_turn = copy_on_write and longer
            torn = chance.random() < 0.5 and (longer or not copy_on_write)
            for piece in _pieces(step) if torn else [step]:
                if in_turn and cut_off:
                    continue
                if chance.random() < share:
                    _change(content, piece)
                elif in_turn:
                    cut_off = True
        return bytes(content)


class Disk:
    """The files of one folder, as far as they are certain, and what is not certain yet."""

    def __init__(self, folder: Path, *, copy_on_write: bool = False) -> None:
        self._folder = str(folder)
        self._copy_on_write = copy_on_write
        self._now: dict[str, File] = {}
        self._inodes: dict[int, File] = {}
        self._certain: dict[str, File] = {}
        self._pending: list[tuple[str, File | None]] = []

    def do(self, step: Step) -> None:
        """Go on by one step."""
        if step.kind == CREATE:
            self._inodes[step.inode] = File()
            self._name(step.path, self._inodes[step.inode])
        elif step.kind == RENAME:
            file = self._now[step.path]
            self._name(step.path, None)
            self._name(step.data.decode(), file)
        elif step.kind == UNLINK:
            self._name(step.path, None)
        elif step.kind == SYNC and step.path == self._folder:
            self._sync_names()
        elif step.kind == SYNC:
            self._inodes[step.inode].sync()
            if self._copy_on_write:
                self._sync_names()
        elif step.inode in self._inodes:
            self._inodes[step.inode].pending.append(step)

    def after_loss(self, chance: Random, share: float) -> dict[str, bytes]:
        """Path and content of every file, if about this share of what is pending gets through."""
        names = dict(self._certain)
        for path, file in self._pending:
            if chance.random() >= share:
                break  # what changes names keeps their order
            _set(names, path, file)
        return {
            path: file.after_loss(chance, share, copy_on_write=self._copy_on_write)
            for path, file in names.items()
        }

    def _name(self, path: str, file: File | None) -> None:
        _set(self._now, path, file)
        self._pending.append((path, file))

    def _sync_names(self) -> None:
        for path, file in self._pending:
            _set(self._certain, path, file)
        self._pending.clear()


def restore(files: dict[str, bytes], folder: Path) -> None:
    """Write the files into an empty folder, by their names."""
    folder.mkdir()
    for path, content in files.items():
        (folder / Path(path).name).write_bytes(content)


def _set(names: dict[str, File], path: str, file: File | None) -> None:
    if file is None:
        names.pop(path, None)
    else:
        names[path] = file


def _pieces(step: Step) -> Iterator[Step]:
    """The parts of a write that lie in one sector each."""
    if step.kind != WRITE:
        yield step
        return
    at = 0
    while at < len(step.data):
        size = SECTOR - (step.offset + at) % SECTOR
        yield step._replace(offset=step.offset + at, data=step.data[at : at + size])
        at += size


def _end(step: Step) -> int:
    return step.offset + len(step.data)


def _change(content: bytearray, step: Step) -> None:
    if step.kind == TRUNCATE:
        del content[step.offset :]
        content.extend(bytes(step.offset - len(content)))
        return
    content.extend(bytes(max(0, _end(step) - len(content))))
    content[step.offset : _end(step)] = step.data

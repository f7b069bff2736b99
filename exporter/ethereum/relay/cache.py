"""Answers that are kept, within a bound of bytes: who was not asked for longest goes first."""

from collections import OrderedDict
from typing import Final

import msgspec

OVERHEAD: Final = 300
"""Bytes that an entry takes beside its key and its text, about."""
_SHARE: Final = 4
"""An answer that is larger than this part of the bound is not kept."""


class Kept(msgspec.Struct, frozen=True):
    """One answer, as the part of a JSON-RPC response that it makes."""

    text: bytes
    until: float | None = None
    """Of `clock`; `None`: as long as there is room."""
    height: int = 0
    """The block that it was read at; only said of readings of the pool."""
    settled: bool = True
    """Whether its block is old enough not to be replaced by another one."""


class Cache:
    """At most `limit` bytes of answers."""

    def __init__(self, limit: int) -> None:
        self.bytes = 0
        self._limit = limit
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes, now: float) -> Kept | None:
        """What is kept under this key and not over its time."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until is not None and kept.until <= now:
            self._remove(key)
            return None
        self._kept.move_to_end(key)
        return kept

    def put(self, key: bytes, kept: Kept) -> None:
        """Keep it in the place of what was there, if it is not too large."""
        self._remove(key)
        size = _size(key, kept)
        if size > self._limit // _SHARE:
            return
        self._kept[key] = kept
        self.bytes += size
        while self.bytes > self._limit:
            self._remove(next(iter(self._kept)))

    def forget_unsettled(self) -> None:
        """Drop all whose block may have been replaced."""
        for key in [key for key, kept in self._kept.items() if not kept.settled]:
            self._remove(key)

    def _remove(self, key: bytes) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.bytes -= _size(key, kept)


def _size(key: bytes, kept: Kept) -> int:
    return len(key) + len(kept.text) + OVERHEAD

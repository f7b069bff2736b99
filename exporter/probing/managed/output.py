"""What a gateway writes: line by line, stamped, without secrets, and never more than a bound."""

import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

LINE_LIMIT: Final = 4_000
"""Characters of a line that are kept."""
RAW_LIMIT: Final = 16_000
"""Bytes of a line that are looked at. More than is kept, so that no secret is cut in two."""
LINES: Final = 4_000
BYTES: Final = 2**20
"""Memory that the lines take at most: their characters may be wide, or the lines many."""
_BESIDE: Final = 112
"""Bytes of memory that a line takes beside its text."""


class Line(NamedTuple):
    """One line, and the stamp of the monotonic clock (ns) at which we read it."""

    stamp: int
    text: str


class _Gap(NamedTuple):
    """Lines that were skipped: the place of the first one, and that behind the last one."""

    begin: int
    end: int


class Output:
    """The latest lines of one process.

    `clean` takes the secrets out of a text. Marks count lines since the start, so they stay valid
    when older lines are dropped or lines in between are skipped.
    """

    def __init__(
        self,
        clean: Callable[[str], str],
        *,
        lines: int = LINES,
        size: int = BYTES,
        now: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._clean = clean
        self._lines: deque[Line] = deque()
        self._gaps: deque[_Gap] = deque()
        """Where lines were skipped, as far as older ones are still kept."""
        self._most = lines
        self._size_limit = size
        self._now = now
        self._size = 0
        self._partial = bytearray()
        self._written = 0

    def feed(self, data: bytes) -> None:
        """Take what came out of the pipe; a line is kept when it is complete."""
        *complete, rest = data.split(b"\n")
        for piece in complete:
            if self._partial:
                self._extend(piece)
                self._finish(self._partial)
                self._partial.clear()
            else:
                self._finish(piece[:RAW_LIMIT])
        self._extend(rest)

    def skip(self, data: bytes) -> int:
        """Count the lines that end in `data` without keeping them; gives how many they are."""
        count = data.count(b"\n")
        if count:
            self._partial.clear()
            self._leave_out(count)
        self._extend(data[data.rfind(b"\n") + 1 :])
        return count

    def end(self) -> None:
        """The pipe has ended: keep an unfinished line, too."""
        if self._partial:
            self._finish(self._partial)
            self._partial.clear()

    def mark(self) -> int:
        """The place behind the last line so far."""
        return self._written

    def since(self, mark: int) -> list[Line]:
        """The lines from a mark on, as far as they are still kept."""
        count = self._after(mark)
        return list(self._lines)[-count:] if count > 0 else []

    def dropped_since(self, mark: int) -> bool:
        """Whether lines from a mark on were skipped, or are not kept any more."""
        return self._written - mark > len(self.since(mark))

    def last(self, count: int) -> list[str]:
        """The texts of the last lines."""
        return [line.text for line in list(self._lines)[-count:]]

    def _extend(self, piece: bytes) -> None:
        self._partial += piece[: max(RAW_LIMIT - len(self._partial), 0)]

    def _finish(self, piece: bytes | bytearray) -> None:
        text = piece.decode("utf-8", "replace").rstrip("\r") if piece else ""
        if text:
            text = self._clean(text)[:LINE_LIMIT]
        self._written += 1
        self._lines.append(Line(self._now(), text))
        self._size += _memory(text)
        while len(self._lines) > self._most or self._size > self._size_limit:
            self._size -= _memory(self._lines.popleft().text)

    def _leave_out(self, count: int) -> None:
        last = self._gaps[-1] if self._gaps else None
        if last is not None and last.end == self._written:
            self._gaps[-1] = _Gap(last.begin, last.end + count)
        else:
            self._gaps.append(_Gap(self._written, self._written + count))
        self._written += count
        while self._gaps and self._after(self._gaps[0].begin) >= len(self._lines):
            self._gaps.popleft()

    def _after(self, place: int) -> int:
        """How many lines from a place on were taken, whether they are still kept or not."""
        return self._written - place - self._skipped(place)

    def _skipped(self, mark: int) -> int:
        return sum(gap.end - max(gap.begin, mark) for gap in self._gaps if gap.end > mark)


def _memory(text: str) -> int:
    return sys.getsizeof(text) + _BESIDE

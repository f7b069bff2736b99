"""What a gateway writes: line by line, stamped, without secrets, and never more than a bound."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

LINE_LIMIT: Final = 4_000
"""Characters of a line that are kept."""
RAW_LIMIT: Final = 16_000
"""Bytes of a line that are looked at. More than is kept, so that no secret is cut in two."""
LINES: Final = 4_000
BYTES: Final = 768 * 1024


class Line(NamedTuple):
    """One line, and the stamp of the monotonic clock (ns) at which we read it."""

    stamp: int
    text: str


class Output:
    """The latest lines of one process.

    `clean` takes the secrets out of a text. Marks count lines since the start, so they stay valid
    when older lines are dropped.
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
            self._extend(piece)
            self._finish()
        self._extend(rest)

    def end(self) -> None:
        """The pipe has ended: keep an unfinished line, too."""
        if self._partial:
            self._finish()

    def mark(self) -> int:
        """The place behind the last line so far."""
        return self._written

    def since(self, mark: int) -> list[Line]:
        """The lines from a mark on, as far as they are still kept."""
        missing = self._written - len(self._lines)
        return list(self._lines)[max(mark - missing, 0) :]

    def last(self, count: int) -> list[str]:
        """The texts of the last lines."""
        return [line.text for line in list(self._lines)[-count:]]

    def _extend(self, piece: bytes) -> None:
        self._partial += piece[: max(RAW_LIMIT - len(self._partial), 0)]

    def _finish(self) -> None:
        text = self._clean(self._partial.decode("utf-8", "replace").rstrip("\r"))[:LINE_LIMIT]
        self._partial.clear()
        self._written += 1
        self._lines.append(Line(self._now(), text))
        self._size += len(text)
        while len(self._lines) > self._most or self._size > self._size_limit:
            self._size -= len(self._lines.popleft().text)

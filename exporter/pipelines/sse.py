"""Server-sent events, read as they arrive. Pure: bytes and their stamps in, events out.

Follows the event stream grammar of the HTML standard: lines end with CRLF, LF or CR, lines that
begin with a colon are comments, an empty line ends an event. One liberty: an event that the end
of the stream cuts off before its empty line still counts.
"""

import re
from typing import Final

import msgspec

LINE_LIMIT: Final = 256 * 1024
"""Bytes of one line, and of one event's data."""

_BOM: Final = b"\xef\xbb\xbf"
# Five such characters are three line ends at least: the first may end a line, the second an event,
# and what follows means nothing.
_BLANK: Final = re.compile(rb"[\r\n]{5,}")


class Event(msgspec.Struct, frozen=True):
    """One event: its type (`message` if not said), its data, and when its data was complete."""

    kind: str
    data: str
    stamp: int
    """Nanoseconds: the stamp of the bytes that completed its last data line."""


class EventParser:
    """Reads one stream. The events do not depend on how its bytes are split."""

    def __init__(self, line_limit: int = LINE_LIMIT) -> None:
        self._limit = line_limit
        self._line = bytearray()
        self._after_cr = False
        self._first = True
        self._data: list[str] = []
        self._size = 0
        self._kind = ""
        self._stamp = 0
        self.error: str | None = None
        """The bound that the stream broke; nothing is read from it after that."""

    def feed(self, data: bytes, stamp: int) -> list[Event]:
        """Take the next bytes, which arrived at `stamp`; give the events that they complete."""
        events: list[Event] = []
        for piece in _BLANK.sub(b"\n\n", data).splitlines(keepends=True):
            if self.error is not None:
                break
            self._take(piece, stamp, events)
        return events

    def finish(self, stamp: int) -> list[Event]:
        """The stream has ended: give what is still open."""
        events: list[Event] = []
        if self.error is None and self._line:
            self._end_line(bytes(self._line), stamp, events)
        if self.error is None:
            self._dispatch(events)
        return events

    def _take(self, piece: bytes, stamp: int, events: list[Event]) -> None:
        if self._after_cr and piece.startswith(b"\n"):
            # The second half of a CRLF that was split; it was taken for the line's end already.
            piece = piece[1:]
        self._after_cr = False
        if not piece:
            return
        body = piece.rstrip(b"\r\n")
        if len(self._line) + len(body) > self._limit:
            self.error = f"a line of the stream is longer than {self._limit} bytes"
            return
        if len(body) == len(piece):
            self._line += body
            return
        if self._line:
            body = bytes(self._line + body)
            self._line.clear()
        self._after_cr = piece.endswith(b"\r")
        self._end_line(body, stamp, events)

    def _end_line(self, raw: bytes, stamp: int, events: list[Event]) -> None:
        if self._first:
            self._first = False
            raw = raw.removeprefix(_BOM)
        if not raw:
            self._dispatch(events)
        elif raw.startswith((b"data", b"event")):
            self._take_field(raw, stamp)

    def _take_field(self, raw: bytes, stamp: int) -> None:
        field, _, value = raw.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._size += len(raw)
            if self._size > self._limit:
                self.error = f"an event of the stream is longer than {self._limit} bytes"
                return
            self._data.append(value)
            self._stamp = stamp
        elif field == "event":
            self._kind = value

    def _dispatch(self, events: list[Event]) -> None:
        if self._data:
            data = "\n".join(self._data)
            if data:
                events.append(Event(self._kind or "message", data, self._stamp))
            self._data.clear()
            self._size = 0
        self._kind = ""

"""Where a response begins: behind interim answers (status 1xx), however TCP cuts them up."""

import re
from typing import Final

INTERIM_LIMIT: Final = 64 * 1024
"""Bytes of interim answers that are passed over before one response."""

# 101 changes the protocol: nothing comes after it, so it is a response.
_INTERIM: Final = re.compile(rb"HTTP/1\.[0-9] 1(?!01)[0-9]{2}")
_TEMPLATE: Final = b"HTTP/1.1 100"
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")


class Beginning:
    """Finds the first byte of one response in what a connection gives, and drops what is before.

    Interim answers are of no use to us, and they may come in any number.
    """

    def __init__(self) -> None:
        self.at: int | None = None
        """Stamp at which the response's first byte arrived; `None` while none is known of."""
        self.dropped = 0
        """Bytes of interim answers so far."""
        self._pending = bytearray()
        self._since = 0

    def take(self, data: bytes, stamp: int, *, ended: bool = False) -> bytes:
        """Take the next bytes, which arrived at `stamp`; give those of the response.

        `ended` says that they are the last. While it is open what they are, they are kept.
        """
        if self.at is not None:
            return data
        if not self._pending:
            self._since = stamp
        looked_at = len(self._pending)
        self._pending += data
        while self._pending:
            if not _may_be_interim(self._pending):
                return self._begin()
            blank = _BLANK_LINE.search(self._pending, max(looked_at - 2, 0))
            if blank is None:
                break
            self.dropped += blank.end()
            del self._pending[: blank.end()]
            self._since, looked_at = stamp, 0
        if ended and 0 < len(self._pending) < len(_TEMPLATE):
            return self._begin()
        return b""

    @property
    def endless(self) -> bool:
        """Whether more than `INTERIM_LIMIT` bytes came without a response."""
        return self.at is None and self.dropped + len(self._pending) > INTERIM_LIMIT

    def _begin(self) -> bytes:
        self.at = self._since
        data = bytes(self._pending)
        self._pending.clear()
        return data


def _may_be_interim(data: bytearray) -> bool:
    head = bytes(data[: len(_TEMPLATE)])
    return _INTERIM.match(head + _TEMPLATE[len(head) :]) is not None

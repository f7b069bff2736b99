"""Reading DER as far as a stranger's certificate needs it: nothing is trusted, all is bounded."""

from collections.abc import Iterator
from typing import Final

import msgspec

_LONG_TAG: Final = 0x1F
_LENGTH_BYTES: Final = 4

SEQUENCE: Final = 0x30
SET: Final = 0x31
OID: Final = 0x06
OCTETS: Final = 0x04


class MalformedError(Exception):
    """These bytes are no DER of the expected form."""


class Element(msgspec.Struct, frozen=True):
    """One element: its tag byte, and its contents."""

    tag: int
    body: bytes

    def expect(self, tag: int) -> bytes:
        """The contents, if it has this tag. Raises `MalformedError`."""
        if self.tag != tag:
            raise MalformedError(f"tag {self.tag:#x} where {tag:#x} is due")
        return self.body


def first(data: bytes) -> Element:
    """The first element in the data. Raises `MalformedError`."""
    return _read(data, 0)[0]


def elements(data: bytes, limit: int) -> Iterator[Element]:
    """The elements in the data, one after the other, `limit` at most.

    Raises `MalformedError` where what follows is none.
    """
    at = 0
    while at < len(data) and limit > 0:
        element, at = _read(data, at)
        yield element
        limit -= 1


def _read(data: bytes, at: int) -> tuple[Element, int]:
    """The element that begins there, and where the next one does."""
    if at + 2 > len(data):
        raise MalformedError("cut off within a tag or length")
    tag, length = data[at], data[at + 1]
    if tag & _LONG_TAG == _LONG_TAG:
        raise MalformedError("a tag of several bytes")
    at += 2
    if length & 0x80:
        more = length & 0x7F
        if not 1 <= more <= _LENGTH_BYTES or at + more > len(data):
            raise MalformedError("a length that is none")
        length, at = int.from_bytes(data[at : at + more], "big"), at + more
    if at + length > len(data):
        raise MalformedError("cut off within an element")
    return Element(tag, data[at : at + length]), at + length

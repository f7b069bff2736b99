"""Ids of what others measured: the same row is the same measurement, however often it is read."""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

Occurrence = Callable[[bytes], int]
"""How often the row with this digest was seen before, itself not counted."""

_LENGTH: Final = 32


def row_digest(source: str, content: bytes) -> bytes:
    """What all equal rows of a source have in common."""
    return sha256(source.encode() + b"\0" + content).digest()


def identity(source: str, content: bytes, occurrence: Occurrence) -> str:
    """The id of a row of a source: a hash of both, and of which of several equal rows it is."""
    digest = row_digest(source, content)
    return sha256(digest + str(occurrence(digest)).encode()).hexdigest()[:_LENGTH]

"""Count and checksum of measurements: whether two places hold the same, whatever their order."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final, Self

import msgspec

from exporter.model import Measurement, encode
from exporter.moving import MovingError
from exporter.stores import Row

_MODULUS: Final = 2**128


def canonical(measurement: Measurement) -> bytes:
    """The measurement as stores keep it: its JSON without the step log."""
    return encode(msgspec.structs.replace(measurement, steps=()))


def digest(measurement: Measurement) -> bytes:
    """SHA-256 of the canonical form."""
    return sha256(canonical(measurement)).digest()


class Tally(msgspec.Struct):
    """How many measurements there are, and the sum of their digests modulo 2^128."""

    count: int = 0
    checksum: int = 0

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Self:
        """The tally of rows."""
        tally = cls()
        for row in rows:
            tally.add(digest(row.measurement))
        return tally

    def add(self, digest: bytes) -> None:
        """Count one more measurement."""
        self.count += 1
        self.checksum = (self.checksum + int.from_bytes(digest)) % _MODULUS

    def merge(self, other: "Tally") -> None:
        """Count those of another tally, too."""
        self.count += other.count
        self.checksum = (self.checksum + other.checksum) % _MODULUS

    def __str__(self) -> str:
        noun = "measurement" if self.count == 1 else "measurements"
        return f"{self.count} {noun}, checksum {self.checksum:032x}"


def all_read(tally: Tally, stored: int, whose: str) -> None:
    """Raise `MovingError` if more was stored than could be read and summed up."""
    if tally.count < stored:
        raise MovingError(
            f"{stored - tally.count} of {stored} measurements of {whose} cannot be read by this "
            "version and were left out: install the version that stored them, and repeat this"
        )

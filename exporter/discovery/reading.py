"""Reading what strangers list: piece by piece, so that one bad piece spoils nothing else."""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import msgspec

from exporter.discovery.listing import SourceError
from exporter.model import is_eth_address

T = TypeVar("T")

ENTRIES_LIMIT: Final = 10_000
MODELS_LIMIT: Final = 1_000
OFFERS_LIMIT: Final = 20_000
NAME_LIMIT: Final = 200
"""Characters of a model's or pipeline's name: these become labels and tags."""

_VALUES_LIMIT: Final = 1_500_000
_NUMBER_LIMIT: Final = 2**62
_PRICE_LIMIT: Final = 10**30
_NOBODY: Final = "0x" + "0" * 40

ABSENT: Final = msgspec.Raw(b"null")


class Tally:
    """Counts the pieces of one answer that could not be used."""

    def __init__(self) -> None:
        self.skipped = 0

    def skip(self, pieces: int = 1) -> None:
        """Count pieces that were left out."""
        self.skipped += pieces

    def read(self, raw: msgspec.Raw, decoder: "msgspec.json.Decoder[T]") -> T | None:
        """One piece of the answer; `None`, and counted, if it is not of the expected form."""
        try:
            return decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.skip()
            return None

    def read_each(
        self, raws: Iterable[msgspec.Raw], decoder: "msgspec.json.Decoder[T]"
    ) -> Iterator[T]:
        """The pieces that are of the expected form."""
        for raw in raws:
            piece = self.read(raw, decoder)
            if piece is not None:
                yield piece

    def first(self, pieces: list[T], limit: int) -> list[T]:
        """At most `limit` pieces; the others are counted as left out."""
        self.skip(max(0, len(pieces) - limit))
        return pieces[:limit]


def decode(body: bytes, decoder: "msgspec.json.Decoder[T]", what: str) -> T:
    """The whole answer. Raises `SourceError` when it is not JSON of the expected form."""
    if body.count(b",") > _VALUES_LIMIT:
        raise SourceError(f"{what}: the answer holds more than {_VALUES_LIMIT} values")
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise SourceError(f"{what}: the answer has not the expected form: {error}") from None
    except RecursionError:
        raise SourceError(f"{what}: the answer is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{what}: the answer is not JSON: {error}") from None


def address(text: str | None) -> str | None:
    """An ETH address in lower case; `None` for anything else, and for the zero address."""
    if text is None or not is_eth_address(text) or text.lower() == _NOBODY:
        return None
    return text.lower()


def name(text: str | None, limit: int = NAME_LIMIT) -> str | None:
    """A printable text of 1 to `limit` characters without outer blanks; `None` for others."""
    text = (text or "").strip()
    return text if 0 < len(text) <= limit and text.isprintable() else None


def count(number: int | None) -> int | None:
    """A number of things or bytes; `None` for one that cannot be."""
    return number if number is not None and 0 <= number < _NUMBER_LIMIT else None


def price(per_unit: int, pixels: int) -> float | None:
    """Wei per unit of work; `None` where the numbers give no price."""
    if pixels <= 0 or pixels > _PRICE_LIMIT or per_unit < 0 or per_unit > _PRICE_LIMIT:
        return None
    return per_unit / pixels

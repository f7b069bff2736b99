"""What a discovery source gives."""

from typing import Protocol

import msgspec

from exporter.model import ChainState, Offer, Registration


class SourceError(Exception):
    """A source could not be read; the message says why, for the operator."""


class NotYetError(SourceError):
    """The first reading is still under way: nothing is wrong, and nothing is known."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What one good read of a source yielded."""

    offers: tuple[Offer, ...]
    skipped: int = 0
    """Entries, models or details that could not be used."""
    complaint: str | None = None
    """What was missing although the offers themselves are good."""
    remark: str | None = None
    """What whoever reads it should know, although nothing failed."""
    registered: tuple[Registration, ...] = ()
    """Who is registered, of a source that reads the chain."""
    chain: ChainState | None = None


class Source(Protocol):
    """Somebody who knows what is offered."""

    @property
    def name(self) -> str:
        """How it is called in the supply."""
        ...

    async def read(self) -> Listing:
        """What it lists now. Raises `SourceError` when it cannot be read."""
        ...

"""Why a job failed: the form in which every part of this package says it."""

import msgspec

from exporter.model import Blame, Outcome


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job failed, as far as one message tells."""

    outcome: Outcome | None
    """`None` where the words only say that it broke off, not why."""
    blame: Blame | None
    """`None` with `blame_known` is nobody's fault; without, other evidence has to decide."""
    blame_known: bool
    words: str
    """In plain words, for the evidence."""
    handed_over: bool | None = None
    """Whether the orchestrator had been given the job; `None` where that cannot be told."""
    repeat: bool = False
    """Whether the cause is ours, is over by now, and so is worth one repeat."""
    from_orchestrator: bool = False
    """Whether the cause is, or may be, named in the orchestrator's own words."""
    about_payment: bool = False
    """Whether the orchestrator says it of a payment; it cannot, where none is made."""
    unread: bool = False
    """Whether part of what it rests on are words that nobody knows."""

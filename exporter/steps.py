"""What a command does on somebody's server, told step by step; it can be repeated."""

from enum import StrEnum
from typing import NamedTuple


class Done(StrEnum):
    """What came of one step."""

    THERE = "there"
    MADE = "made"
    CHANGED = "changed"
    WOULD_MAKE = "would be made"
    WOULD_CHANGE = "would be changed"
    LEFT = "NOT DONE"


class Step(NamedTuple):
    """One thing that should be on the server, and what was done about it."""

    done: Done
    what: str
    note: str = ""

    def line(self, width: int) -> str:
        """How it is told; notes begin after `width` columns of what it is about."""
        note = f"  {self.note}" if self.note else ""
        return f"  {self.done.value:<17} {self.what:<{width}}{note}".rstrip()

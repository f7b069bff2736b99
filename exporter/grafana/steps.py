"""What is done in a Grafana, told one by one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from exporter.grafana.boards import Edition
from exporter.grafana.sources import Source


class Done(StrEnum):
    """What came of one step."""

    THERE = "there"
    MADE = "made"
    CHANGED = "changed"
    WOULD_MAKE = "would be made"
    WOULD_CHANGE = "would be changed"
    LEFT = "NOT DONE"


class Step(NamedTuple):
    """One thing that should be in the Grafana, and what was done about it."""

    done: Done
    what: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is asked for."""

    folder: str
    editions: tuple[Edition, ...]
    sources: tuple[Source, ...] = ()
    bucket: str | None = None
    """The bucket that the dashboards ask at first; `None`: as they come."""
    dry_run: bool = False

    @property
    def made(self) -> Done:
        """What it is called when something is made."""
        return Done.WOULD_MAKE if self.dry_run else Done.MADE

    @property
    def changed(self) -> Done:
        """What it is called when something is changed."""
        return Done.WOULD_CHANGE if self.dry_run else Done.CHANGED

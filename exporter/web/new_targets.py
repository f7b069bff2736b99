"""A bound on the names that posts bring up, since each becomes a series of the store."""

from collections import Counter
from collections.abc import Collection
from typing import Final

from exporter.model import NANOSECONDS

Name = tuple[str, str, str]
"""Orchestrator, pipeline, model, as they are spelled: each spelling is a series of its own."""

_DAY: Final = 86400 * NANOSECONDS


class NewTargets:
    """Counts, a day (UTC) and secret, the targets that were not known."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._day: int | None = None
        self._brought: Counter[str] = Counter()
        self._seen: set[Name] = set()

    def allow(self, secret: str, target: Name, *, known: Collection[Name], now: int) -> bool:
        """Whether a post about a target may be taken; `now` in Unix nanoseconds."""
        if now // _DAY != self._day:
            self._day = now // _DAY
            self._brought.clear()
            self._seen.clear()
        if target in self._seen or target in known:
            return True
        if self._brought[secret] >= self._most:
            return False
        self._brought[secret] += 1
        self._seen.add(target)
        return True

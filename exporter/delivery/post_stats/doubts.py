"""Which stats were perhaps sent, and what a look at the leaderboard says about them."""

from enum import Enum, auto
from typing import Final

import msgspec

from exporter.delivery.post_stats.posting import Posting
from exporter.delivery.post_stats.remote import Seen
from exporter.model import NANOSECONDS

MARGIN: Final = 3600.0
"""Seconds by which the leaderboard's clock may differ from ours."""
_TIMES_KEPT: Final = 2000


class Finding(Enum):
    """What a look says about a stat that was perhaps sent."""

    THERE = auto()
    ABSENT = auto()
    UNKNOWN = auto()
    """The answer may be older than the attempt."""


class Doubt(msgspec.Struct):
    """A stat that was perhaps sent."""

    since: float | None
    """When it was first sent, Unix seconds; `None` where nobody knows."""
    looked: bool = False
    """Whether somebody has looked since it was sent last."""


class Doubts:
    """The stats of one leaderboard that were perhaps sent, and when equal ones were sent last.

    An answer of the leaderboard counts as evidence of absence only if it is certainly younger than
    the last attempt at any equal stat, by `lag` seconds: so long may a server work on a request
    that was given up, and so long may answers be prepared ahead. Moments are monotonic seconds.
    """

    def __init__(self, *, lag: float, began: float) -> None:
        self._lag = lag
        self._began = began
        self._doubts: dict[int, Doubt] = {}
        self._attempted: dict[str, float] = {}

    def __contains__(self, posting: Posting) -> bool:
        return posting.seq in self._doubts

    def add(self, posting: Posting, since: float | None) -> None:
        """Note that a stat was perhaps sent, first at this moment (Unix seconds)."""
        self._doubts.setdefault(posting.seq, Doubt(since)).looked = False

    def attempted(self, posting: Posting, now: float) -> None:
        """Note that an attempt to send it ended, whatever came of it."""
        self._attempted.pop(posting.fingerprint, None)
        self._attempted[posting.fingerprint] = now
        if len(self._attempted) > _TIMES_KEPT:
            del self._attempted[next(iter(self._attempted))]

    def resolve(self, posting: Posting) -> None:
        """Note that there is no doubt any more."""
        self._doubts.pop(posting.seq, None)

    def is_due(self, posting: Posting, now: float) -> bool:
        """Whether a look can say something new: a first one, or one that can show absence."""
        return not self._doubts[posting.seq].looked or now > self._certain_after(posting)

    def window(self, posting: Posting, *, equals: int) -> float:
        """From which moment on the leaderboard is to be asked, Unix seconds.

        Equal stats that it has from before (`equals`) have to be in the answer, too.
        """
        since = self._doubts[posting.seq].since
        started = posting.job.started_at / NANOSECONDS
        return (started if since is None or equals else since) - MARGIN

    def finding(self, posting: Posting, seen: Seen, *, asked: float, equals: int) -> Finding:
        """What an answer means that was asked for at `asked`; it has `equals` from before."""
        self._doubts[posting.seq].looked = True
        if seen.equal > equals:
            return Finding.THERE
        fresh = asked - seen.age > self._certain_after(posting)
        return Finding.ABSENT if fresh else Finding.UNKNOWN

    def _certain_after(self, posting: Posting) -> float:
        # What this process did not send was sent by one that was dead before it began.
        return self._attempted.get(posting.fingerprint, self._began) + self._lag

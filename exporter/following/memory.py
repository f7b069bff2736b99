"""How far one orchestrator's results at one leaderboard were read, and what was read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Self

import msgspec

from exporter.moving.leaderboard_client import Span

SETTLING: Final = 900
"""Seconds after which a span of time is read a second and last time, see `Memory`."""
HALF_DAY: Final = 43200
"""Seconds that are gone forward at most, and after which nothing shows up late any more."""
REMEMBERED: Final = 4 * HALF_DAY
"""Seconds for which rows are remembered that came."""
_KEY: Final = 8


class Seen(NamedTuple):
    """What is remembered of all equal rows."""

    times: int
    """How many came."""
    unsettled: int
    """How many of them lie in the span that is read again."""
    at: int
    """The end of the span in which one came last, Unix seconds of the leaderboard."""


class Asked(NamedTuple):
    """The two spans of one look, one after the other."""

    settling: Span
    """Read for the last time."""
    unsettled: Span
    """Read again the next time."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the results that a leaderboard has of one orchestrator.

    Its windows are about when it stored a result, which results do not tell, and what it stores
    may show up late: a transaction that ends later, an answer out of a cache, a clock that is set
    back; and where it is one of our kind, its own jobs lie at their start and show up at their
    end.
    So every span of time is read at least twice, the last time `SETTLING` seconds or more after
    the first, and what came before is told from what is new by how many equal rows there are. What
    lies half a day back when it is first read is read once.

    Up to `settled` nothing is read again, up to `mark` once more, up to `horizon` all was read;
    whole Unix seconds of the leaderboard's clock, all exclusive.
    """

    settled: int
    mark: int
    horizon: int
    rows: dict[bytes, Seen] = {}
    """By the first bytes of the digest."""

    @classmethod
    def beginning(cls, at: int) -> Self:
        """Of an orchestrator whose results are read from a moment on."""
        return cls(settled=at, mark=at, horizon=at)

    def spans(self, now: int) -> Asked:
        """What is to be asked, where it is `now` there: half a day more than before at most."""
        until = max(self.horizon, min(now, self.horizon + HALF_DAY))
        if until <= now - HALF_DAY:
            settled = until
        elif until - self.mark >= SETTLING:
            settled = self.mark
        else:
            settled = self.settled
        return Asked(Span(self.settled, settled), Span(settled, until))

    def after(
        self,
        asked: Asked,
        settling: Sequence[bytes],
        unsettled: Sequence[bytes],
        *,
        most: int,
    ) -> "tuple[Self, dict[bytes, range]]":
        """What is known after reading both spans, and which rows are new.

        The rows are given by their digests. Of each that is new it is told the place among all
        equal ones: of how many others it comes after. At most `most` rows are remembered.
        """
        counts = Counter(map(key_of, [*settling, *unsettled]))
        still_open = Counter(map(key_of, unsettled))
        at = asked.unsettled.until
        rows, new = dict(self.rows), dict[bytes, range]()
        for key, count in counts.items():
            before = rows.get(key, Seen(0, 0, at))
            times = before.times + max(0, count - before.unsettled)
            if times > before.times:
                new[key] = range(before.times, times)
            rows[key] = Seen(times, still_open[key] + max(0, before.unsettled - count), at)
        mark = at if asked.unsettled.since >= self.mark else self.mark
        after = msgspec.structs.replace(
            self,
            settled=asked.unsettled.since,
            mark=mark,
            horizon=at,
            rows=_newest(rows, at - REMEMBERED, most),
        )
        return after, new


def key_of(digest: bytes) -> bytes:
    """What rows with this digest are remembered by."""
    return digest[:_KEY]


def _newest(rows: Mapping[bytes, Seen], since: int, most: int) -> dict[bytes, Seen]:
    kept = {key: seen for key, seen in rows.items() if seen.at > since}
    if len(kept) <= most:
        return kept
    # Those that are read again come first.
    newest = sorted(
        kept.items(), key=lambda item: (item[1].unsettled > 0, item[1].at), reverse=True
    )
    return dict(newest[:most])

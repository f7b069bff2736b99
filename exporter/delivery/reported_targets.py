"""The targets that others report about: in memory, apart from those that this tester tests."""

import logging
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from exporter.delivery.target_series import TargetSeries, restored
from exporter.model import NANOSECONDS, Measurement, Target
from exporter.stores import TargetState

log = logging.getLogger(__name__)

MAX_REPORTED: Final = 10_000

Key = tuple[Target, str, str]
"""Target, region and tester: testers are never mixed."""


class _Kept(NamedTuple):
    series: TargetSeries
    heard: int
    """Time of the last result, Unix nanoseconds; one from the future is taken for one of now."""


class ReportedTargets:
    """Counts what others report, each tester and region apart.

    A target is shown for `shown_for` seconds after its last result, by the time that the result has
    in the store. Then it is hidden, not forgotten, so that its streak can go on. At most `limit`
    are kept; hidden ones go first, then new ones are refused and counted in `refused`. `now` gives
    Unix nanoseconds.
    """

    def __init__(
        self, *, shown_for: float, now: Callable[[], int], limit: int = MAX_REPORTED
    ) -> None:
        self.refused = 0
        self._shown_for = int(shown_for * NANOSECONDS)
        self._now = now
        self._limit = limit
        self._kept: dict[Key, _Kept] = {}
        self._none_hidden_until = 0
        """While it is full: when the first of those that are shown will be hidden."""

    def restore(self, states: Iterable[TargetState]) -> None:
        """Begin with what the store knows; where there is too much, with the newest."""
        now = self._now()
        newest_first = sorted(states, key=lambda state: state.last_attempt, reverse=True)
        for state in newest_first[: self._limit]:
            heard = min(now, state.last_attempt)
            key = (state.target, state.region, state.tester)
            self._kept[key] = _Kept(restored(state, origin=None), heard)
        self._refuse(len(newest_first[self._limit :]))

    def count(self, job: Measurement) -> None:
        """Count one result."""
        now = self._now()
        key = (job.target, job.region, job.tester)
        kept = self._kept.get(key)
        if kept is None and not self._has_room(now):
            self._refuse(1)
            return
        series = kept.series if kept is not None else _nothing_yet(job)
        heard = max(kept.heard, job.started_at) if kept is not None else job.started_at
        self._kept[key] = _Kept(series.after(job), min(now, heard))

    def shown(self) -> list[TargetSeries]:
        """The records that are exposed, in order of target, region and tester."""
        now = self._now()
        new = sorted(item for item in self._kept.items() if self._is_new(item[1], now))
        return [kept.series for _, kept in new]

    def _is_new(self, kept: _Kept, now: int) -> bool:
        return abs(now - kept.heard) < self._shown_for  # abs: a clock that was ahead is set back

    def _has_room(self, now: int) -> bool:
        """Whether one more can be kept, after forgetting what is hidden if need be."""
        if len(self._kept) < self._limit:
            return True
        if now < self._none_hidden_until:
            return False
        self._kept = {key: kept for key, kept in self._kept.items() if self._is_new(kept, now)}
        if len(self._kept) < self._limit:
            return True
        self._none_hidden_until = self._shown_for + min(kept.heard for kept in self._kept.values())
        return False

    def _refuse(self, count: int) -> None:
        if count and not self.refused:
            log.warning("others report about too many targets", extra={"limit": self._limit})
        self.refused += count


def _nothing_yet(job: Measurement) -> TargetSeries:
    return TargetSeries(target=job.target, region=job.region, tester=job.tester, origin=job.origin)

"""Which maintenance windows of the settings are open at a moment."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec
from cronsim import CronSim

from exporter.model import NANOSECONDS
from exporter.moments import iso_moment
from exporter.settings import MaintenanceWindow

_MINUTE: Final = 60 * NANOSECONDS


class Open(msgspec.Struct, frozen=True):
    """A window that is open."""

    orchestrators: frozenset[str]
    """Whose it is; empty: the tester's own, which is everybody's."""
    until: int
    """When it ends, Unix nanoseconds; another one may be open then."""
    reason: str


class Maintenance(msgspec.Struct, frozen=True):
    """All windows that are open."""

    windows: tuple[Open, ...] = ()

    @property
    def orchestrators(self) -> frozenset[str]:
        """Who has a window of its own open, tested or not."""
        return frozenset[str]().union(*(window.orchestrators for window in self.windows))

    @property
    def of_tester(self) -> Open | None:
        """The window of the tester itself; of several the one that ends last."""
        return _last(window for window in self.windows if not window.orchestrators)

    def of(self, orchestrator: str) -> Open | None:
        """The window that is an orchestrator's, or everybody's; the one that ends last."""
        theirs = (w for w in self.windows if not w.orchestrators or orchestrator in w.orchestrators)
        return _last(theirs)


def maintenance(windows: Sequence[MaintenanceWindow], now: int) -> Maintenance:
    """The windows that are open at a moment, Unix nanoseconds. Pure.

    A window is open from its beginning on, and closed from its end on.
    """
    return Maintenance(
        tuple(
            Open(frozenset(window.orchestrators), until, window.reason)
            for window in windows
            if (until := _open_until(window, now)) is not None
        )
    )


def _open_until(window: MaintenanceWindow, now: int) -> int | None:
    """When a window that is open ends, Unix nanoseconds; `None` if it is not open."""
    if window.cron is not None and window.minutes is not None:
        began = _last_moment(window.cron, now // _MINUTE)
        until = None if began is None else (began + window.minutes) * _MINUTE
    else:
        since, until = iso_moment(window.since or ""), iso_moment(window.until or "")
        if since is None or now < since:
            return None
    return until if until is not None and now < until else None


@lru_cache(maxsize=1000)
def _last_moment(cron: str, minute: int) -> int | None:
    """The last moment of a cron expression up to a minute, both counted from 1970."""
    # The microsecond makes cronsim look at the given moment itself, too.
    upto = datetime.fromtimestamp(minute * 60, UTC) + timedelta(microseconds=1)
    try:
        found = next(CronSim(cron, upto, reverse=True))
    except StopIteration:
        return None
    return int(found.timestamp()) // 60


def _last(windows: Iterable[Open]) -> Open | None:
    return max(windows, key=lambda window: window.until, default=None)

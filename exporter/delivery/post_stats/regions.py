"""Which regions a leaderboard keeps AI results of."""

from collections.abc import Callable
from typing import Final

from exporter.delivery.post_stats.remote import Remote

KNOWN_FOR: Final = 3600.0
"""Seconds after which a leaderboard is asked again whether a region is still there."""


class Regions:
    """What was asked lately is remembered; `clock` gives monotonic seconds."""

    def __init__(self, remote: Remote, clock: Callable[[], float]) -> None:
        self._remote = remote
        self._clock = clock
        self._seen: dict[str, float] = {}

    async def check(self, region: str) -> None:
        """Raises `NoRegionError` if it is not kept, and another `DeliveryError` if nobody says."""
        seen = self._seen.get(region)
        if seen is None or self._clock() - seen > KNOWN_FOR:
            await self._remote.check_region(region)
            self._seen[region] = self._clock()

    def forget(self) -> None:
        """Ask again the next time."""
        self._seen.clear()

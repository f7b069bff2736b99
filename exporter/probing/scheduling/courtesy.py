"""How much testing an orchestrator is asked to bear."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from exporter.model import NANOSECONDS, Offer, Target
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.skips import COLD, JOBS_OF_DAY
from exporter.probing.scheduling.utc_day import is_new_day, utc_day
from exporter.settings import Schedule

COLD_REMEMBERED: Final = 50_000
_AGED: Final = 1.0
"""Seconds by which a test of a cold model is taken for older, so that a daily one stays daily."""


class JobsOfDay(msgspec.Struct):
    """How many jobs each orchestrator got on one day."""

    day: int
    """Days since 1970, UTC."""
    jobs: dict[str, int] = {}


class Courtesy:
    """Keeps models that are not warm and busy days within what is polite."""

    def __init__(self, settings: Schedule, clock: Clock) -> None:
        self._cold_interval = settings.cold_interval
        self._jobs_per_day = settings.jobs_per_day
        self._clock = clock
        self._day = JobsOfDay(utc_day(clock.wall()))
        self._cold: dict[Target, int] = {}
        self.cold_tests = 0
        """Tests of models that were not warm, since the start."""

    @property
    def today(self) -> JobsOfDay:
        """The jobs of today."""
        day = utc_day(self._clock.wall())
        if is_new_day(self._day.day, day):
            self._day = JobsOfDay(day)
        return self._day

    @property
    def cold(self) -> Mapping[Target, int]:
        """When a model that was not warm was last tested, Unix nanoseconds."""
        return self._cold

    def reason_to_skip(self, offer: Offer, *, again: bool = False) -> str | None:
        """Why this offer is not tested now; `again` for the repeat of a job."""
        most = self._jobs_per_day
        if most is not None and self.today.jobs.get(offer.target.orchestrator, 0) >= most:
            return JOBS_OF_DAY
        last = None if again or offer.warm is not False else self._cold.get(offer.target)
        if last is not None:
            since = self._clock.wall() - last / NANOSECONDS + _AGED
            if 0 <= since < self._cold_interval:
                return COLD
        return None

    def started(self, offer: Offer) -> None:
        """A job on this offer starts."""
        jobs = self.today.jobs
        jobs[offer.target.orchestrator] = jobs.get(offer.target.orchestrator, 0) + 1

    def tested(self, offer: Offer) -> None:
        """A job on this offer is done and stored."""
        if offer.warm is False:
            self._cold[offer.target] = self._clock.wall_ns()
            self.cold_tests += 1

    def forget(self) -> None:
        """Drop what is oldest; by age, so that who is missing from one list is not forgotten."""
        latest = sorted(self._cold.items(), key=lambda item: item[1])[-COLD_REMEMBERED:]
        self._cold = dict(latest)

    def restore_day(self, day: JobsOfDay) -> None:
        """Go on with the jobs counted before a restart, if that was today."""
        if not is_new_day(day.day, utc_day(self._clock.wall())):
            self._day = day

    def restore_cold(self, tested: Iterable[tuple[Target, int]]) -> None:
        """Go on with what was known before a restart."""
        self._cold = dict(tested)

"""The consumer behind the Prometheus metrics: the state of every target, in memory."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from exporter.delivery.feed import Batch
from exporter.delivery.model_histograms import Model, ModelHistograms, ModelUnit
from exporter.delivery.reported_targets import ReportedTargets
from exporter.delivery.target_series import TargetSeries, is_own, is_reported, restored
from exporter.histogram import Histogram
from exporter.model import Measurement, Origin, Supply, Target
from exporter.stores import TargetState

log = logging.getLogger(__name__)

CONSUMER: Final = "prometheus"
MAX_TARGETS: Final = 20_000


class TargetMetrics:
    """Counts this tester's jobs in its region, target by target, and what others report.

    Nothing is counted twice. Consecutive failures and last success are restored from the store's
    rows (`states`) up to its cursor, at which the feed starts (`after`): what the store has lies
    in the states, what it has not yet comes through the feed, and nothing is in both. With
    `restore` they are read when the feed asks for its position; until that succeeds they are
    unknown. Counters restart at zero, which Prometheus expects.

    A target that is not (or no longer) tested according to the newest supply is hidden, not
    forgotten: should it come back, its streak goes on. As long as no supply is known, everything
    is shown. At most `MAX_TARGETS` are kept; hidden ones go first, then new ones are refused and
    counted in `refused`.

    What others report is kept apart, in `reported`, where no supply hides it; of the states those
    of the `reporters` are restored. A report under this tester's own name is left out.
    """

    name = CONSUMER

    def __init__(
        self,
        *,
        tester: str,
        region: str,
        buckets: Sequence[float],
        reported_for: float,
        now: Callable[[], int],
        reporters: Sequence[str] = (),
        after: int = 0,
        states: Iterable[TargetState] = (),
        restore: Callable[[], Awaitable[tuple[int, Iterable[TargetState]]]] | None = None,
        limit: int = MAX_TARGETS,
    ) -> None:
        self.region = region
        self.refused = 0
        self.reported = ReportedTargets(shown_for=reported_for, now=now)
        self._tester = tester
        self._reporters = frozenset(reporters) - {tester}
        self._after = after
        self._limit = limit
        self._histograms = ModelHistograms(buckets)
        self._tested: frozenset[Target] | None = None
        self._restore = restore
        self._series: dict[Target, TargetSeries] = {}
        self._put(states)

    @property
    def buckets(self) -> tuple[float, ...]:
        """Upper bounds of the histograms' buckets, seconds."""
        return self._histograms.bounds

    async def position(self) -> int:
        """Where the store stood when the states were read. Raises what `restore` raises."""
        if self._restore is not None:
            self._after, states = await self._restore()
            self._restore = None
            self._put(states)
        return self._after

    async def take(self, batch: Batch) -> None:
        """Count a batch.

        A job that makes no sense is logged and left out: a batch that were offered again for its
        sake would count twice.
        """
        for _, job in batch:
            try:
                self._count(job)
            except Exception:
                log.exception("a job could not be counted", extra={"id": job.id})

    def follow(self, supply: Supply) -> None:
        """Show the targets of this supply, and no others."""
        self._tested = frozenset(offer.target for offer in supply.tested)
        for target in self._tested:
            self._make_room_for(target)
        self._histograms.keep({(target.pipeline, target.model) for target in self._tested})

    def shown(self) -> list[TargetSeries]:
        """The records that are exposed, own ones first, each kind in order of its targets."""
        tested = self._tested
        own = [
            series
            for target, series in sorted(self._series.items())
            if tested is None or target in tested
        ]
        return own + self.reported.shown()

    def get(self, target: Target) -> TargetSeries | None:
        """Our own record of one target, hidden or not."""
        return self._series.get(target)

    def histograms(self) -> dict[Model, dict[str, Histogram]]:
        """The histograms now, by pipeline and model."""
        return self._histograms.snapshot()

    def per_unit(self) -> dict[ModelUnit, Histogram]:
        """The histograms of what a unit of work takes, by pipeline, model and unit."""
        return self._histograms.per_unit()

    def _put(self, states: Iterable[TargetState]) -> None:
        reported: list[TargetState] = []
        for state in states:
            if state.tester == self._tester and state.region == self.region:
                self._series[state.target] = restored(state, Origin.OWN)
            elif state.tester in self._reporters:
                reported.append(state)
        self.reported.restore(reported)

    def _count(self, job: Measurement) -> None:
        if is_own(job, self._tester, self.region):
            self._count_own(job)
        elif is_reported(job) and job.tester != self._tester:
            self.reported.count(job)

    def _count_own(self, job: Measurement) -> None:
        if self._make_room_for(job.target):
            self._series[job.target] = self._series[job.target].after(job)
            self._histograms.observe(job)

    def _make_room_for(self, target: Target) -> bool:
        """Whether the target has a record, after making one if there is room."""
        if target in self._series:
            return True
        if len(self._series) >= self._limit and not self._forget_a_hidden_one():
            if not self.refused:
                log.warning("too many targets for the metrics", extra={"limit": self._limit})
            self.refused += 1
            return False
        self._series[target] = TargetSeries(
            target=target, region=self.region, tester=self._tester, origin=Origin.OWN
        )
        return True

    def _forget_a_hidden_one(self) -> bool:
        if self._tested is None:
            return False
        hidden = next((target for target in self._series if target not in self._tested), None)
        if hidden is None:
            return False
        del self._series[hidden]
        return True

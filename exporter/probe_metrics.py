"""The metrics of the probe process: what each means, and how its numbers become samples."""

import statistics
from collections.abc import Iterable
from typing import Any

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from exporter.histogram import Histogram
from exporter.leaderboard.display import shown
from exporter.model import NANOSECONDS
from exporter.probing.lag import LoopLag
from exporter.probing.scheduling.progress import LAG_BOUNDS, QUEUE_BOUNDS, Progress
from exporter.probing.scheduling.rounds import RESULTS

METRICS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("livepeer_ai_tester_jobs_running", "gauge", (), "Jobs under way."),
    (
        "livepeer_ai_tester_jobs_total",
        "counter",
        ("outcome",),
        "Jobs that were done and stored, by outcome.",
    ),
    (
        "livepeer_ai_tester_jobs_skipped_total",
        "counter",
        ("reason",),
        "Jobs that were meant and left out, by reason; nobody is to blame.",
    ),
    (
        "livepeer_ai_tester_jobs_repeated_total",
        "counter",
        (),
        "Jobs that repeated another one: busy, or a failure whose cause was the tester's own.",
    ),
    (
        "livepeer_ai_tester_cycle_lateness_seconds",
        "gauge",
        ("orchestrator_address",),
        (
            "By how much the first job of the orchestrator's last cycle began later than it was "
            "due. Gone when the orchestrator is."
        ),
    ),
    (
        "livepeer_ai_tester_cycles_missed_total",
        "counter",
        ("orchestrator_address",),
        (
            "Cycles left out because the orchestrator's cycle before was not done. Gone when the "
            "orchestrator is."
        ),
    ),
    (
        "livepeer_ai_tester_round_jobs",
        "gauge",
        ("state",),
        "Jobs of the current round: expected, done, left.",
    ),
    (
        "livepeer_ai_tester_last_round_jobs",
        "gauge",
        ("state",),
        (
            "Jobs of the round that ended last: expected, done, and of these passed, failed (by "
            "the orchestrator's doing), tester_errors, elsewhere (network or gateway), unknown, "
            "unblamed (nobody's doing, such as busy); repeated ones count once, by their repeat."
        ),
    ),
    (
        "livepeer_ai_tester_last_round_skipped",
        "gauge",
        ("reason",),
        "Jobs that the round that ended last left out, by reason.",
    ),
    (
        "livepeer_ai_tester_last_round_repeated",
        "gauge",
        (),
        "Jobs of the round that ended last that repeated another one.",
    ),
    (
        "livepeer_ai_tester_last_round_seconds",
        "gauge",
        (),
        "How long the round that ended last took.",
    ),
    (
        "livepeer_ai_tester_last_round_end_timestamp_seconds",
        "gauge",
        (),
        "When the round that ended last did so, Unix time.",
    ),
    (
        "livepeer_ai_tester_targets_held_back",
        "gauge",
        ("reason",),
        "Targets that a bound of the settings (jobs a day, price, budget) keeps from being tested.",
    ),
    (
        "livepeer_ai_tester_spent_today_wei",
        "gauge",
        (),
        "What the jobs of this day (UTC) were expected to cost, by discovered prices.",
    ),
    (
        "livepeer_ai_tester_spent_wei_total",
        "counter",
        (),
        "What all jobs since the start were expected to cost, by discovered prices.",
    ),
    (
        "livepeer_ai_tester_spending_limit_wei",
        "gauge",
        (),
        "What a day may cost (`spending.max_per_day`); absent without a limit.",
    ),
    (
        "livepeer_ai_tester_jobs_price_unknown_total",
        "counter",
        (),
        "Jobs on lanes that may pay whose price was not known.",
    ),
    (
        "livepeer_ai_tester_network_up",
        "gauge",
        (),
        (
            "1 if the last check of the tester's own network could reach somebody, 0 if nobody; "
            "absent where nobody could be asked in the last 5 minutes. Hosts of "
            "`connectivity.check` are asked every minute. Without any, orchestrators that did a "
            "good job lately are, when a job failed, and every minute while it is 0."
        ),
    ),
    (
        "livepeer_ai_tester_job_queue_seconds",
        "histogram",
        (),
        "From when a job was due to its start, of each that was done and stored.",
    ),
    (
        "livepeer_ai_tester_job_loop_lag_seconds",
        "histogram",
        (),
        (
            "How late the probe's event loop ran at worst during a job, of each that was done and "
            "stored: how far its times can be trusted. Less than 0.0015 s is not noticed."
        ),
    ),
    (
        "livepeer_ai_tester_probe_loop_lag_seconds",
        "gauge",
        ("statistic",),
        "How late the probe's event loop ran: p99 of the last minute, and the worst ever.",
    ),
    (
        "livepeer_ai_tester_probe_outbox_bytes",
        "gauge",
        (),
        "Size of the outbox on disk as the probe sees it.",
    ),
)
"""Name, type, labels and meaning of each metric of the probe process."""

_MEANING = {name: meaning for name, _, _, meaning in METRICS}
_LABELS = {name: labels for name, _, labels, _ in METRICS}


class ProbeNumbers(Collector):
    """The numbers of one moment, as metrics."""

    def __init__(
        self, progress: Progress, lag: LoopLag, outbox_bytes: int, *, network_up: bool | None
    ) -> None:
        reports = progress.rounds.reports
        self._report = progress.report()
        self._lateness = dict(progress.lateness)
        self._missed = {who: float(count) for who, count in progress.missed.items()}
        self._last = reports[-1] if reports else None
        self._lags = lag.recent()
        self._worst = lag.worst
        self._outbox_bytes = outbox_bytes
        self._network_up = network_up
        self._queued, self._lagged = progress.queued, progress.lagged

    def collect(self) -> Iterable[Metric]:
        """Every metric of `METRICS`, as of now."""
        report = self._report
        yield _gauge("livepeer_ai_tester_jobs_running", {(): len(report["running"])})
        yield _counter("livepeer_ai_tester_jobs_total", _keyed(report["outcomes"]))
        yield _counter("livepeer_ai_tester_jobs_skipped_total", _keyed(report["skipped"]))
        yield _counter("livepeer_ai_tester_jobs_repeated_total", {(): report["jobs_repeated"]})
        yield _gauge("livepeer_ai_tester_cycle_lateness_seconds", _shown(self._lateness))
        yield _counter("livepeer_ai_tester_cycles_missed_total", _shown(self._missed))
        current = report["round"] or {}
        yield _gauge(
            "livepeer_ai_tester_round_jobs",
            {(state,): current.get(state, 0) for state in ("expected", "done", "left")},
        )
        if self._last is not None:
            yield from _last_round(self._last)
        if report["bounds"] is not None:
            yield from _bounds(report["bounds"])
        yield _gauge("livepeer_ai_tester_network_up", _known(self._network_up))
        yield _histogram("livepeer_ai_tester_job_queue_seconds", self._queued, QUEUE_BOUNDS)
        yield _histogram("livepeer_ai_tester_job_loop_lag_seconds", self._lagged, LAG_BOUNDS)
        p99 = statistics.quantiles(self._lags, n=100)[98] if len(self._lags) > 1 else 0.0
        yield _gauge(
            "livepeer_ai_tester_probe_loop_lag_seconds",
            {("p99",): p99 / NANOSECONDS, ("worst",): self._worst / NANOSECONDS},
        )
        yield _gauge("livepeer_ai_tester_probe_outbox_bytes", {(): self._outbox_bytes})


def _last_round(report: dict[str, Any]) -> Iterable[Metric]:
    """The metrics of the round that ended last, perhaps before a restart."""
    jobs = {state: report.get(state, 0) for state in ("expected", "done", *RESULTS)}
    yield _gauge("livepeer_ai_tester_last_round_jobs", _keyed(jobs))
    yield _gauge("livepeer_ai_tester_last_round_skipped", _keyed(report.get("skipped", {})))
    yield _gauge("livepeer_ai_tester_last_round_repeated", {(): report.get("repeated", 0)})
    yield _gauge("livepeer_ai_tester_last_round_seconds", _known(report.get("seconds")))
    yield _gauge(
        "livepeer_ai_tester_last_round_end_timestamp_seconds", _known(report.get("ended_at"))
    )


def _bounds(report: dict[str, Any]) -> Iterable[Metric]:
    yield _gauge("livepeer_ai_tester_targets_held_back", _keyed(report["held_back"]))
    yield _gauge("livepeer_ai_tester_spent_today_wei", {(): report["wei_today"]})
    yield _counter("livepeer_ai_tester_spent_wei_total", {(): report["wei_total"]})
    yield _gauge("livepeer_ai_tester_spending_limit_wei", _known(report["wei_per_day"]))
    yield _counter("livepeer_ai_tester_jobs_price_unknown_total", {(): report["price_unknown"]})


def _known(value: float | None) -> dict[tuple[str, ...], float]:
    return {} if value is None else {(): value}


def _shown(counts: dict[str, float]) -> dict[tuple[str, ...], float]:
    return {(shown(orchestrator),): float(count) for orchestrator, count in counts.items()}


def _keyed(counts: dict[str, int]) -> dict[tuple[str, ...], float]:
    return {(key,): float(count) for key, count in counts.items()}


def _gauge(name: str, samples: dict[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(name, _MEANING[name], labels=_LABELS[name])
    for labels, value in samples.items():
        family.add_metric(labels, value)
    return family


def _counter(name: str, samples: dict[tuple[str, ...], float]) -> Metric:
    family = CounterMetricFamily(name, _MEANING[name], labels=_LABELS[name])
    for labels, value in samples.items():
        family.add_metric(labels, value)
    return family


def _histogram(name: str, found: Histogram, bounds: tuple[float, ...]) -> Metric:
    family = HistogramMetricFamily(name, _MEANING[name])
    family.add_metric((), found.cumulative(bounds), found.sum)
    return family

"""What a probe's `/metrics` might show: gauges that vary, counters that rise."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import Metric as Family

from exporter.histogram import Histogram
from exporter.leaderboard.display import shown
from exporter.model import Measurement
from exporter.probe_server import METRICS
from exporter.probing.scheduling.progress import LAG_BOUNDS, QUEUE_BOUNDS
from tests.dashboards.truth import Tester, wave
from tests.dashboards.who import ORCHESTRATORS, START
from tests.measurements import SECOND

_BINARY: Final = ("_up", "_concern", "_maintenance")
_VALUES: Final = {
    "orchestrator_address": tuple(shown(one) for one in ORCHESTRATORS),
    "outcome": ("ok", "inference_timeout"),
    "state": ("expected", "done", "left", "passed", "failed", "leased", "idle"),
    "statistic": ("p99", "worst"),
    "basis": ("spent", "schedule"),
    "reason": ("low_reserve", "budget", "network"),
    "method": ("eth_call", "eth_blockNumber"),
    "result": ("cached", "sent"),
    "lane": ("lane-1", "lane-2"),
    "node": ("first", "second"),
}


def _histogram(
    of: Callable[[Measurement], int | None], bounds: tuple[float, ...]
) -> Callable[[Sequence[Measurement], int], tuple[list[tuple[str, float]], float]]:
    def made(jobs: Sequence[Measurement], moment: int) -> tuple[list[tuple[str, float]], float]:
        told = Histogram.empty(bounds)
        for job in jobs:
            if job.started_at < moment * SECOND:
                told = told.after((of(job) or 0) / SECOND, bounds)
        return told.cumulative(bounds), told.sum

    return made


_HISTOGRAMS: Final = {
    "livepeer_ai_tester_job_queue_seconds": _histogram(lambda job: job.queue_time, QUEUE_BOUNDS),
    "livepeer_ai_tester_job_loop_lag_seconds": _histogram(lambda job: job.loop_lag, LAG_BOUNDS),
}


def probe(tester: Tester, moment: int, jobs: Sequence[Measurement] = ()) -> Iterator[Family]:
    """The families at a moment; counters begin at 0, histograms tell of the jobs until then."""
    since = moment - START
    for seed, (name, kind, labels, meaning) in enumerate(METRICS):
        made: Family
        if kind == "histogram":
            made = HistogramMetricFamily(name, meaning, labels=labels)
            found = _HISTOGRAMS[name](jobs, moment)
            made.add_metric((), *found)
            yield made
            continue
        counter = kind == "counter"
        make = CounterMetricFamily if counter else GaugeMetricFamily
        made = make(name.removesuffix("_total") if counter else name, meaning, labels=labels)
        for place, texts in enumerate(product(*(_VALUES[label] for label in labels))):
            number = seed + place + len(tester.instance)
            value = float(since // 60 * (1 + number % 3)) if counter else wave(number, moment)
            if name.endswith(_BINARY):
                value = float(number % 2)
            if "timestamp" in name:
                value = float(moment - 60 * (1 + number % 5))
            made.add_metric(texts, value)
        yield made

"""What a probe's `/metrics` might show: gauges that vary, counters that rise."""

from collections.abc import Iterator
from functools import cache
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
from tests.dashboards.truth import LEAD, ORCHESTRATORS, START, Tester, own_jobs, wave
from tests.measurements import SECOND

_BINARY: Final = ("_up", "_concern", "_maintenance")
HISTOGRAMS: Final = {
    "livepeer_ai_tester_job_queue_seconds": ("queue_time", QUEUE_BOUNDS),
    "livepeer_ai_tester_job_loop_lag_seconds": ("loop_lag", LAG_BOUNDS),
}
"""What they are of, and their buckets."""
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


def probe(tester: Tester, moment: int) -> Iterator[Family]:
    """The families at a moment; counters of each begin at 0 with the first."""
    since = moment - START + LEAD
    for seed, (name, kind, labels, meaning) in enumerate(METRICS):
        made: Family
        if kind == "histogram":
            yield _histogram(name, meaning, tester, moment)
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


def _histogram(name: str, meaning: str, tester: Tester, moment: int) -> Family:
    """Of the jobs that it had done."""
    fact, bounds = HISTOGRAMS[name]
    found = Histogram.empty(bounds)
    for job in _jobs(tester):
        if job.started_at < moment * SECOND:
            found = found.after(getattr(job, fact) / SECOND, bounds)
    made = HistogramMetricFamily(name, meaning)
    made.add_metric((), found.cumulative(bounds), found.sum)
    return made


@cache
def _jobs(tester: Tester) -> list[Measurement]:
    return own_jobs(tester)

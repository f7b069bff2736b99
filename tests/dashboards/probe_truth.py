"""What a probe's `/metrics` might show: gauges that vary, counters that rise."""

from collections.abc import Iterator
from itertools import product
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import Metric as Family

from exporter.leaderboard.display import shown
from exporter.probe_server import METRICS
from tests.dashboards.truth import ORCHESTRATORS, START, Tester, wave

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


def probe(tester: Tester, moment: int) -> Iterator[Family]:
    """The families at a moment; counters of each begin at 0 with the first."""
    since = moment - START
    for seed, (name, kind, labels, meaning) in enumerate(METRICS):
        made: Family
        if kind == "histogram":
            made = HistogramMetricFamily(name, meaning, labels=labels)
            count = since // 60
            made.add_metric((), [("0.1", count), ("+Inf", 2 * count)], 0.2 * count)
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

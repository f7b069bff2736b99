"""The metrics of the gateways that the probe process runs itself."""

from collections.abc import Iterable
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter.probe_lanes import Gateways

_LANE: Final = "livepeer_ai_tester_lane"

METRICS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (f"{_LANE}s", "gauge", ("state",), "Managed gateways that run: leased, idle."),
    (
        f"{_LANE}_resident_bytes",
        "gauge",
        ("lane",),
        "Memory of a managed gateway when it was last looked at.",
    ),
    (f"{_LANE}_starts_total", "counter", (), "Managed gateways that were started."),
    (
        f"{_LANE}_start_failures_total",
        "counter",
        ("reason",),
        "Starts of managed gateways that failed, by reason.",
    ),
    (
        f"{_LANE}_switches_total",
        "counter",
        (),
        "Managed gateways that gave way to one for another orchestrator.",
    ),
    (f"{_LANE}_crashes_total", "counter", (), "Managed gateways that ended unexpectedly."),
    (f"{_LANE}_hangs_total", "counter", (), "Managed gateways that did not answer any more."),
    (
        f"{_LANE}_memory_restarts_total",
        "counter",
        (),
        "Managed gateways that were started anew since they took more than `livepeer.memory`.",
    ),
    (
        f"{_LANE}_floods_total",
        "counter",
        (),
        "Managed gateways that were started anew since they wrote far more than is read.",
    ),
    (
        f"{_LANE}_leftovers_total",
        "counter",
        (),
        "Gateways of an earlier run that were found and ended at the start.",
    ),
    (
        "livepeer_ai_tester_scout_up",
        "gauge",
        (),
        "1 while the scout gateway runs, else 0; absent without one.",
    ),
)
"""Name, type, labels and meaning of each."""

_MEANING = {name: meaning for name, _, _, meaning in METRICS}
_LABELS = {name: labels for name, _, labels, _ in METRICS}

_COUNTED = ("starts", "switches", "crashes", "hangs", "memory_restarts", "floods", "leftovers")

Samples = dict[tuple[str, ...], float]


class LaneNumbers(Collector):
    """Taken on the event loop, rendered anywhere."""

    def __init__(self, gateways: Gateways) -> None:
        self._gauges: dict[str, Samples] = {}
        self._counters: dict[str, Samples] = {}
        if gateways.scout is not None:
            up = float(gateways.scout_url() is not None)
            self._gauges["livepeer_ai_tester_scout_up"] = {(): up}
        if gateways.pool is None:
            return
        lanes, numbers = gateways.pool.lanes, gateways.pool.numbers
        leased = sum(lane.leased for lane in lanes)
        self._gauges[f"{_LANE}s"] = {("leased",): leased, ("idle",): len(lanes) - leased}
        self._gauges[f"{_LANE}_resident_bytes"] = {
            (lane.name,): lane.resident for lane in lanes if lane.resident is not None
        }
        for name in _COUNTED:
            self._counters[f"{_LANE}_{name}_total"] = {(): getattr(numbers, name)}
        self._counters[f"{_LANE}_start_failures_total"] = {
            (reason,): count for reason, count in numbers.start_failures.items()
        }

    def collect(self) -> Iterable[Metric]:
        """Every metric of `METRICS` that there is something to say of."""
        for name, samples in self._gauges.items():
            yield _filled(GaugeMetricFamily(name, _MEANING[name], labels=_LABELS[name]), samples)
        for name, samples in self._counters.items():
            yield _filled(CounterMetricFamily(name, _MEANING[name], labels=_LABELS[name]), samples)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, samples: Samples) -> Metric:
    for labels, value in samples.items():
        family.add_metric(labels, value)
    return family

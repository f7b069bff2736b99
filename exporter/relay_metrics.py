"""The metrics of the relay through which our gateways ask Ethereum."""

from collections.abc import Iterable
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter.ethereum.relay.tally import How, NodeState, Report
from exporter.relay import RelayProcess

_RELAY: Final = "livepeer_ai_tester_relay"

METRICS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (
        f"{_RELAY}_up",
        "gauge",
        (),
        (
            "1 while the relay runs through which gateways of our own ask Ethereum, else 0; "
            "absent, as all of these are, where there is none."
        ),
    ),
    (f"{_RELAY}_restarts_total", "counter", (), "Times that the relay ended unexpectedly."),
    (
        f"{_RELAY}_calls_total",
        "counter",
        ("method", "result"),
        (
            "Calls that gateways made, by JSON-RPC method (`other`: those that are not answered) "
            "and by what came of them: cached, coalesced (with an equal call under way), sent (to "
            "a node), refused (by the relay), failed."
        ),
    ),
    (
        f"{_RELAY}_call_seconds_total",
        "counter",
        ("method",),
        "Seconds that gateways waited for answers, added up.",
    ),
    (
        f"{_RELAY}_node_calls_total",
        "counter",
        ("node", "method"),
        "Calls that the relay made to a node of `ethereum.rpc`, its own included.",
    ),
    (
        f"{_RELAY}_node_requests_total",
        "counter",
        ("node", "result"),
        "HTTP requests of the relay to a node, by what came of them: ok, or why it failed.",
    ),
    (
        f"{_RELAY}_node_up",
        "gauge",
        ("node",),
        "1 if the node answered the relay's last request, else 0; absent if it was not asked.",
    ),
    (f"{_RELAY}_cache_bytes", "gauge", (), "Bytes of answers that are kept."),
    (f"{_RELAY}_calls_waiting", "gauge", (), "Calls that wait for their turn at the nodes."),
    (f"{_RELAY}_block", "gauge", (), "Number of the newest block that is known."),
)
"""Name, type, labels and meaning of each."""

_MEANING = {name: meaning for name, _, _, meaning in METRICS}
_LABELS = {name: labels for name, _, labels, _ in METRICS}

_HOWS: Final = tuple(str(how) for how in How)

Samples = dict[tuple[str, ...], float]


class RelayNumbers(Collector):
    """Taken on the event loop, rendered anywhere."""

    def __init__(self, relay: RelayProcess | None) -> None:
        self._gauges: dict[str, Samples] = {}
        self._counters: dict[str, Samples] = {}
        if relay is None:
            return
        report = relay.report
        self._gauges["up"] = {(): float(relay.pid is not None)}
        self._counters["restarts_total"] = {(): relay.restarts}
        self._take_calls(report)
        self._take_nodes(report.nodes)
        self._gauges["cache_bytes"] = {(): report.cache_bytes}
        self._gauges["calls_waiting"] = {(): report.waiting}
        if report.head is not None:
            self._gauges["block"] = {(): report.head}

    def _take_calls(self, report: Report) -> None:
        self._counters["calls_total"] = {
            (method, how): getattr(calls, how)
            for method, calls in report.calls.items()
            for how in _HOWS
        }
        self._counters["call_seconds_total"] = {
            (method,): calls.seconds for method, calls in report.calls.items()
        }

    def _take_nodes(self, nodes: Iterable[NodeState]) -> None:
        nodes = tuple(nodes)
        self._counters["node_calls_total"] = {
            (node.name, method): count for node in nodes for method, count in node.calls.items()
        }
        self._counters["node_requests_total"] = {
            (node.name, what): count for node in nodes for what, count in node.requests.items()
        }
        self._gauges["node_up"] = {
            (node.name,): float(node.up) for node in nodes if node.up is not None
        }

    def collect(self) -> Iterable[Metric]:
        """Every metric of `METRICS` that there is something to say of."""
        for short, samples in self._gauges.items():
            name = f"{_RELAY}_{short}"
            yield _filled(GaugeMetricFamily(name, _MEANING[name], labels=_LABELS[name]), samples)
        for short, samples in self._counters.items():
            name = f"{_RELAY}_{short}"
            yield _filled(CounterMetricFamily(name, _MEANING[name], labels=_LABELS[name]), samples)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, samples: Samples) -> Metric:
    for labels, value in samples.items():
        family.add_metric(labels, value)
    return family

"""The probe process's own small server: is it alive, what is it doing, how well is it doing it."""

import asyncio
import statistics
from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter.model import NANOSECONDS, Supply
from exporter.outbox import Outbox
from exporter.probing.lag import LoopLag
from exporter.probing.progress import Progress

QUANTILE = 0.99

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
        "livepeer_ai_tester_cycles_missed_total",
        "counter",
        (),
        "Cycles left out because the orchestrator's cycle before took longer than the interval.",
    ),
    (
        "livepeer_ai_tester_round_jobs",
        "gauge",
        ("state",),
        "Jobs of the current round: expected, done, left.",
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


def probe_app(
    progress: Progress, outbox: Outbox, lag: LoopLag, supply: Callable[[], Supply | None]
) -> web.Application:
    """The application: `/healthz`, `/readyz`, `/status`, `/metrics`."""
    size = 0

    def registry() -> CollectorRegistry:
        collected = CollectorRegistry(auto_describe=False)
        collected.register(_Numbers(progress, lag, size))
        return collected

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        known = supply()
        reasons = []
        if known is None:
            reasons.append("discovery has not finished its first refresh")
        elif not known.tested:
            reasons.append("no source offers anything that is tested")
        return web.json_response(
            {"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200
        )

    async def status(_: web.Request) -> web.Response:
        return web.json_response(progress.report())

    async def metrics(_: web.Request) -> web.Response:
        nonlocal size
        size = await outbox.size()
        body = await asyncio.to_thread(generate_latest, registry())
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application(client_max_size=4096)
    app.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/status", status),
            web.get("/metrics", metrics),
        ]
    )
    return app


class _Numbers(Collector):
    def __init__(self, progress: Progress, lag: LoopLag, outbox_bytes: int) -> None:
        self._report = progress.report()
        self._lags = lag.recent()
        self._worst = lag.worst
        self._outbox_bytes = outbox_bytes

    def collect(self) -> Iterable[Metric]:
        """Every metric of `METRICS`, as of now."""
        report = self._report
        current = report["round"] or {"expected": 0, "done": 0, "left": 0}
        p99 = statistics.quantiles(self._lags, n=100)[98] if len(self._lags) > 1 else 0.0
        yield _gauge("livepeer_ai_tester_jobs_running", {(): len(report["running"])})
        yield _counter("livepeer_ai_tester_jobs_total", _keyed(report["outcomes"]))
        yield _counter("livepeer_ai_tester_jobs_skipped_total", _keyed(report["skipped"]))
        yield _counter(
            "livepeer_ai_tester_cycles_missed_total", {(): sum(report["late_cycles"].values())}
        )
        yield _gauge(
            "livepeer_ai_tester_round_jobs",
            {(state,): current[state] for state in ("expected", "done", "left")},
        )
        yield _gauge(
            "livepeer_ai_tester_probe_loop_lag_seconds",
            {("p99",): p99 / NANOSECONDS, ("worst",): self._worst / NANOSECONDS},
        )
        yield _gauge("livepeer_ai_tester_probe_outbox_bytes", {(): self._outbox_bytes})


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

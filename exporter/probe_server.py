"""The probe process's own small server: is it alive, what is it doing, how well is it doing it."""

import asyncio
from collections.abc import Callable

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from exporter.funds.metrics import METRICS as FUNDS_METRICS
from exporter.funds.metrics import FundsNumbers
from exporter.funds.report import Report
from exporter.kept_answers.keeper import Keeper
from exporter.kept_answers.metrics import METRICS as ANSWER_METRICS
from exporter.kept_answers.metrics import AnswerNumbers
from exporter.lane_metrics import METRICS as LANE_METRICS
from exporter.lane_metrics import LaneNumbers
from exporter.model import Supply
from exporter.outbox import Outbox
from exporter.probe_lanes import Gateways
from exporter.probe_metrics import METRICS as PROBE_METRICS
from exporter.probe_metrics import ProbeNumbers
from exporter.probing.lag import LoopLag
from exporter.probing.scheduling.progress import Progress
from exporter.probing.webhook import routes
from exporter.readiness import not_ready, warnings
from exporter.relay_metrics import METRICS as RELAY_METRICS
from exporter.relay_metrics import RelayNumbers

METRICS = (*PROBE_METRICS, *FUNDS_METRICS, *LANE_METRICS, *RELAY_METRICS, *ANSWER_METRICS)
"""Name, type, labels and meaning of each metric of the probe process."""


def probe_app(
    progress: Progress,
    outbox: Outbox,
    lag: LoopLag,
    supply: Callable[[], Supply | None],
    gateways: Gateways,
    *,
    money: Callable[[], Report],
    answers: Keeper,
    network_up: Callable[[], bool | None],
) -> web.Application:
    """The application: `/healthz`, `/readyz`, `/status`, `/rounds`, `/relay`, `/metrics`, webhooks.

    None of them gives a secret: of the relay only its counts.
    """
    size = 0

    def registry() -> CollectorRegistry:
        collected = CollectorRegistry(auto_describe=False)
        collected.register(ProbeNumbers(progress, lag, size, network_up=network_up()))
        collected.register(FundsNumbers(money()))
        collected.register(LaneNumbers(gateways))
        collected.register(RelayNumbers(gateways.relay))
        collected.register(AnswerNumbers(answers))
        return collected

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        found = money()
        reasons = not_ready(supply(), gateways, found)
        answer = {
            "ready": not reasons,
            "reasons": reasons,
            "warnings": warnings(found, network_up=network_up()),
        }
        return web.json_response(answer, status=503 if reasons else 200)

    async def status(_: web.Request) -> web.Response:
        return web.json_response({**progress.report(), "money": msgspec.to_builtins(money())})

    async def rounds(_: web.Request) -> web.Response:
        return web.json_response({"rounds": list(reversed(progress.rounds.reports))})

    async def relay(_: web.Request) -> web.Response:
        if gateways.relay is None:
            return web.json_response({"error": "no relay is run"}, status=404)
        return web.Response(
            body=msgspec.json.encode(gateways.relay.report), content_type="application/json"
        )

    async def metrics(_: web.Request) -> web.Response:
        nonlocal size
        size = await outbox.size()
        body = await asyncio.to_thread(generate_latest, registry())
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    app = web.Application(client_max_size=4096)
    app.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/status", status),
            web.get("/rounds", rounds),
            web.get("/relay", relay),
            web.get("/metrics", metrics),
            *routes(gateways.desk),
        ]
    )
    return app

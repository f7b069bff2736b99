"""The station's aiohttp application."""

from typing import Final

from aiohttp import web

from exporter.web import (
    api_routes,
    artefact_route,
    health_routes,
    home_route,
    jobs_routes,
    measurements_route,
    orchestrators_route,
)
from exporter.web.context import CONTEXT, Context
from exporter.web.legacy_routes import LegacyRoutes
from exporter.web.metrics_route import KEPT, Metrics
from exporter.web.middleware import add_headers, errors
from exporter.web.post_stats import PostStats
from exporter.web.unread import hang_up_on_unread

LARGEST_BODY: Final = 2**20


def build_app(here: Context, *, metrics_kept: float = KEPT) -> web.Application:
    """The application with all its routes.

    A rendered scrape serves others for `metrics_kept` seconds.
    """
    app = web.Application(middlewares=[hang_up_on_unread, errors], client_max_size=LARGEST_BODY)
    app[CONTEXT] = here
    app.on_response_prepare.append(add_headers)
    app.add_routes(
        [
            web.get("/", home_route.home),
            web.get("/metrics", Metrics(metrics_kept).handle),
            web.get("/healthz", health_routes.healthz),
            web.get("/readyz", health_routes.readyz),
            web.get("/orchestrators", orchestrators_route.page),
            web.get("/jobs", jobs_routes.jobs),
            web.get("/jobs/{id}", jobs_routes.job),
            web.get("/jobs/{id}/artefact", artefact_route.artefact),
            web.get("/api/v1/leaderboard", api_routes.leaderboard),
            web.get("/api/v1/targets", api_routes.targets),
            web.get("/api/v1/orchestrators", orchestrators_route.listing),
            web.get("/api/v1/rounds", api_routes.rounds),
            web.get("/api/v1/status", api_routes.status),
            web.get("/api/v1/measurements", measurements_route.measurements),
            web.route("*", "/api/post_stats", PostStats(here).handle),
            *LegacyRoutes(here).routes(),
        ]
    )
    return app

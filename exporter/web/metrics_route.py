"""`/metrics`."""

import asyncio
from typing import Final

from aiohttp import web

from exporter.delivery.exposition import Exposition, Snapshot, render
from exporter.leaderboard.display import shown
from exporter.web.answers import NO_STORE
from exporter.web.context import Context, context

KEPT: Final = 1.0
"""Seconds for which a rendered answer serves others who ask for the same form."""

Form = tuple[str, bool]


class Metrics:
    """Renders scrapes in a thread, one at a time; scrapers that come together share one."""

    def __init__(self, kept: float = KEPT) -> None:
        self._kept = kept
        self._lock = asyncio.Lock()
        self._rendered: dict[Form, tuple[float, Exposition]] = {}

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a scrape."""
        accept = request.headers.get("Accept", "")
        form = (_format(accept), "gzip" in request.headers.get("Accept-Encoding", "").lower())
        async with self._lock:
            exposition = await self._exposition(context(request), form)
        headers = {
            "Content-Type": exposition.content_type,
            "Cache-Control": NO_STORE,
            "Vary": "Accept, Accept-Encoding",
        }
        if exposition.gzipped:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=exposition.body, headers=headers)

    async def _exposition(self, here: Context, form: Form) -> Exposition:
        now = asyncio.get_running_loop().time()
        rendered, exposition = self._rendered.get(form, (None, None))
        if rendered is not None and exposition is not None and now - rendered < self._kept:
            return exposition
        accept, compress = form
        exposition = await asyncio.to_thread(
            render, await snapshot(here), accept, compress=compress
        )
        self._rendered = {form: (asyncio.get_running_loop().time(), exposition)}
        return exposition


async def snapshot(here: Context) -> Snapshot:
    """What a scrape at this moment shows."""
    return Snapshot(
        series=here.metrics.shown(),
        histograms=here.metrics.histograms(),
        per_unit=here.metrics.per_unit(),
        buckets=here.metrics.buckets,
        ranking=here.prepared.ranking,
        maintenance=here.maintenance,
        supply=here.watch.supply,
        numbers=await here.numbers(),
        region=here.metrics.region,
        display=shown,
        name=here.names.name,
    )


def _format(accept: str) -> str:
    """The header reduced to the two formats that are offered."""
    if "application/openmetrics-text" in accept:
        return "application/openmetrics-text; version=1.0.0"
    return "text/plain; version=0.0.4"

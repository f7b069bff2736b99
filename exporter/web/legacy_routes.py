"""The five read routes that the Livepeer Explorer asks, any method, as in the original."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from exporter.leaderboard import legacy
from exporter.stores import Served, Where, Window, recent
from exporter.web import go_json
from exporter.web.context import Context, context
from exporter.web.legacy_query import LegacyQuery, LegacyQueryError, read_query
from exporter.web.parameters import TEXT_LIMIT, raw_query, split_query

RAW_LIMIT: Final = 10_000
"""Stats that one answer of raw_stats holds at most, the newest ones."""

_SHARED: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=30, stale-while-revalidate=15",
}

Question = Callable[[Context, LegacyQuery], Awaitable[object]]


async def aggregated_stats(request: web.Request) -> web.Response:
    """Scores of every orchestrator by region."""
    return await _answer(request, _aggregated_stats)


async def raw_stats(request: web.Request) -> web.Response:
    """Single stats of one orchestrator by region."""
    return await _answer(request, _raw_stats)


async def pipelines(request: web.Request) -> web.Response:
    """Pipelines with their models and regions."""
    return await _answer(request, _pipelines)


async def top_ai_score(request: web.Request) -> web.Response:
    """The best group of one orchestrator, over the default window; its spelling is exact."""
    here = context(request)
    orchestrator = split_query(raw_query(request.raw_path)).get("orchestrator", "")
    if not orchestrator or orchestrator != orchestrator.lower() or len(orchestrator) > TEXT_LIMIT:
        return _json({})
    window = _default_window(here)
    groups = await here.store.groups(window, Where(orchestrator=orchestrator, addresses_only=True))
    best = legacy.best_group(groups)
    median = None
    if best is not None:
        where = Where(pipeline=best.pipeline, model=best.model, addresses_only=True)
        median = await here.store.median(window, where)
    return _json(legacy.top_ai_score(best, median))


class Regions:
    """Answers `regions`; what it found in the store is kept for a minute."""

    KEPT: Final = 60.0

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._served: list[Served] = []
        self._read_at: float | None = None

    async def handle(self, request: web.Request) -> web.Response:
        """The regions, configured ones and those with results."""
        here = context(request)
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._read_at is None or now - self._read_at > self.KEPT:
                self._served = await here.store.served(
                    _default_window(here), Where(addresses_only=True)
                )
                self._read_at = now
        configured = [
            {"id": region.id, "name": region.name, "type": region.type}
            for region in here.settings.leaderboard.regions
        ]
        return _json(legacy.regions(configured, self._served))


async def _aggregated_stats(here: Context, query: LegacyQuery) -> object:
    if not query.ai:
        return {}
    groups = await here.store.groups(query.window, query.where(orchestrator=True))
    if not groups:
        return {}
    median = await here.store.median(query.window, query.where(orchestrator=False))
    return legacy.aggregated_stats(groups, median)


async def _raw_stats(here: Context, query: LegacyQuery) -> object:
    if not query.orchestrator:
        raise LegacyQueryError("orchestrator is a required parameter")
    if not query.ai:
        return {}
    where = query.where(orchestrator=True)
    rows = await here.store.newest(query.window, where, limit=RAW_LIMIT)
    return legacy.raw_stats([row.measurement for row in rows])


async def _pipelines(here: Context, query: LegacyQuery) -> object:
    where = Where(region=query.region or None, addresses_only=True)
    return legacy.pipelines(await here.store.served(query.window, where))


async def _answer(request: web.Request, question: Question) -> web.Response:
    here = context(request)
    try:
        query = read_query(
            raw_query(request.raw_path),
            now=here.now(),
            look_back=here.settings.leaderboard.window,
        )
        return _json(await question(here, query))
    except LegacyQueryError as error:
        return _refusal(str(error))


def _default_window(here: Context) -> Window:
    return recent(here.now(), here.settings.leaderboard.window)


def _json(value: object) -> web.Response:
    # Set as a header of its own: aiohttp would add a charset that the original does not have.
    headers = {**_SHARED, "Content-Type": "application/json"}
    return web.Response(body=go_json.dumps(value), headers=headers)


def _refusal(text: str) -> web.Response:
    # The text is put in without escaping, as in the original, whose clients know it so.
    return web.Response(
        text=f'{{"error":"{text}"}}\n',
        status=400,
        headers=_SHARED,
        content_type="text/plain",
        charset="utf-8",
    )

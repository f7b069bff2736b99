"""The five read routes of the network's leaderboard API, any method, as in the original.

What is asked about the default window comes from the snapshot that is kept ready, and its bodies
are kept; everything else is computed once for all who wait.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Final

from aiohttp import web

from exporter.leaderboard import legacy
from exporter.leaderboard.legacy import Json
from exporter.leaderboard.preparing import OLDEST
from exporter.leaderboard.snapshot import ANYBODY, Snapshot
from exporter.web import go_json
from exporter.web.computed import BusyError
from exporter.web.context import Context
from exporter.web.known_regions import known_regions
from exporter.web.legacy_answers import busy, json_answer, refusal
from exporter.web.legacy_query import LegacyQuery, LegacyQueryError, read_query
from exporter.web.parameters import raw_query, split_query
from exporter.web.raw_stats import RawStats

_ENTRY: Final = 600
"""Bytes that a kept body takes besides its own."""


class LegacyRoutes:
    """The routes of one application."""

    def __init__(self, here: Context) -> None:
        self._here = here
        self._bodies = _Bodies(here.settings.leaderboard.cache_bytes // 2)
        self._computed = here.computed
        self._raw_stats = RawStats(here)

    def routes(self) -> list[web.RouteDef]:
        """Every path with its handler."""
        return [
            web.route("*", "/api/aggregated_stats", self.aggregated_stats),
            web.route("*", "/api/raw_stats", self.raw_stats),
            web.route("*", "/api/top_ai_score", self.top_ai_score),
            web.route("*", "/api/pipelines", self.pipelines),
            web.route("*", "/api/regions", self.regions),
        ]

    async def aggregated_stats(self, request: web.Request) -> web.StreamResponse:
        """Scores of every orchestrator by region."""
        if (kept := self._kept(request)) is not None:
            return kept
        try:
            query = self._query(request)
            if not query.by_default or query.region or not (query.pipeline or not query.ai):
                return await self._compute("aggregated_stats", query)
            return await self._from_snapshot(
                request, query.key, lambda found: _aggregated(found, query)
            )
        except LegacyQueryError as error:
            return refusal(str(error))

    async def pipelines(self, request: web.Request) -> web.StreamResponse:
        """Pipelines with their models and regions."""
        if (kept := self._kept(request)) is not None:
            return kept
        try:
            query = self._query(request)
            if not query.by_default:
                return await self._compute("pipelines", query)
            return await self._from_snapshot(
                request, ("pipelines", query.region), lambda found: found.pipelines(query.region)
            )
        except LegacyQueryError as error:
            return refusal(str(error))

    async def top_ai_score(self, request: web.Request) -> web.StreamResponse:
        """The best group of one orchestrator, over the default window; its spelling is exact."""
        if (kept := self._kept(request)) is not None:
            return kept
        asked = split_query(raw_query(request.raw_path)).get("orchestrator", "")
        return await self._from_snapshot(
            request,
            ("top_ai_score", asked),
            lambda found: found.top_ai_score(asked) if asked else {},
        )

    async def regions(self, request: web.Request) -> web.StreamResponse:
        """The regions, configured ones and those with results."""
        if (kept := self._kept(request)) is not None:
            return kept
        return await self._from_snapshot(
            request, ("regions",), lambda _: {"regions": known_regions(self._here)}
        )

    async def raw_stats(self, request: web.Request) -> web.StreamResponse:
        """Single stats of one orchestrator by region."""
        try:
            query = self._query(request)
            if not query.orchestrator:
                return refusal("orchestrator is a required parameter")
            return await self._raw_stats.answer(request, query)
        except LegacyQueryError as error:
            return refusal(str(error))
        except BusyError as error:
            return self._busy(error)

    def _busy(self, error: BusyError) -> web.Response:
        self._here.counts.refused["busy"] += 1
        return busy(f"{error}; try again later")

    def _query(self, request: web.Request) -> LegacyQuery:
        return read_query(
            raw_query(request.raw_path),
            now=self._here.now(),
            look_back=self._here.settings.leaderboard.window,
        )

    def _kept(self, request: web.Request) -> web.Response | None:
        """The answer that was made of the present snapshot for the very same request."""
        snapshot = self._here.prepared.snapshot
        body = self._bodies.get(snapshot, request.raw_path)
        if snapshot is None or body is None or self._age(snapshot) > OLDEST:
            return None
        return json_answer(body, self._age(snapshot))

    async def _from_snapshot(
        self, request: web.Request, question: Hashable, make: Callable[[Snapshot], Json]
    ) -> web.Response:
        """An answer that is made once for all who ask the same, however they write it."""
        snapshot = await self._here.prepared.current()
        body = self._bodies.get(snapshot, question)
        if body is None:
            body = go_json.dumps(make(snapshot))
            target = request.raw_path
            self._bodies.put(snapshot, (question, target), body, len(body) + 2 * len(target))
        return json_answer(body, self._age(snapshot))

    def _age(self, snapshot: Snapshot) -> float:
        return snapshot.age(self._here.now())

    async def _compute(self, route: str, query: LegacyQuery) -> web.Response:
        async def make() -> bytes:
            ask = _pipelines if route == "pipelines" else _scores
            return go_json.dumps(await ask(self._here, query))

        try:
            made = await self._computed.get((route, query.key), make)
        except BusyError as error:
            return self._busy(error)
        return json_answer(made.body or b"", self._computed.age(made))


class _Bodies:
    """Bodies made of one snapshot, by question and by the target of the request that asked first.

    Bounded, and gone with the snapshot.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._of: Snapshot | None = None
        self._bodies: dict[Hashable, bytes] = {}
        self._bytes = 0

    def get(self, snapshot: Snapshot | None, name: Hashable) -> bytes | None:
        return self._bodies.get(name) if snapshot is self._of else None

    def put(self, snapshot: Snapshot, names: Iterable[Hashable], body: bytes, size: int) -> None:
        size += _ENTRY
        if snapshot is not self._of or self._bytes + size > self._limit:
            self._of, self._bodies, self._bytes = snapshot, {}, 0
        if size <= self._limit:
            self._bodies.update(dict.fromkeys(names, body))
            self._bytes += size


def _aggregated(found: Snapshot, query: LegacyQuery) -> Json:
    if query.ai:
        return found.aggregated_stats(query.pipeline, query.model, query.orchestrator)
    if query.pipeline:
        return {}  # what has both a pipeline and a model is not transcoding
    return found.transcoding_stats(query.orchestrator)


async def _scores(here: Context, query: LegacyQuery) -> Json:
    of_global = query.region == legacy.GLOBAL["id"]
    if query.ai:
        groups = await here.store.spelled_groups(query.window, query.where)
        median = await here.store.median(query.window, query.where) if groups else None
        answer = legacy.aggregated_stats(groups, median, of_global=of_global)
    else:
        of_transcoding = await here.store.transcoding_groups(query.window, query.where)
        answer = legacy.transcoding_stats(of_transcoding, of_global=of_global)
    return legacy.of_orchestrator(answer, query.orchestrator)


async def _pipelines(here: Context, query: LegacyQuery) -> Json:
    found = await here.store.served(query.window, ANYBODY)
    return legacy.pipelines(found, query.region)

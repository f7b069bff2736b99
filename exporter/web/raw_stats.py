"""`raw_stats`: single stats of one orchestrator. Short answers are kept, long ones are streamed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from aiohttp import web

from exporter.leaderboard import legacy
from exporter.stores import Row, StoreError, Turn, Where
from exporter.web import go_json
from exporter.web.computed import BusyError
from exporter.web.context import Context
from exporter.web.legacy_answers import busy, json_answer, json_headers
from exporter.web.legacy_query import LegacyQuery

log = logging.getLogger(__name__)

SHORT: Final = 2000
"""Stats up to which an answer is made whole."""
STREAMS: Final = 4
"""Long answers that are given at a time."""
PAGE: Final = 1000
SLOWEST: Final = 60.0
"""Seconds in which somebody takes a page of a long answer; who is slower is left, since he keeps
others from theirs."""
_WAIT: Final = 20.0


class RawStats:
    """Answers about single stats."""

    def __init__(self, here: Context) -> None:
        self._here = here
        self._computed = here.computed
        self._streams = asyncio.Semaphore(STREAMS)

    async def answer(self, request: web.Request, query: LegacyQuery) -> web.StreamResponse:
        """The stats by region, newest first. Raises `BusyError` and `StoreError`."""
        most = self._here.settings.leaderboard.max_rows

        async def make() -> bytes | None:
            rows = await self._newest(query, min(SHORT, most) + 1)
            if len(rows) > min(SHORT, most):
                return None
            return await asyncio.to_thread(_whole, rows, query.orchestrator)

        made = await self._computed.get(("raw_stats", query.key), make)
        if made.body is not None:
            return json_answer(made.body, self._computed.age(made))
        async with self._one_of_few():
            regions = await self._regions(query)
            rows = sum(regions.values())
            if rows <= most:
                return await self._stream(request, query, list(regions))
        self._here.counts.refused["too many rows"] += 1
        return busy(f"{rows} stats are more than one answer holds ({most}): ask for less time")

    async def _newest(self, query: LegacyQuery, limit: int) -> list[Row]:
        """The newest rows of all regions; fewer than `limit` only if that is all of them."""
        rows: list[Row] = []
        while len(rows) < limit:
            page = await self._here.store.newest(
                query.window,
                query.where_orchestrator,
                transcoding=not query.ai,
                before=Turn.of(rows[-1]) if rows else None,
                limit=limit - len(rows),
            )
            if not page:
                break
            rows += page
        return rows

    async def _regions(self, query: LegacyQuery) -> dict[str, int]:
        """How many rows it has in each region; those that will not be shown included."""
        return await self._here.store.regions(
            query.window, query.where_orchestrator, transcoding=not query.ai
        )

    @asynccontextmanager
    async def _one_of_few(self) -> AsyncIterator[None]:
        """Ask the store about a long answer when it is its turn. Raises `BusyError`."""
        try:
            async with asyncio.timeout(_WAIT):
                await self._streams.acquire()
        except TimeoutError:
            raise BusyError("too many long answers are being given") from None
        try:
            yield
        finally:
            self._streams.release()

    async def _stream(
        self, request: web.Request, query: LegacyQuery, regions: Sequence[str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=json_headers(0))
        with suppress(ConnectionError):  # who asked has gone, or was left
            await response.prepare(request)
            if request.method != "HEAD":
                await self._send(request, response, query, regions)
            await response.write_eof()
        return response

    async def _send(
        self,
        request: web.Request,
        response: web.StreamResponse,
        query: LegacyQuery,
        regions: Sequence[str],
    ) -> None:
        try:
            async for part in self._parts(query, regions):
                async with asyncio.timeout(SLOWEST):
                    await response.write(part)
        except (StoreError, TimeoutError) as error:
            # The status is sent already: that the answer is not whole shows by its sudden end.
            why = str(error) or "nobody took it in time"
            log.warning("a long answer was broken off", extra={"why": why})
            if request.transport is not None:
                request.transport.abort()

    async def _parts(self, query: LegacyQuery, regions: Sequence[str]) -> AsyncIterator[bytes]:
        """The body, part by part."""
        begin = b"{"
        for region in regions:
            head = begin + go_json.dumps(region) + b":["
            async for stats in self._stats(query, region):
                yield head + stats
                head, begin = b",", b"],"
        yield b"{}" if begin == b"{" else b"]}"

    async def _stats(self, query: LegacyQuery, region: str) -> AsyncIterator[bytes]:
        """The stats of one region, by pages that have some, without what stands around them."""
        where = _in(query.where_orchestrator, region)
        before: Turn | None = None
        while page := await self._here.store.newest(
            query.window, where, transcoding=not query.ai, before=before, limit=PAGE
        ):
            before = Turn.of(page[-1])
            stats = await asyncio.to_thread(_encoded, page, query.orchestrator)
            if stats:
                yield stats


def _in(where: Where, region: str) -> Where:
    return Where(
        orchestrator=where.orchestrator,
        region=region,
        pipeline=where.pipeline,
        model=where.model,
        addresses_only=where.addresses_only,
    )


def _whole(rows: Sequence[Row], orchestrator: str) -> bytes:
    """The whole answer."""
    regions: dict[str, list[Row]] = {}
    for row in rows:
        regions.setdefault(row.measurement.region, []).append(row)
    found = ((region, _encoded(regions[region], orchestrator)) for region in sorted(regions))
    return (
        b"{"
        + b",".join(
            go_json.dumps(region) + b":[" + stats + b"]" for region, stats in found if stats
        )
        + b"}"
    )


def _encoded(page: Sequence[Row], orchestrator: str) -> bytes:
    """The stats that are shown, of who is spelled just so."""
    return b",".join(
        go_json.dumps(legacy.stat(row.measurement))
        for row in page
        if legacy.shows(row.measurement)
        and legacy.spelled_orchestrator(row.measurement) == orchestrator
    )

"""`raw_stats`: single stats of one orchestrator. Short answers are kept, long ones are streamed."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from aiohttp import web
from msgspec.structs import replace

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
PAGE: Final = SHORT + 1
"""Rows that are read at a time at most."""
FIRST: Final = 200
"""Rows of a first page: how long they are tells how many are read next, and the next time."""
_REMEMBERED: Final = 10_000
ROOM: Final = 16 * 2**20
"""Characters of an answer that is made whole, and about those of a page: requests and responses
of others may be long."""
_REST: Final = 1000
"""Characters of a row besides its request and response."""
SLOWEST: Final = 60.0
"""Seconds in which somebody takes a page of a long answer; who is slower is left, since he keeps
others from theirs."""
PACE: Final = 64 * 2**10
"""Bytes a second that he takes on the whole, beyond these seconds."""
_WAIT: Final = 20.0


class RawStats:
    """Answers about single stats."""

    def __init__(self, here: Context) -> None:
        self._here = here
        self._computed = here.computed
        self._streams = asyncio.Semaphore(STREAMS)
        self._lengths: dict[str, int] = {}
        """How long a row of an orchestrator was on the last page, by its spelling."""

    async def answer(self, request: web.Request, query: LegacyQuery) -> web.StreamResponse:
        """The stats by region, newest first. Raises `BusyError` and `StoreError`."""
        most = self._here.settings.leaderboard.max_rows

        async def make() -> bytes | None:
            rows = await self._short(query, min(SHORT, most))
            if rows is None:
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

    async def _short(self, query: LegacyQuery, most: int) -> list[Row] | None:
        """The newest rows of all regions; `None` if they are more, or too long to be held."""
        rows: list[Row] = []
        size = 0
        async for page in self._pages(query, query.where_orchestrator, most + 1):
            rows += page
            size += _size(page)
            if len(rows) > most or size > ROOM:
                return None
        return rows

    async def _pages(
        self, query: LegacyQuery, where: Where, most: int = sys.maxsize
    ) -> AsyncIterator[list[Row]]:
        """At most so many rows, newest first, in pages that memory has room for."""
        before: Turn | None = None
        limit = ROOM // self._lengths.pop(query.orchestrator, ROOM // FIRST)
        while page := await self._here.store.newest(
            query.window,
            where,
            transcoding=not query.ai,
            before=before,
            limit=max(1, min(limit, PAGE, most)),
        ):
            length = _size(page) // len(page)
            self._lengths[query.orchestrator] = length
            if len(self._lengths) > _REMEMBERED:
                del self._lengths[next(iter(self._lengths))]
            yield page
            most -= len(page)
            if not most:
                return
            before = Turn.of(page[-1])
            limit = ROOM // length

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
        loop = asyncio.get_running_loop()
        waited, sent = 0.0, 0
        try:
            async for part in self._parts(query, regions):
                began = loop.time()
                async with asyncio.timeout(SLOWEST + sent / PACE - waited):
                    await response.write(part)
                waited += loop.time() - began
                sent += len(part)
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
        async for page in self._pages(query, replace(query.where_orchestrator, region=region)):
            stats = await asyncio.to_thread(_encoded, page, query.orchestrator)
            if stats:
                yield stats


def _size(page: Sequence[Row]) -> int:
    """Characters of rows, about."""
    return sum(len(row.measurement.request) + len(row.measurement.response) + _REST for row in page)


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

"""Reading the rows of an InfluxDB server page by page, forwards or backwards in time."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from exporter.model import Measurement, decode
from exporter.stores import Place, Row, Turn, Where, Window
from exporter.stores.influx_asked import RESULT, Answer, about, clamped
from exporter.stores.influx_client import Parameters, Record
from exporter.stores.influx_lines import SLACK
from exporter.stores.schema import MEASUREMENT, TIMES, TRANSCODING

log = logging.getLogger(__name__)

_HOUR: Final = 3600 * SLACK
_LEAST_STRETCH: Final = SLACK
_MOST_STRETCH: Final = 366 * 24 * _HOUR

Ask = Callable[[str, Parameters], Awaitable[Answer]]


class Pages:
    """Reads a stretch of time for each page; how long it is follows what pages hold.

    What this version cannot decode is logged and left out.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._stretch = _HOUR
        """How much time a page of rows took last, nanoseconds."""

    async def rows(
        self, window: Window, where: Where, *, after: Place | None, limit: int
    ) -> list[Row]:
        """See `Store.rows`."""
        place = after or Place(TIMES.start, "")
        window = clamped(Window(max(window.since, place.started_at), window.until))
        rows: list[Row] = []
        while True:
            part = Window(window.since, min(window.until, window.since + self._stretch))
            records = await self._page(part, where, place, limit)
            rows += _rows(records)
            if len(records) >= limit:
                self._stretch = max(_LEAST_STRETCH, self._stretch // 2)
                place = Place(int(records[-1]["started_at"]), records[-1]["job_id"])
                window = Window(place.started_at, window.until)
            else:
                if len(records) < limit // 4:
                    self._stretch = min(_MOST_STRETCH, self._stretch * 2)
                following = await self._next(Window(part.until + 1, window.until), where)
                if following is None:
                    return rows
                second = following // SLACK * SLACK
                window = Window(max(part.until + 1, second), window.until)
            if rows:
                return rows[:limit]

    async def newest(
        self, window: Window, where: Where, series: str, *, before: Turn | None, limit: int
    ) -> list[Row]:
        """See `Store.newest`, of one series."""
        turn = before or Turn(TIMES.stop, 0, "")
        window = clamped(Window(window.since, min(window.until, turn.started_at)))
        while limit > 0 and window.since <= window.until:
            part = Window(max(window.since, window.until - self._stretch), window.until)
            asked: Parameters = {
                "before_time": turn.started_at,
                "before_seq": turn.seq,
                "before_outbox": turn.outbox,
                "most": limit,
            }
            answer = await self._ask("newest", {**about(part, where, series), **asked})
            records = answer[RESULT]
            rows = _rows(records)
            if len(records) >= limit:
                self._stretch = max(_LEAST_STRETCH, self._stretch // 2)
                last = records[-1]
                turn = Turn(int(last["started_at"]), int(last["seq"]), last["outbox"])
                window = Window(window.since, turn.started_at)
            elif len(records) < limit // 4:
                self._stretch = min(_MOST_STRETCH, self._stretch * 2)
            if rows:
                return rows
            if len(records) < limit:
                window = await self._earlier(Window(window.since, part.since - 1), where, series)
        return []

    async def _earlier(self, window: Window, where: Where, series: str) -> Window:
        """The window up to the second of its last row; an empty one without any."""
        if window.since > window.until:
            return window
        answer = await self._ask("previous", about(window, where, series))
        last = max((int(row["_value"]) for row in answer[RESULT]), default=None)
        if last is None:
            return Window(window.since, window.since - 1)
        return Window(window.since, min(window.until, last // SLACK * SLACK + SLACK - 1))

    async def _page(self, window: Window, where: Where, place: Place, limit: int) -> list[Record]:
        """The records of a window after a place, in order, at most `limit`."""
        after: Parameters = {"after_time": place.started_at, "after_id": place.id}
        records: list[Record] = []
        for series in (MEASUREMENT, TRANSCODING):
            asked = {**about(window, where, series), **after, "most": limit}
            records += (await self._ask("rows", asked))[RESULT]
        records.sort(key=lambda row: (int(row["started_at"]), row["job_id"]))
        return records[:limit]

    async def _next(self, window: Window, where: Where) -> int | None:
        if window.since > window.until:
            return None
        found: list[int] = []
        for series in (MEASUREMENT, TRANSCODING):
            answer = await self._ask("next", about(window, where, series))
            found += (int(row["_value"]) for row in answer[RESULT])
        return min(found, default=None)


def _rows(records: Sequence[Record]) -> list[Row]:
    return [
        Row(row["outbox"], int(row["seq"]), one)
        for row in records
        if (one := _decoded(row["payload"])) is not None
    ]


def _decoded(payload: str) -> Measurement | None:
    try:
        return decode(payload.encode())
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        log.error(  # noqa: TRY400 - the error's text says all, a traceback would be noise
            "a stored measurement cannot be decoded and is left out", extra={"error": str(error)}
        )
        return None

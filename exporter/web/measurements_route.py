"""`/api/v1/measurements`: everything that is stored, page by page."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from exporter.model import encode, normal_orchestrator, pipeline_uri
from exporter.stores import Place, Row, Where, Window
from exporter.stores.schema import TIMES
from exporter.web.answers import NO_STORE
from exporter.web.context import context
from exporter.web.parameters import BadParameterError, Parameters, raw_query

PARAMETERS: Final = (
    *("since", "until", "orchestrator", "region", "pipeline", "model"),
    *("after_time", "after_id", "limit"),
)
LARGEST_LIMIT: Final = 5000
LARGEST_PAGE: Final = 16 * 2**20
"""Bytes after which a page ends early."""

_LIMIT: Final = 1000


class StoredRow(msgspec.Struct, frozen=True):
    """A row of a page."""

    outbox: str
    seq: int
    payload: msgspec.Raw
    """The measurement's JSON."""


class Next(msgspec.Struct, frozen=True):
    """Where the page that follows begins."""

    after_time: int
    after_id: str


class Page(msgspec.Struct, frozen=True):
    """One answer; `next` is `None` at the end."""

    rows: list[StoredRow]
    next: Next | None


async def measurements(request: web.Request) -> web.Response:
    """A page of rows."""
    here = context(request)
    asked = Parameters(raw_query(request.raw_path), PARAMETERS)
    now = here.now()
    since, until = (asked.any_moment(name, now=now) for name in ("since", "until"))
    window = Window(
        since=TIMES[0] if since is None else since, until=TIMES[-1] if until is None else until
    )
    where = Where(
        orchestrator=normal_orchestrator(asked.text("orchestrator") or "") or None,
        region=(asked.text("region") or "").upper() or None,
        pipeline=pipeline_uri(asked.text("pipeline") or "") or None,
        model=asked.text("model"),
    )
    limit = asked.number("limit", default=_LIMIT, least=1, most=LARGEST_LIMIT)
    rows = await here.store.rows(window, where, after=_place(asked), limit=limit)
    body = await asyncio.to_thread(_page, rows)
    headers = {"Cache-Control": NO_STORE, "Vary": "Accept"}
    return web.Response(body=body, content_type="application/json", headers=headers)


def _place(asked: Parameters) -> Place | None:
    time, identity = asked.nanoseconds("after_time"), asked.text("after_id")
    if time is None and identity is not None:
        raise BadParameterError("after_id: after_time is expected beside it")
    return None if time is None else Place(time, identity or "")


def _page(rows: Sequence[Row]) -> bytes:
    """The JSON of a page; `next` is set as long as there was a row: the end is an empty page."""
    size = 0
    shown: list[StoredRow] = []
    following = None
    for row in rows:
        payload = encode(row.measurement)
        size += len(payload)
        if shown and size > LARGEST_PAGE:
            break
        shown.append(StoredRow(row.outbox, row.seq, msgspec.Raw(payload)))
        following = Next(row.measurement.started_at, row.measurement.id)
    return msgspec.json.encode(Page(shown, following))

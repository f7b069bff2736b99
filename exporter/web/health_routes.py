"""`/healthz` and `/readyz`: is the process alive, and does it do what it is for."""

from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from exporter.model import NANOSECONDS
from exporter.outbox import Losses
from exporter.web.answers import NO_STORE, json_answer
from exporter.web.context import Context, context

MISSED_REFRESHES: Final = 2
LEAST_ROOM: Final = 256 * 2**10
"""Bytes on the outbox's disk below which it is taken for full."""
GRACE: Final = 60.0
"""Seconds beyond the missed refreshes before the probe is taken for silent."""


async def healthz(_: web.Request) -> web.Response:
    """Alive: the event loop answers."""
    return web.Response(text="ok\n", headers={"Cache-Control": NO_STORE})


async def readyz(request: web.Request) -> web.Response:
    """Ready or not, with every reason why not; 503 if there is one. Warnings change nothing."""
    here = context(request)
    checks = {
        "store": await _store(here),
        "outbox": await _outbox(here),
        "probe": _probe(here),
        **{f"consumer {feed.name}": feed.problem for feed in here.feeds},
    }
    reasons = [f"{name}: {problem}" for name, problem in checks.items() if problem is not None]
    answer = {
        "ready": not reasons,
        "reasons": reasons,
        "warnings": list(here.watch.warnings),
        "checks": {name: problem or "ok" for name, problem in checks.items()},
    }
    return json_answer(answer, 503 if reasons else 200)


async def _store(here: Context) -> str | None:
    try:
        await here.store.cursor(here.outbox.id)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return f"{error}"
    return None


async def _outbox(here: Context) -> str | None:
    try:
        losses, free = await here.outbox.losses(), await here.outbox.free()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return f"{error}"
    problems = (here.watch.problem, _full(free), _lost(here, losses))
    return "; ".join(problem for problem in problems if problem is not None) or None


def _full(free: int) -> str | None:
    # The probe cannot tell that it cannot store: what it tells is written to the same disk.
    if free >= LEAST_ROOM:
        return None
    return (
        f"its disk is full ({free} bytes are left): nothing is stored and no job is begun until "
        "there is room"
    )


def _lost(here: Context, losses: Losses) -> str | None:
    if losses.since is None or not losses.recent(here.now()):
        return None
    since = datetime.fromtimestamp(losses.since / NANOSECONDS, UTC).isoformat(timespec="seconds")
    what = "measurement was" if losses.lately == 1 else "measurements were"
    return (
        f"{losses.lately} {what} lost since {since}, because the outbox had reached "
        f"`outbox.max_bytes` ({here.settings.outbox.max_bytes}) before they were delivered"
    )


def _probe(here: Context) -> str | None:
    heard = here.watch.heard_at
    if heard is None:
        return "nothing has been heard from the probe process yet"
    silent = (here.now() - heard) / NANOSECONDS
    if silent > MISSED_REFRESHES * here.settings.sources.refresh_interval + GRACE:
        return f"nothing has been heard from the probe process for {silent:.0f} s"
    if not here.watch.storing:
        return "the probe cannot store measurements: the disk is full or fails, see its log"
    return "; ".join(here.watch.trouble) or None

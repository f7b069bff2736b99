"""Our own API: `/api/v1/leaderboard`, `/api/v1/targets`, `/api/v1/rounds`, `/api/v1/status`."""

from typing import Final

import msgspec
from aiohttp import web

from exporter.delivery.followed_numbers import FollowedNumbers
from exporter.delivery.outbox_watch import PROGRESS
from exporter.delivery.station_numbers import OutboxNumbers
from exporter.delivery.target_series import TargetSeries
from exporter.leaderboard.display import shown
from exporter.leaderboard.ranking import Ranked
from exporter.model import (
    Offer,
    Outcome,
    SourceState,
    Supply,
    Target,
    normal_orchestrator,
    pipeline_uri,
    seconds,
)
from exporter.web import leaderboard_question
from exporter.web.answers import json_answer
from exporter.web.context import Context, context
from exporter.web.parameters import Parameters, raw_query
from exporter.web.probe_notices import HELD_BACK, ROUNDS, notice

Json = dict[str, object]

PARAMETERS: Final = ("orchestrator", "pipeline", "model", "state")
_HELD: Final = list[tuple[Target, str]]
_STATES: Final = ("tested", "not_tested")
_TOO_DEAR: Final = "not tested at our price: above a limit of the gateway"


async def leaderboard(request: web.Request) -> web.Response:
    """The ranking, best first, those without data at the end."""
    parameters = Parameters(raw_query(request.raw_path), leaderboard_question.PARAMETERS)
    here = context(request)
    ranking = await leaderboard_question.ask(here, parameters)
    stakes = _stakes(here.watch.supply)
    where = ranking.where
    return json_answer(
        {
            "since": seconds(ranking.window.since),
            "until": seconds(ranking.window.until),
            "pipeline": where.pipeline,
            "model": where.model,
            "region": where.region,
            "entries": [
                _ranked(here, entry, stakes.get(normal_orchestrator(entry.orchestrator)))
                for entry in ranking.entries
            ],
        }
    )


async def targets(request: web.Request) -> web.Response:
    """The supply, what is not tested included, with the state of each target."""
    here = context(request)
    parameters = Parameters(raw_query(request.raw_path), PARAMETERS)
    orchestrator = normal_orchestrator(parameters.text("orchestrator") or "") or None
    pipeline = pipeline_uri(parameters.text("pipeline") or "") or None
    model, state = parameters.text("model"), parameters.choice("state", _STATES)
    supply = here.watch.supply
    held: list[tuple[Target, str]] | None = await notice(here, HELD_BACK, _HELD)
    held_back = dict(held or ())
    stakes = _stakes(supply)
    offers = [
        offer
        for offer in (supply.offers if supply is not None else ())
        if orchestrator in (None, offer.target.orchestrator)
        and pipeline in (None, offer.target.pipeline)
        and model in (None, offer.target.model)
        and state in (None, _state(offer))
    ]
    return json_answer(
        {
            "taken_at": seconds(supply.taken_at) if supply is not None else None,
            "sources": _sources(supply),
            "targets": [
                _target(
                    here,
                    offer,
                    held_back.get(offer.target),
                    stakes.get(offer.target.orchestrator),
                )
                for offer in offers
            ],
        }
    )


async def rounds(request: web.Request) -> web.Response:
    """What the latest rounds came to, the one that ended last first."""
    Parameters(raw_query(request.raw_path), ())
    reports: list[Json] | None = await notice(context(request), ROUNDS, list[Json])
    return json_answer({"rounds": list(reversed(reports or ()))})


async def status(request: web.Request) -> web.Response:
    """How the station is doing: outbox, consumers, store, progress of the round."""
    here = context(request)
    Parameters(raw_query(request.raw_path), ())
    numbers = await here.numbers()
    lags = [consumer.lag for consumer in numbers.consumers]
    supply = here.watch.supply
    return json_answer(
        {
            "version": here.version,
            "region": here.settings.region,
            "tester": here.settings.tester,
            "pending": None if None in lags else max((lag or 0 for lag in lags), default=0),
            "outbox": _outbox(here, numbers.outbox),
            "store": await _store(here),
            "consumers": numbers.consumers,
            "loop_lag": numbers.loop_lag,
            "recent_jobs": len(here.recent),
            "supply": None if supply is None else _supply(supply),
            "names": {"problem": here.names.problem},
            "following": [_followed(one) for one in numbers.followed],
            "probe_heard_at": seconds(here.watch.heard_at),
            "progress": await notice(here, PROGRESS),
        }
    )


def _followed(one: FollowedNumbers) -> Json:
    return {
        "url": one.url,
        "orchestrators": one.orchestrators,
        "position": seconds(one.position),
        "last_success": seconds(one.last_success),
        "problem": one.problem,
        "results": one.results,
        "errors": one.errors,
    }


def _outbox(here: Context, numbers: OutboxNumbers | None) -> Json:
    if numbers is None:
        facts = dict.fromkeys(("last", "bytes", "lost", "dead_letters", "dead_letters_dropped"))
        return {"id": here.outbox.id, **facts}
    losses = numbers.losses
    return {
        "id": here.outbox.id,
        "last": numbers.last,
        "bytes": numbers.bytes,
        "lost": {
            "measurements": losses.measurements,
            "last": seconds(losses.last),
            "since": seconds(losses.since),
            "lately": losses.lately,
        },
        "dead_letters": numbers.dead_letters,
        "dead_letters_dropped": losses.dead_letters,
    }


def _stakes(supply: Supply | None) -> dict[str, float]:
    """LPT by orchestrator, of those who are registered on the chain."""
    return {} if supply is None else {one.orchestrator: one.stake for one in supply.registered}


def _ranked(here: Context, entry: Ranked, stake: float | None) -> Json:
    return {
        **msgspec.structs.asdict(entry),
        "orchestrator_address": shown(entry.orchestrator),
        "name": here.names.name(normal_orchestrator(entry.orchestrator)),
        "stake": stake,
        "state": "no data" if entry.rank is None else "ranked",
    }


def _state(offer: Offer) -> str:
    return "tested" if offer.not_tested is None else "not_tested"


def _held_back(offer: Offer, bound: str | None, series: TargetSeries | None) -> str | None:
    """What keeps a target from being tested now: a bound of ours, else the gateway's limit."""
    if offer.not_tested is not None:
        return None
    if bound is None and series is not None and series.last_outcome == Outcome.PRICE_ABOVE_LIMIT:
        return _TOO_DEAR
    return bound


def _target(here: Context, offer: Offer, bound: str | None, stake: float | None) -> Json:
    series = here.metrics.get(offer.target)
    return {
        "orchestrator": offer.target.orchestrator,
        "orchestrator_address": shown(offer.target.orchestrator),
        "name": here.names.name(offer.target.orchestrator),
        "registered": offer.registered,
        "stake": stake,
        "pipeline": offer.target.pipeline,
        "model": offer.target.model,
        "unlisted_since": seconds(offer.unlisted_since),
        "state": _state(offer),
        "not_tested": offer.not_tested,
        "held_back": _held_back(offer, bound, series),
        "service_uri": offer.service_uri,
        "warm": offer.warm,
        "capacity": offer.capacity,
        "capacity_in_use": offer.capacity_in_use,
        "price_per_unit": offer.price_per_unit,
        "runner_version": offer.runner_version,
        "node_version": offer.node_version,
        "local_address": offer.local_address,
        "hardware": offer.hardware,
        "sources": offer.sources,
        "results": None if series is None or series.last_attempt is None else _results(series),
    }


def _results(series: TargetSeries) -> Json:
    return {
        "consecutive_failures": series.consecutive_failures,
        "last_success": seconds(series.last_success),
        "last_attempt": seconds(series.last_attempt),
        "last_outcome": series.last_outcome,
    }


def _supply(supply: Supply) -> Json:
    return {
        "taken_at": seconds(supply.taken_at),
        "offers": len(supply.offers),
        "tested": len(supply.tested),
        "sources": _sources(supply),
    }


def _sources(supply: Supply | None) -> list[Json]:
    return [_source(source) for source in supply.sources] if supply is not None else []


def _source(source: SourceState) -> Json:
    return {
        "name": source.name,
        "offers": source.offers,
        "refreshed_at": seconds(source.refreshed_at),
        "error": source.error,
        "remark": source.remark,
    }


async def _store(here: Context) -> Json:
    try:
        return {
            "measurements": await here.store.count(),
            "position": await here.store.cursor(here.outbox.id),
            "error": None,
        }
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return {"measurements": None, "position": None, "error": str(error)}

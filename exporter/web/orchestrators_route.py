"""`/api/v1/orchestrators` and `/orchestrators`: who is registered, who offers something."""

import asyncio
from typing import Final

from aiohttp import web

from exporter.leaderboard.display import shown
from exporter.maintenance import Open
from exporter.model import (
    NANOSECONDS,
    Certificate,
    ChainState,
    Reachability,
    Registration,
    normal_orchestrator,
    seconds,
)
from exporter.orchestrators import Orchestrator, State, orchestrators
from exporter.web.answers import json_answer, page_answer
from exporter.web.context import Context, context
from exporter.web.pages.orchestrators import orchestrators_page
from exporter.web.parameters import Parameters, raw_query

Json = dict[str, object]

PARAMETERS: Final = ("orchestrator", "state", "active")


async def listing(request: web.Request) -> web.Response:
    """Everybody who is registered or offers something, most stake first."""
    here = context(request)
    supply, maintenance = here.watch.supply, here.maintenance
    return json_answer(
        {
            "taken_at": None if supply is None else seconds(supply.taken_at),
            "chain": None if supply is None else _chain(supply.chain, here.now()),
            "orchestrators": [
                _orchestrator(here, one, maintenance.of(one.orchestrator))
                for one in _asked_for(request)
            ],
        }
    )


async def page(request: web.Request) -> web.Response:
    """The same as a page."""
    here = context(request)
    supply = here.watch.supply
    made = await asyncio.to_thread(  # a thousand rows take some tenths of a second
        orchestrators_page,
        _asked_for(request),
        None if supply is None else supply.chain,
        name=here.names.name,
        now=here.now(),
        maintenance=here.maintenance,
    )
    return page_answer(made)


def _asked_for(request: web.Request) -> list[Orchestrator]:
    parameters = Parameters(raw_query(request.raw_path), PARAMETERS)
    wanted = normal_orchestrator(parameters.text("orchestrator") or "") or None
    state = parameters.choice("state", tuple(state.value for state in State))
    active = {"yes": True, "no": False, None: None}[parameters.choice("active", ("yes", "no"))]
    supply = context(request).watch.supply
    return [
        one
        for one in (() if supply is None else orchestrators(supply))
        if wanted in (None, one.orchestrator)
        and state in (None, one.state.value)
        and active in (None, one.registration is not None and one.registration.active)
    ]


def _orchestrator(here: Context, one: Orchestrator, window: Open | None) -> Json:
    return {
        "orchestrator": one.orchestrator,
        "orchestrator_address": shown(one.orchestrator),
        "name": here.names.name(one.orchestrator),
        "state": one.state,
        "unlisted_since": seconds(one.unlisted_since),
        "offers": len(one.offers),
        "tested": one.tested,
        "maintenance": None if window is None else _window(window),
        **_registration(one.registration),
    }


def _window(window: Open) -> Json:
    return {"until": seconds(window.until), "reason": window.reason}


def _registration(one: Registration | None) -> Json:
    """What the chain says; `null` in every field where it says nothing."""
    facts = ("stake", "share", "reward_cut", "fee_share", "active", "in_pool", "activation_round")
    more = ("deactivation_round", "last_reward_round", "ai_service_uri", "ai_uri_refused")
    names = (*facts, *more, "service_uri", "uri_refused")
    reached = () if one is None else one.reachability
    return {
        **{name: None if one is None else getattr(one, name) for name in names},
        "reachability": [_reachability(look) for look in reached],
    }


def _reachability(look: Reachability) -> Json:
    return {
        "uri": look.uri,
        "at": seconds(look.at),
        "reached": look.reached,
        "stage": look.stage,
        "error": look.error,
        "address": look.address,
        "rtt": seconds(look.rtt),
        "tls_version": look.tls_version,
        "certificate": None if look.certificate is None else _certificate(look.certificate),
    }


def _certificate(found: Certificate) -> Json:
    return {
        "sha256": found.sha256,
        "not_before": seconds(found.not_before),
        "not_after": seconds(found.not_after),
        "names": found.names,
        "issuer": found.issuer,
        "self_signed": found.self_signed,
        "matches_host": found.matches_host,
    }


def _chain(chain: ChainState | None, now: int) -> Json | None:
    if chain is None:
        return None
    return {
        "chain_id": chain.chain_id,
        "block": chain.block,
        "block_time": seconds(chain.block_time),
        "age": max(0.0, (now - chain.block_time) / NANOSECONDS),
        "read_at": seconds(chain.read_at),
        "round": chain.round,
        "round_initialized": chain.round_initialized,
        "pool_size": chain.pool_size,
        "pool_limit": chain.pool_limit,
        "total_active_stake": chain.total_active_stake,
    }

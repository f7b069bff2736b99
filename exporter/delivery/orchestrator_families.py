"""The families about who is registered on the chain, and how old that is."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import Metric as Family

from exporter.delivery.families import clean, gauge, info
from exporter.model import ChainState, Supply, seconds
from exporter.orchestrators import Orchestrator, State, orchestrators

MAX_ORCHESTRATORS: Final = 1000


def orchestrator_families(
    supply: Supply | None,
    display: Callable[[str], str],
    name: Callable[[str], str | None],
) -> Iterator[Family]:
    """What the chain says; nothing where none is read, or none could be read yet."""
    if supply is None or supply.chain is None:
        return
    everybody = orchestrators(supply)
    yield _states(everybody)
    yield from _registered(everybody[:MAX_ORCHESTRATORS], display, name)
    yield from _chain(supply.chain)


def _states(everybody: tuple[Orchestrator, ...]) -> Family:
    family = gauge("livepeer_ai_tester_orchestrators")
    counts = Counter(one.state for one in everybody)
    for state in State:
        family.add_metric((state.value,), counts[state])
    return family


def _registered(
    most: tuple[Orchestrator, ...],
    display: Callable[[str], str],
    name: Callable[[str], str | None],
) -> Iterator[Family]:
    about = info("livepeer_ai_orchestrator_info")
    stake = gauge("livepeer_ai_orchestrator_stake_lpt")
    active = gauge("livepeer_ai_orchestrator_active")
    for one in most:
        known = one.registration
        if known is None:
            continue
        address = clean(display(one.orchestrator))
        labels = {
            "orchestrator_address": address,
            "name": clean(name(one.orchestrator) or ""),
            "state": one.state.value,
            "ai_service_uri": clean(known.ai_service_uri or ""),
            "service_uri": clean(known.service_uri or ""),
        }
        about.add_metric((), labels)
        stake.add_metric((address,), known.stake)
        active.add_metric((address,), 1 if known.active else 0)
    yield from (about, stake, active)


def _chain(chain: ChainState) -> Iterator[Family]:
    for name, value in (
        ("livepeer_ai_tester_chain_block", chain.block),
        ("livepeer_ai_tester_chain_block_timestamp_seconds", seconds(chain.block_time)),
        ("livepeer_ai_tester_chain_round", chain.round),
    ):
        family = gauge(name)
        family.add_metric((), value or 0)
        yield family

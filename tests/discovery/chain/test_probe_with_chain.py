"""The probe process with the chain as a source."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exporter import probe
from exporter.model import Supply
from exporter.outbox import Outbox
from exporter.settings import Settings
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from tests.discovery.chain.chains import populate
from tests.ethereum import faults
from tests.ethereum.fault_proxy import Fault, FaultProxy
from tests.ethereum.livepeer import LPT, Livepeer, who

PATIENCE = 60


async def round_of(network: SimulatedNetwork, folder: Path, url: str, **more: Any) -> Supply:
    """What is known after one round."""
    plain = network.settings(folder / "data", 0, **more)
    plain["ethereum"] = {"rpc": [{"url": url}]}
    plain["sources"]["chain"] = {}
    chosen = Settings.model_validate(plain)
    async with asyncio.timeout(PATIENCE):
        await probe.serve(chosen, stop=asyncio.Event(), once=True)
    outbox = Outbox.open(chosen.data / "outbox.sqlite", max_bytes=2**30, keep_delivered=0)
    payload = await outbox.notice("supply")
    measured = {measurement.orchestrator for _, measurement in await outbox.tail(1000)}
    await outbox.close()
    assert payload is not None
    supply = msgspec.json.decode(payload, type=Supply)
    assert measured == {offer.target.orchestrator for offer in supply.tested}
    return supply


async def test_who_is_registered_is_in_the_supply(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 4))
    async with SimulatedNetwork(2, profiles=[Profile.FAST], speed=10) as network:
        (one, other) = sorted({target.orchestrator for target in network.targets})
        livepeer.join(one, 20 * LPT)
        livepeer.new_round()
        supply = await round_of(network, tmp_path, node_url)
        assert [known.orchestrator for known in supply.registered] == sorted(
            [one, *(who(n) for n in (1, 2, 3))]
        )
        assert supply.chain is not None
        assert {offer.target.orchestrator: offer.registered for offer in supply.offers} == {
            one: True,
            other: False,
        }
        only = await round_of(network, tmp_path / "only", node_url, filter={"registered": "active"})
    assert {offer.target.orchestrator for offer in only.tested} == {one}


@pytest.mark.parametrize("fault", [faults.hang, faults.status(401), faults.empty_pool])
async def test_a_node_that_fails_stops_no_round(
    livepeer: Livepeer, proxy: FaultProxy, tmp_path: Path, fault: Fault
) -> None:
    populate(livepeer, range(1, 4))
    proxy.always(fault)
    async with SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network:
        supply = await round_of(network, tmp_path, proxy.url)
    proxy.works()
    assert len(supply.tested) >= 1
    assert (supply.registered, supply.chain) == ((), None)
    (state,) = [one for one in supply.sources if one.name == "chain"]
    assert state.error
    assert state.refreshed_at is None

"""The probe at work with an account that pays: what it says of it, and over a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter import probe
from exporter.settings import Settings
from exporter.settings.ethereum import ChainSource
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from tests.ethereum import faults
from tests.ethereum.fault_proxy import FaultProxy
from tests.ethereum.livepeer import ETH, LPT, Livepeer, who
from tests.waiting import eventually

PAYER = who(7)


@asynccontextmanager
async def probing(settings: Settings) -> AsyncIterator[str]:
    """Run the probe for the length of the block; gives its base URL."""
    stop, url = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(probe.serve(settings, stop=stop, on_ready=url.set_result))
    try:
        await asyncio.wait([task, url], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield await url
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await task


@pytest.fixture
async def settings(proxy: FaultProxy, tmp_path: Path) -> AsyncIterator[Settings]:
    """A network off-chain, and lanes that would pay there if their program were one."""
    paying = {
        "account": PAYER,
        "keystore": str(tmp_path / "keystore"),
        "passphrase_file": str(tmp_path / "passphrase"),
        "max_price_per_unit": 1,
    }
    async with SimulatedNetwork(1, profiles=[Profile.FAST], lanes="managed") as network:
        yield Settings.model_validate(
            network.settings(
                tmp_path / "data",
                0,
                livepeer={"binary": "/bin/false", "on_chain": paying},
                ethereum={"rpc": [{"url": proxy.url}]},
                schedule={"interval": 86400.0},
            )
        )


async def money(
    settings: Settings, seen: float | None = None
) -> tuple[list[str], list[str], dict[str, Any]]:
    """What `/readyz` and `/status` of a probe say once it has read the account after `seen`."""
    async with probing(settings) as url, httpx.AsyncClient() as client:
        told: dict[str, Any] = {}

        async def read() -> bool:
            told.update((await client.get(f"{url}/status")).json()["money"])
            return told["read_at"] not in (None, seen)

        await eventually(read)
        answer = (await client.get(f"{url}/readyz")).json()
        metrics = (await client.get(f"{url}/metrics")).text
        assert "livepeer_ai_tester_account_deposit_wei " in metrics
    reasons = [text for text in answer["reasons"] if text.startswith("money: ")]
    return reasons, answer["warnings"], told


async def test_an_account_that_cannot_pay_is_a_reason_and_a_low_reserve_a_warning(
    livepeer: Livepeer, settings: Settings
) -> None:
    reasons, warnings, before = await money(settings)
    assert reasons == [
        f"money: the paying account {PAYER} has no deposit",
        f"money: the paying account {PAYER} has no reserve",
    ]
    assert warnings == []
    livepeer.fund(PAYER, ETH, ETH // 10)
    reasons, warnings, told = await money(settings, before["read_at"])
    assert reasons == []
    assert [text[:36] for text in warnings] == ["money: the reserve of 0.1 ETH is bel"]
    assert (told["deposit"], told["reserve"], told["lock"]) == (ETH, ETH // 10, "locked")


async def test_after_a_restart_without_any_node_the_last_known_amounts_are_told_with_their_age(
    livepeer: Livepeer, proxy: FaultProxy, settings: Settings
) -> None:
    livepeer.fund(PAYER, ETH, ETH)
    _, _, before = await money(settings)
    proxy.always(faults.status(500))
    async with probing(settings) as url, httpx.AsyncClient() as client:

        async def fails() -> bool:
            return (await client.get(f"{url}/status")).json()["money"]["error"] is not None

        await eventually(fails)
        told = (await client.get(f"{url}/status")).json()["money"]
        warnings = (await client.get(f"{url}/readyz")).json()["warnings"]
    assert (told["deposit"], told["read_at"]) == (ETH, before["read_at"])
    assert told["age"] > 0
    assert len(warnings) == 1
    assert "cannot be read" in warnings[0]
    assert proxy.key not in warnings[0]


async def test_an_orchestrators_own_account_starts_no_gateway(
    livepeer: Livepeer, settings: Settings
) -> None:
    livepeer.fund(PAYER, ETH, ETH)
    livepeer.join(PAYER, 5 * LPT)
    reasons, _, _ = await money(settings)
    assert reasons == [
        f"money: the paying account {PAYER} is registered as an orchestrator: use one of its own"
    ]


async def test_the_chain_and_the_account_are_read_over_the_same_nodes(
    settings: Settings, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.always(faults.status(401))
    sources = settings.sources.model_copy(update={"chain": ChainSource()})
    both = settings.model_copy(update={"sources": sources})
    async with probing(both) as url, httpx.AsyncClient() as client:

        async def tried() -> bool:
            return bool((await client.get(f"{url}/status")).json()["money"]["error"])

        await eventually(tried)
    assert "discovery source fails" in caplog.text
    told = caplog.messages.count("an Ethereum node fails")
    assert told == 1, "who knows that the key is refused tells the other"

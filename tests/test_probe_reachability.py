"""The probe process looks at everybody who is registered, and publishes what it found."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from exporter import probe
from exporter.discovery.discover import Discovery
from exporter.model import Reachability, Registration, Supply
from exporter.outbox import Outbox
from exporter.settings import Settings
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from tests.probing.kit import free_port
from tests.probing.reachability.servers import issued, tls_server
from tests.test_probe import open_outbox, probing, settings_for
from tests.waiting import eventually, until

ALICE, BOB = "0x" + "a" * 40, "0x" + "b" * 40


def knowing(monkeypatch: pytest.MonkeyPatch, *registered: Registration) -> None:
    """Discovery as if a chain had been read as well: who is registered."""
    refresh = Discovery.refresh

    async def refreshed(self: Discovery) -> Supply:
        return msgspec.structs.replace(await refresh(self), registered=registered)

    monkeypatch.setattr(Discovery, "refresh", refreshed)


def registration(who: str, ai: str | None, plain: str | None = None) -> Registration:
    return Registration(
        orchestrator=who,
        active=True,
        in_pool=True,
        stake=1.0,
        ai_service_uri=ai,
        service_uri=plain,
    )


async def published(settings: Settings) -> dict[str, tuple[Reachability, ...]]:
    """What the station is told of each registered orchestrator."""
    outbox = open_outbox(settings)
    try:
        payload = await outbox.notice("supply")
    finally:
        await outbox.close()
    if payload is None:
        return {}
    supply = msgspec.json.decode(payload, type=Supply)
    return {one.orchestrator: one.reachability for one in supply.registered}


def chain_settings(network: SimulatedNetwork, folder: Path, **chain: object) -> Settings:
    """The network's settings, with a chain of which nobody answers."""
    plain = settings_for(network, folder)
    document = plain.model_dump(mode="python", exclude_unset=True)
    document["ethereum"] = {"rpc": [{"url": f"http://127.0.0.1:{free_port()}"}], "timeout": 0.2}
    document["sources"] |= {"chain": chain}
    return Settings.model_validate(document)


async def test_who_offers_nothing_is_looked_at_too_and_it_is_told_after_the_first_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    async with (
        SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network,
        tls_server(issued("127.0.0.1")) as port,
    ):
        knowing(
            monkeypatch,
            registration(ALICE, f"https://127.0.0.1:{port}", dead),
            registration(BOB, None),
        )
        settings = chain_settings(network, tmp_path)
        async with probing(settings, together=True):

            async def told() -> bool:
                return len((await published(settings)).get(ALICE, ())) == 2

            await eventually(told)
            first, second = (await published(settings))[ALICE]
        found = await published(settings)
    assert (first.reached, second.reached) == (True, False)
    assert first.certificate is not None
    assert first.certificate.names == ("127.0.0.1",)
    assert found[BOB] == ()


async def test_what_was_found_is_shown_again_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Supply] = []
    publish = Outbox.publish

    async def noted(self: Outbox, topic: str, payload: bytes) -> None:
        if topic == "supply":
            told.append(msgspec.json.decode(payload, type=Supply))
        await publish(self, topic, payload)

    monkeypatch.setattr(Outbox, "publish", noted)
    async with (
        SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network,
        tls_server(issued("127.0.0.1")) as port,
    ):
        knowing(monkeypatch, registration(ALICE, f"https://127.0.0.1:{port}"))
        settings = chain_settings(network, tmp_path)
        async with probing(settings, together=True):
            await until(lambda: any(supply.registered[0].reachability for supply in told))
        before = told[-1].registered[0].reachability
        told.clear()
        async with probing(settings, together=True):
            await until(lambda: bool(told))
        assert told[0].registered[0].reachability == before


async def test_nobody_is_looked_at_where_it_is_not_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[int] = []

    async def listening(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        touched.append(1)
        writer.close()

    server = await asyncio.start_server(listening, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network:
        knowing(monkeypatch, registration(ALICE, f"http://127.0.0.1:{port}"))
        settings = chain_settings(network, tmp_path, reach_interval=None)
        await probe.serve(settings, stop=asyncio.Event(), once=True)
    assert touched == []
    assert (await published(settings))[ALICE] == ()

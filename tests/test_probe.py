"""The probe process at work: discovery that comes late, an outbox without room, the cold."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from exporter import probe
from exporter.data_folder import DataFolder
from exporter.known import Known
from exporter.model import Measurement, Outcome, Registration, Supply
from exporter.outbox import Outbox, OutboxFull
from exporter.probing import connectivity
from exporter.settings import Settings
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from exporter.simulation.scout import ScoutMode
from tests.measurements import good
from tests.probing.kit import free_port, raw_server
from tests.waiting import eventually, until

PATIENCE = 30


@asynccontextmanager
async def probing(settings: Settings, **options: bool) -> AsyncIterator[str]:
    """Run the probe for the length of the block; gives its base URL."""
    stop, url = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(probe.serve(settings, stop=stop, on_ready=url.set_result, **options))
    try:
        await asyncio.wait([task, url], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield await url
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await task


def settings_for(network: SimulatedNetwork, folder: Path, **overrides: Any) -> Settings:
    return Settings.model_validate(network.settings(folder / "data", 0, **overrides))


async def stored(settings: Settings) -> list[Measurement]:
    outbox = open_outbox(settings)
    rows = await outbox.tail(10_000)
    await outbox.close()
    return [measurement for _, measurement in rows]


def open_outbox(settings: Settings) -> Outbox:
    return Outbox.open(
        settings.data / "outbox.sqlite", max_bytes=settings.outbox.max_bytes, keep_delivered=0
    )


async def test_one_round_tests_every_target_once_and_ends(tmp_path: Path) -> None:
    async with SimulatedNetwork(3, profiles=[Profile.FAST], speed=10) as network:
        settings = settings_for(network, tmp_path)
        async with asyncio.timeout(PATIENCE):
            await probe.serve(settings, stop=asyncio.Event(), once=True)
        measurements = await stored(settings)
    assert sorted(m.target for m in measurements) == sorted(network.targets)
    assert {m.outcome for m in measurements} == {Outcome.OK}


async def test_discovery_that_fails_at_first_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "RETRY_EMPTY", 0.1)
    async with SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network:
        network.scout.mode = ScoutMode.UNAVAILABLE
        settings = settings_for(network, tmp_path, schedule={"interval": 1.0})
        async with probing(settings, together=True) as url, httpx.AsyncClient() as client:
            answer = await client.get(f"{url}/readyz")
            assert answer.status_code == 503
            assert answer.json()["reasons"]
            network.scout.mode = ScoutMode.CURRENT
            await eventually(lambda: ready(client, url))
            await until(lambda: bool(network.record))


async def test_with_a_full_disk_no_job_begins_and_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(probe, "STORE_PAUSE", 0.05)
    caplog.set_level("INFO")
    async with SimulatedNetwork(2, profiles=[Profile.FAST], speed=10) as network:
        settings = settings_for(network, tmp_path, schedule={"interval": 1.0})
        async with probing(settings, together=True):
            with monkeypatch.context() as disk:
                disk.setattr(Outbox, "put", refuse)
                await until(lambda: "measurements cannot be stored" in caplog.text)
                done = len(network.record)
                assert done <= len(network.members), "jobs began though nothing could be stored"
            await until(lambda: len(network.record) > done + len(network.targets))
        ids = {m.id for m in await stored(settings)}
    assert "measurements are stored again" in caplog.text
    assert len(ids) >= len(network.record) - len(network.members)
    assert caplog.text.count("measurements cannot be stored") == 1


async def ready(client: httpx.AsyncClient, url: str) -> bool:
    return (await client.get(f"{url}/readyz")).status_code == 200


async def refuse(*_: object) -> int:
    raise OutboxFull("the disk is full")


async def test_an_outbox_that_holds_as_much_as_it_may_stops_no_job(tmp_path: Path) -> None:
    async with SimulatedNetwork(2, profiles=[Profile.FAST], speed=10) as network:
        settings = settings_for(
            network, tmp_path, outbox={"max_bytes": 2**20}, schedule={"interval": 1.0}
        )
        DataFolder.open(settings.data, "probe").close()
        outbox = open_outbox(settings)
        for number in range(30):
            await outbox.put(good(f"filler-{number}", request="x" * 50_000))
        assert (await outbox.losses()).measurements > 0
        async with probing(settings, together=True):
            await until(lambda: len(network.record) > 2 * len(network.targets))
        await outbox.close()
        assert len({m.id for m in await stored(settings)}) >= len(network.record)


async def test_a_cold_model_is_not_tested_again_after_a_restart(tmp_path: Path) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.COLD], speed=20) as network:
        settings = settings_for(network, tmp_path, schedule={"cold_interval": 86400})
        member = network.members[0]
        models = zip(member.targets, member.models, strict=True)
        cold = {target for target, model in models if not model.warm}
        assert cold
        for _ in range(2):
            await probe.serve(settings, stop=asyncio.Event(), once=True)
        tested = [m.target for m in await stored(settings)]
    for target in network.targets:
        assert tested.count(target) == (1 if target in cold else 2)


async def test_the_probes_own_routes_answer(tmp_path: Path) -> None:
    async with SimulatedNetwork(2, profiles=[Profile.FAST], speed=10) as network:
        settings = settings_for(network, tmp_path)
        async with probing(settings, together=True) as url, httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/healthz")).text == "ok\n"
            await eventually(lambda: ready(client, url))
            status = (await client.get(f"{url}/status")).json()
            assert set(status) >= {"round", "running", "jobs_done", "outcomes", "skipped"}
            metrics = (await client.get(f"{url}/metrics")).text
    for name in ("jobs_running", "jobs_total", "probe_loop_lag_seconds", "round_jobs"):
        assert f"livepeer_ai_tester_{name}" in metrics


async def test_the_own_network_is_watched_though_no_job_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "NETWORK_PACE", 0.05)
    monkeypatch.setattr(connectivity, "FRESH", 0.0)
    async with SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network:
        host, port = "127.0.0.1", free_port()
        checked = settings_for(network, tmp_path, connectivity={"check": [f"{host}:{port}"]})
        async with probing(checked) as url, httpx.AsyncClient() as client:
            await eventually(lambda: shows(client, url, "livepeer_ai_tester_network_up 0.0"))
            outbox = open_outbox(checked)

            async def passed_on() -> bool:
                return b"own network is down" in (await outbox.notice("progress") or b"")

            await eventually(passed_on)
            await outbox.close()
            server = await asyncio.start_server(hang_up, host, port)
            async with server:
                await eventually(lambda: shows(client, url, "livepeer_ai_tester_network_up 1.0"))


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def shows(client: httpx.AsyncClient, url: str, line: str) -> bool:
    return line in (await client.get(f"{url}/metrics")).text.splitlines()


async def test_a_restart_while_the_gateway_is_away_goes_on_with_what_was_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with SimulatedNetwork(2, profiles=[Profile.FAST], speed=10) as network:
        settings = settings_for(network, tmp_path)
        await probe.serve(settings, stop=asyncio.Event(), once=True)
        network.scout.mode = ScoutMode.UNAVAILABLE
        await probe.serve(settings, stop=asyncio.Event(), once=True)
        tested = [m.target for m in await stored(settings)]
    assert set(tested) == set(network.targets)
    assert len(tested) > len(network.targets)
    assert "going on with what was known" in caplog.text


async def test_a_restart_does_not_go_on_with_what_was_not_listed_any_more(tmp_path: Path) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network:
        settings = settings_for(network, tmp_path)
        await probe.serve(settings, stop=asyncio.Event(), once=True)
        outbox = open_outbox(settings)
        known = msgspec.json.decode(await outbox.notice("supply") or b"", type=Supply)
        gone = [msgspec.structs.replace(offer, unlisted_since=1) for offer in known.offers]
        known = msgspec.structs.replace(known, offers=tuple(gone))
        await outbox.publish("supply", msgspec.json.encode(known))
        await outbox.close()
        network.scout.mode = ScoutMode.UNAVAILABLE
        with pytest.raises(probe.NothingToTestError):
            await probe.serve(settings, stop=asyncio.Event(), once=True)


async def test_where_nothing_was_known_nothing_is_gone_on_with(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.FAST]) as network:
        network.scout.mode = ScoutMode.UNAVAILABLE
        settings = settings_for(network, tmp_path)
        for _ in range(2):
            with pytest.raises(probe.NothingToTestError, match="since sources fail"):
                await probe.serve(settings, stop=asyncio.Event(), once=True)
    assert "going on with what was known" not in caplog.text


async def test_one_round_without_a_program_for_its_gateways_fails_and_says_why(
    tmp_path: Path,
) -> None:
    async with SimulatedNetwork(2, profiles=[Profile.FAST], speed=10, lanes="managed") as network:
        settings = settings_for(network, tmp_path, livepeer={"binary": "/bin/false"})
        with pytest.raises(probe.NothingToTestError) as caught:
            await probe.serve(settings, stop=asyncio.Event(), once=True)
    assert str(caught.value).startswith("nothing was tested: ")
    assert "its gateway does not start" in str(caught.value)
    assert "/bin/false: does not seem to be go-livepeer" in str(caught.value)


async def test_one_round_of_cold_models_that_were_tested_lately_is_no_failure(
    tmp_path: Path,
) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.COLD], speed=20) as network:
        models = network.members[0].models
        cold = {served.model for served in models if not served.warm}
        exclude = {"models": [served.model for served in models if served.model not in cold]}
        settings = settings_for(
            network, tmp_path, schedule={"cold_interval": 86400}, filter={"exclude": exclude}
        )
        assert cold
        for _ in range(2):
            await probe.serve(settings, stop=asyncio.Event(), once=True)
        assert len(await stored(settings)) == len(cold)


async def test_a_program_that_is_none_is_told_before_the_first_cycle(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.FAST], lanes="managed") as network:
        slow = {"interval": 86400.0}
        settings = settings_for(network, tmp_path, livepeer={"binary": "/bin/false"}, schedule=slow)
        async with probing(settings) as url, httpx.AsyncClient() as client:

            async def told() -> bool:
                answer = await client.get(f"{url}/readyz")
                return "no gateway can be started: /bin/false: " in answer.text

            await eventually(told)
            await until(lambda: "no gateway can be started: /bin/false: " in caplog.text)
            outbox = open_outbox(settings)

            async def passed_on() -> bool:
                return b"/bin/false" in (await outbox.notice("progress") or b"")

            await eventually(passed_on)
            await outbox.close()


async def test_a_stop_while_the_first_refresh_waits_is_heeded_at_once(tmp_path: Path) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with SimulatedNetwork(1, profiles=[Profile.FAST]) as network, raw_server(hang) as to:
        sources = {"gateway": [{"url": f"http://{to[0]}:{to[1]}", "timeout": 600}]}
        settings = settings_for(network, tmp_path, sources=sources)
        stop = asyncio.Event()
        ready = asyncio.Event()
        task = asyncio.create_task(probe.serve(settings, stop=stop, on_ready=lambda _: ready.set()))
        await ready.wait()
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await task


def test_whoever_is_registered_is_known_as_an_orchestrator_whether_or_not_it_offers_anything() -> (
    None
):
    known = Known()
    assert known.orchestrators() == frozenset()
    registered = Registration(orchestrator="0xaa", active=False, in_pool=True, stake=1.0)
    known.take(Supply(offers=(), sources=(), taken_at=0, registered=(registered,)))
    assert known.orchestrators() == {"0xaa"}

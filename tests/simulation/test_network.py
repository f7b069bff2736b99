import asyncio
import contextlib
import time
from ipaddress import ip_address
from pathlib import Path

import httpx
import msgspec
import pytest

from exporter.model import Blame, LaneKind, Outcome
from exporter.settings import Settings
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.orchestrator import SimulatedOrchestrator
from exporter.simulation.pinned import PinnedGateway
from exporter.simulation.population import LLM, Profile, populate
from tests.simulation.jobs import a_network, ask_for_words, form, model_of, until


def test_two_networks_of_one_seed_are_the_same() -> None:
    first, second = SimulatedNetwork(12, 3), SimulatedNetwork(12, 3)
    assert first.members == second.members
    assert first.targets == second.targets
    for target in first.targets:
        for job in (1, 2, 30):
            assert first.script(target, job) == second.script(target, job)


def test_a_network_can_be_given_its_members() -> None:
    first, second, third = populate(3, 7, [Profile.FAST])
    several = tuple(
        msgspec.structs.replace(third.models[0], model=f"example/{number}", seconds=(1, 1))
        for number in range(10)
    )
    network = SimulatedNetwork(
        members=[first, msgspec.structs.replace(third, models=several)], lanes="managed"
    )
    assert [member.number for member in network.members] == [1, 3]
    assert second.address not in {target.orchestrator for target in network.targets}
    for target in network.targets:
        if target.orchestrator == third.address:
            assert network.script(target, 1).seconds == 1
    assert len(network.targets) == len(first.models) + 10


async def test_the_settings_are_valid_and_fit_the_network(tmp_path: Path) -> None:
    async with SimulatedNetwork() as network:
        settings = Settings.model_validate(network.settings(tmp_path, 0))
        assert settings.region == "DEMO"
        assert settings.data == tmp_path
        assert settings.sources.gateway[0].url == network.scout.url
        pinned = {lane.orchestrator: lane.url for lane in settings.lanes if lane.kind == "pinned"}
        assert len(pinned) == 4
        for address, url in pinned.items():
            assert address is not None
            gateway = network.gateway(address)
            assert gateway is not None
            assert gateway.url == url
        assert [lane.kind for lane in settings.lanes if lane.orchestrator is None] == ["direct"]
        assert settings.schedule.cold_interval == settings.schedule.interval
        assert settings.probe.listen != settings.station.listen


async def test_settings_take_a_port_and_overrides(tmp_path: Path) -> None:
    async with SimulatedNetwork(3) as network:
        plain = network.settings(tmp_path, 9877, limits={"inference": 2.5}, tester="other")
        settings = Settings.model_validate(plain)
        assert settings.station.listen == "127.0.0.1:9877"
        assert settings.probe.listen == "127.0.0.1:9878"
        assert settings.limits.inference == 2.5
        assert settings.limits.connect == 3.0
        assert settings.tester == "other"


async def test_settings_need_a_started_network(tmp_path: Path) -> None:
    network = SimulatedNetwork(1)
    with pytest.raises(RuntimeError, match="has not been started"):
        network.settings(tmp_path, 0)


async def test_everything_listens_on_loopback_on_its_own_port() -> None:
    async with SimulatedNetwork() as network:
        urls = [o.url for o in network.orchestrators] + [network.scout.url]
        urls += [url for gateway in network.gateways for url in (gateway.url, gateway.cli_url)]
        assert len(set(urls)) == len(urls) == 12 + 1 + 8
        assert all(ip_address(httpx.URL(url).host).is_loopback for url in urls)


def in_hand(network: SimulatedNetwork) -> int:
    return sum(o.in_flight(model) for o in network.orchestrators for model in o.member.models)


async def test_stop_ends_everything_at_once_whatever_clients_do() -> None:
    hanging = [Profile.HANGING] * 4
    network = a_network(hanging[0], Profile.SLOW, *hanging[1:], speed=0.1)
    await network.start()
    _, pinned = network.gateways
    servers: list[tuple[SimulatedOrchestrator | PinnedGateway, SimulatedOrchestrator]] = [
        *((one, one) for one in network.orchestrators[:2] * 2),
        (pinned, pinned.orchestrator),
    ]
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        running = []
        for number, (server, orchestrator) in enumerate(servers):
            body = form(model_of(orchestrator, LLM), stream=number > 1)
            running.append(asyncio.create_task(client.post(f"{server.url}/llm", json=body)))
        _, half_a_request = await asyncio.open_connection("127.0.0.1", network.scout.port)
        half_a_request.write(b"GET /status HTTP/1.1\r\nHost: a\r\nX-Unfinished: ")
        await until(lambda: in_hand(network) == 5)
        started = time.monotonic()
        await network.stop()
        assert time.monotonic() - started < 2.0
        answers = await asyncio.gather(*running, return_exceptions=True)
        assert all(isinstance(a, httpx.HTTPError) or a.status_code >= 500 for a in answers)  # type: ignore[union-attr] # gather's union
        half_a_request.close()
        with contextlib.suppress(ConnectionError):
            await half_a_request.wait_closed()
    assert {record.served for record in network.record} == {"aborted"}


async def test_stop_twice_or_without_a_start_is_harmless() -> None:
    await SimulatedNetwork(2).stop()
    network = a_network(Profile.FAST, Profile.DEAD)
    await network.start()
    await network.stop()
    await network.stop()


async def test_record_and_summary_tell_what_was_done(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.FAST, Profile.BUSY) as network:
        for orchestrator in network.orchestrators:
            model = model_of(orchestrator, LLM).model
            await asyncio.gather(
                *(ask_for_words(client, orchestrator.url, model) for _ in range(3))
            )
        summary = network.summary()
        assert summary["jobs"] == len(network.record) == 6
        assert summary["full"] + summary["error"] == 6
        fast = summary["orchestrators"][network.members[0].address]
        assert fast == {
            "jobs": 3,
            "full": 3,
            "error": 0,
            "aborted": 0,
            "most_at_once": 3,
            "name": network.members[0].name,
            "profile": "fast",
        }
        for record in network.record:
            assert record.finished_at > record.received_at
            assert record.target in network.targets
            assert record.via == "direct"
        assert sorted(r.job for r in network.record[:3]) == [1, 2, 3]


def test_expectations_are_told_for_each_lane() -> None:
    network = a_network(Profile.FAST, Profile.DEAD)
    for target in network.targets:
        dead = target.orchestrator == network.members[1].address
        direct = (Outcome.CONNECT_REFUSED, Blame.ORCHESTRATOR) if dead else (Outcome.OK, None)
        assert network.expected(target) == {direct}
        pinned = network.expected(target, lane=LaneKind.PINNED)
        assert ((Outcome.UNAVAILABLE, Blame.UNKNOWN) in pinned) == dead
        assert ((Outcome.OK, None) in pinned) != dead


def test_who_is_not_in_the_network_is_not_found() -> None:
    network = SimulatedNetwork(2)
    with pytest.raises(KeyError):
        network.orchestrator("0x0")
    assert network.gateway("0x0") is None
    assert network.orchestrator(network.members[1].address).member is network.members[1]


def test_a_speed_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        SimulatedNetwork(speed=0)


async def test_a_start_that_fails_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    network = a_network(Profile.FAST)

    async def no_port() -> None:
        raise OSError("no port")

    monkeypatch.setattr(network.scout, "start", no_port)
    with pytest.raises(OSError, match="no port"):
        await network.start()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(network.orchestrators[0].host, network.orchestrators[0].port)


async def test_many_jobs_at_once_are_all_served(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.FAST, speed=1) as network:
        orchestrator = network.orchestrators[0]
        model = model_of(orchestrator, LLM).model
        answers = await asyncio.gather(
            *(ask_for_words(client, orchestrator.url, model) for _ in range(60))
        )
        assert {answer.status_code for answer in answers} == {200}

"""The network as managed lanes meet it: what a gateway of one's own shows of each profile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from exporter.model import Blame, LaneKind, Outcome, Target
from exporter.probing.lane_log.explain import Explanation, explain
from exporter.probing.lane_log.line import read
from exporter.settings import Settings
from exporter.simulation.gateway.flags import GatewayFlags
from exporter.simulation.gateway.service import SimulatedGateway
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.orchestrator import SimulatedOrchestrator
from exporter.simulation.pinned import FASTEST
from exporter.simulation.population import LLM, PRICE_LIMIT, Profile, ServedModel
from tests.simulation.jobs import form
from tests.waiting import until

SPEED = 10.0
NO_CAPACITY = (Outcome.NO_CAPACITY, None)
THEIRS = (Outcome.ORCHESTRATOR_ERROR, Blame.ORCHESTRATOR)


def a_managed_network(*profiles: Profile, seed: int = 5) -> SimulatedNetwork:
    return SimulatedNetwork(
        len(profiles), seed=seed, speed=SPEED, profiles=profiles, lanes="managed"
    )


class Lane:
    """A gateway of one's own, pinned to one orchestrator, whose log is read."""

    def __init__(self, orchestrator: SimulatedOrchestrator) -> None:
        self.orchestrator = orchestrator
        self.lines: list[str] = []
        flags = GatewayFlags(
            http_addr="127.0.0.1:0",
            cli_addr="127.0.0.1:0",
            rtmp_addr="127.0.0.1:0",
            orch_addr=orchestrator.gateway_url,
            retry_timeout=1_000_000,
            verbosity=5,
            max_price_per_unit=str(PRICE_LIMIT),
        )
        self.gateway = SimulatedGateway(flags, name="managed", speed=FASTEST, log=self.lines.append)

    async def run(self, model: ServedModel) -> tuple[httpx.Response | None, Explanation]:
        """Run one job; gives the answer, if one came, and what the log says about it."""
        begun = len(self.lines)
        url = f"{self.gateway.url}/{model.pipeline}"
        body = form(model, stream=True) if model.pipeline == LLM else form(model)
        answer: httpx.Response | None = None
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            with contextlib.suppress(httpx.TransportError):
                answer = await client.post(url, json=body)
        told = explain(
            [read(line) for line in self.lines[begun:]],
            version="0.9.1",
            request_id=None,
            pinned=self.orchestrator.gateway_url,
            on_chain=False,
        )
        return answer, told

    async def pools(self) -> str:
        """The gateway's session pools."""
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{self.gateway.cli_url}/getAISessionPoolsInfo")).text


@contextlib.asynccontextmanager
async def a_lane(orchestrator: SimulatedOrchestrator) -> AsyncIterator[Lane]:
    lane = Lane(orchestrator)
    await lane.gateway.start()
    try:
        yield lane
    finally:
        await lane.gateway.stop()


def target_of(orchestrator: SimulatedOrchestrator, model: ServedModel) -> Target:
    return Target(orchestrator.member.address, model.pipeline, model.model)


@pytest.mark.parametrize(
    "profile",
    [
        Profile.FLAKY,
        Profile.BUSY,
        Profile.DEAR,
        Profile.UNPAYABLE,
        Profile.MISREPORTING,
        Profile.LEAKING,
        Profile.TRUNCATING,
    ],
)
async def test_the_log_of_a_lane_tells_what_each_failure_deserves(profile: Profile) -> None:
    async with a_managed_network(profile, Profile.FAST) as network:
        orchestrator = network.orchestrators[0]
        failures = 0
        async with a_lane(orchestrator) as lane:
            for model in orchestrator.member.models:
                for number in range(1, 5):
                    answer, told = await lane.run(model)
                    if answer is not None and answer.status_code == 200:
                        continue
                    failures += 1
                    target = target_of(orchestrator, model)
                    expected = network.expected(target, job=number, lane=LaneKind.MANAGED)
                    assert (told.outcome, told.blame) in expected, (model, number, lane.lines)
        assert failures


@pytest.mark.parametrize("profile", [Profile.FAST, Profile.SLOW, Profile.COLD])
async def test_good_ones_are_good_through_a_lane(profile: Profile) -> None:
    async with a_managed_network(profile) as network:
        (orchestrator,) = network.orchestrators
        async with a_lane(orchestrator) as lane:
            for model in orchestrator.member.models:
                answer, told = await lane.run(model)
                assert answer is not None
                assert answer.status_code == 200
                assert told.outcome is None
        assert {record.via for record in network.record} == {"managed"}
        assert {record.served for record in network.record} == {"full"}


async def test_a_dead_one_costs_the_connection_limit_and_gives_no_session() -> None:
    async with a_managed_network(Profile.DEAD) as network:
        (orchestrator,) = network.orchestrators
        async with a_lane(orchestrator) as lane:
            answer, told = await lane.run(orchestrator.member.models[0])
            assert answer is not None
            assert answer.status_code == 503
            assert answer.elapsed.total_seconds() >= 3.0 / FASTEST
            assert told.outcome is Outcome.UNAVAILABLE
        assert network.record == []


async def test_a_hanging_one_lets_the_client_wait() -> None:
    async with a_managed_network(Profile.HANGING) as network:
        (orchestrator,) = network.orchestrators
        async with a_lane(orchestrator) as lane:
            answer, _ = await lane.run(orchestrator.member.models[0])
            assert answer is None


async def test_a_broken_stream_ends_early_and_in_good_order() -> None:
    async with a_managed_network(Profile.TRUNCATING) as network:
        (orchestrator,) = network.orchestrators
        model = next(m for m in orchestrator.member.models if m.pipeline == LLM)
        async with a_lane(orchestrator) as lane:
            answer, _ = await lane.run(model)
            assert answer is not None
            assert answer.status_code == 200
            assert answer.text.count("data: ") >= 1
            assert "finish_reason" not in answer.text
        assert network.record[0].served == "aborted"


async def test_what_leaks_is_warm_and_never_free_again() -> None:
    async with a_managed_network(Profile.LEAKING) as network:
        (orchestrator,) = network.orchestrators
        model = orchestrator.member.models[0]
        verdicts = []
        async with a_lane(orchestrator) as lane:
            for _ in range(3):
                _, told = await lane.run(model)
                verdicts.append((told.outcome, told.blame))
        assert verdicts == [THEIRS, NO_CAPACITY, NO_CAPACITY]
        assert [record.job for record in network.record] == [1, 2, 3]
        advert = await the_advert(network, model)
        assert advert["warm"] is True
        assert "capacity" not in advert


async def the_advert(network: SimulatedNetwork, model: ServedModel) -> dict[str, object]:
    async with httpx.AsyncClient(trust_env=False) as client:
        listed = (await client.get(f"{network.scout.url}/getNetworkCapabilities")).json()
    constraints = listed["orchestrators"][0]["capabilities"]["constraints"]["PerCapability"]
    advert: dict[str, object] = constraints["27"]["models"][model.model]
    return advert


async def test_jobs_for_one_that_misreports_go_to_somebody_who_does_not_take_them() -> None:
    profiles = (Profile.MISREPORTING, Profile.DEAD, Profile.SLOW, Profile.FAST)
    async with a_managed_network(*profiles) as network:
        liar, _, _, victim = network.orchestrators
        assert liar.node.reported_uri == victim.gateway_url
        model = liar.member.models[0]
        async with a_lane(liar) as lane:
            answer, _ = await lane.run(model)
            assert answer is None or answer.status_code == 503
            pools = await lane.pools()
            assert victim.gateway_url in pools
            assert liar.gateway_url not in pools
        assert network.record == []


async def test_alone_it_reports_nobody() -> None:
    async with a_managed_network(Profile.MISREPORTING) as network:
        assert network.orchestrators[0].node.reported_uri == "https://127.0.0.1:9"


async def test_both_doors_are_of_one_house() -> None:
    async with SimulatedNetwork(1, seed=5, speed=SPEED, profiles=[Profile.HANGING]) as network:
        (orchestrator,) = network.orchestrators
        model = orchestrator.member.models[0]
        async with a_lane(orchestrator) as lane, httpx.AsyncClient(trust_env=False) as client:
            running = [
                asyncio.create_task(
                    client.post(f"{orchestrator.url}/{model.pipeline}", json=form(model))
                )
                for _ in range(model.capacity)
            ]
            await until(lambda: orchestrator.in_flight(model) == model.capacity)
            _, told = await lane.run(model)
            assert (told.outcome, told.blame) == NO_CAPACITY
            for job in running:
                job.cancel()
            await until(lambda: len(network.record) == model.capacity + 1)
        numbers = sorted(record.job for record in network.record)
        assert numbers == list(range(1, model.capacity + 2))
        assert {record.via for record in network.record} == {"direct", "managed"}


async def test_the_lists_name_the_doors_that_the_lanes_need() -> None:
    for lanes, scheme in (("mixed", "http"), ("managed", "https")):
        network = SimulatedNetwork(3, seed=5, lanes=lanes)  # type: ignore[arg-type] # a literal
        async with network, httpx.AsyncClient(trust_env=False) as client:
            listed = (await client.get(f"{network.scout.url}/getNetworkCapabilities")).json()
            uris = {one["orch_uri"] for one in listed["orchestrators"]}
            assert {httpx.URL(uri).scheme for uri in uris} == {scheme}
            assert uris == {one.listed_uri for one in network.orchestrators}
            assert len(network.gateways) == (1 if lanes == "mixed" else 0)


async def test_the_settings_name_a_program_that_is_there_for_managed_lanes(
    tmp_path: Path,
) -> None:
    async with a_managed_network(Profile.FAST) as network:
        plain = network.settings(tmp_path / "data", 0, livepeer={"lanes": 2})
        settings = Settings.model_validate(plain)
    assert [lane.kind for lane in settings.lanes] == ["managed"]
    assert settings.livepeer.lanes == 2
    binary = settings.livepeer.binary
    assert binary == tmp_path / "data" / "livepeer"
    process = await asyncio.create_subprocess_exec(
        binary, "-version", stdout=asyncio.subprocess.PIPE, cwd=tmp_path, env={}
    )
    output, _ = await process.communicate()
    assert output.startswith(b"Livepeer Node Version: 0.9.1\n")
    assert process.returncode == 0

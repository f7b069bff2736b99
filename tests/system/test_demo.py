"""The demo: the whole program in one command."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from exporter.model import LaneKind, Outcome
from exporter.simulation.craft import CRAFTS
from exporter.simulation.network import SimulatedNetwork
from tests.system.service import command, running, station_of_demo, until, until_answered

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, str]:
    data = tmp_path_factory.mktemp("demo")
    return asyncio.run(command("demo", "--once", "--json", "--port", "0", "--data", str(data)))


def test_the_demo_prints_one_document_and_nothing_else(demo: tuple[int, str, str]) -> None:
    code, out, err = demo
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert set(document) == {"round", "outcomes", "leaderboard"}
    assert document["round"]["expected"] == document["round"]["done"] == 31
    assert sum(document["outcomes"].values()) == 31


def test_the_demo_finds_what_the_simulation_deserves(demo: tuple[int, str, str]) -> None:
    """Each target's outcome is drawn from the seed: the counts lie within what is deserved."""
    network = SimulatedNetwork(12, 1)
    found = Counter(json.loads(demo[1])["outcomes"])
    pinned = {gateway.orchestrator.member.address for gateway in network.gateways}
    possible: Counter[Outcome] = Counter()
    certain: Counter[Outcome] = Counter()
    for target in network.targets:
        lane = LaneKind.PINNED if target.orchestrator in pinned else LaneKind.DIRECT
        outcomes = {outcome for outcome, _ in network.expected(target, job=1, lane=lane)}
        possible.update(outcomes)
        if len(outcomes) == 1:
            certain.update(outcomes)
    for outcome in set(possible) | {Outcome(code) for code in found}:
        assert certain[outcome] <= found[outcome.value] <= possible[outcome], outcome


def test_the_leaderboard_has_everybody_and_the_failing_ones_last(
    demo: tuple[int, str, str],
) -> None:
    ranking = json.loads(demo[1])["leaderboard"]
    network = SimulatedNetwork(12, 1)
    assert {entry["orchestrator"] for entry in ranking} == {m.address for m in network.members}
    scores = [entry["score"] for entry in ranking]
    assert scores == sorted(scores, reverse=True)
    profiles = {member.address: member.profile.value for member in network.members}
    assert profiles[ranking[0]["orchestrator"]] == "fast"
    zero = {profiles[entry["orchestrator"]] for entry in ranking if entry["score"] == 0}
    assert zero == {"dead", "hanging", "truncating"}


async def test_the_demo_with_lanes_that_pay_finds_what_each_job_deserves(tmp_path: Path) -> None:
    asked = ("--lanes", "managed", "--on-chain", "--once", "--compare", "--orchestrators", "3")
    code, out, err = await command("demo", *asked, "--port", "0", "--data", str(tmp_path))
    assert (code, err) == (0, "")
    *_, last = out.splitlines()
    right, _, rest = last.partition(" of ")
    assert rest == f"{right} jobs judged as they deserve"
    assert int(right) >= 7
    assert "unavailable (orchestrator)" in out, "the dead one was listed before he died"
    assert (tmp_path / "demo.yaml").stat().st_mode & 0o777 == 0o600


@pytest.mark.timeout(600)
async def test_each_way_of_each_pipeline_is_found_good_and_each_lie_is_found_out(
    tmp_path: Path,
) -> None:
    asked = ("--all-pipelines", "--once", "--json", "--port", "0", "--data", str(tmp_path))
    code, out, err = await command("demo", *asked, patience=600)
    compared = json.loads(out)["compared"]
    assert [row for row in compared if not row["right"]] == []
    assert (code, err) == (0, "")
    found = {(row["pipeline"], row["profile"]) for row in compared}
    for name, craft in CRAFTS.items():
        assert {way for pipeline, way in found if pipeline == name} == {
            *craft.honest,
            *(f"lie: {lie}" for lie in craft.all_lies),
        }
        assert len(craft.all_lies) >= 3


async def test_the_demo_without_once_serves_every_route_until_interrupted(tmp_path: Path) -> None:
    arguments = ("demo", "--orchestrators", "2", "--port", "0", "--data", str(tmp_path))
    async with running(*arguments, log=tmp_path / "err") as service:
        base = await station_of_demo(tmp_path / "err")
        await until_answered(f"{base}/readyz")
        jobs = await until_answered(f"{base}/jobs")
        assert jobs.headers["content-type"].startswith("application/json")
        for route in (
            "/",
            "/metrics",
            "/healthz",
            "/api/aggregated_stats?pipeline=Text+to+image&model=x",
            "/api/raw_stats?orchestrator=0x0",
            "/api/top_ai_score?orchestrator=0x0",
            "/api/pipelines",
            "/api/regions",
            "/api/v1/leaderboard",
            "/api/v1/targets",
            "/api/v1/status",
        ):
            await until_answered(f"{base}{route}")
        family = service.family()
        assert len(family) >= 3
        import signal

        assert await service.stop(signal.SIGINT) == 0
        await until(lambda: not any(p.is_running() for p in family), "all processes are gone")

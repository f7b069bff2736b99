"""Two services: one measures, the other follows it and tests nobody."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from exporter.leaderboard import legacy
from exporter.model import Measurement, Origin, decode
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from tests.system.service import (
    PATIENCE,
    command,
    kill_9,
    running,
    until,
    until_answered,
    write_config,
)

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


def follower_config(network: SimulatedNetwork, url: str, folder: Path) -> tuple[Path, Any]:
    """The settings of a station that follows, on two free ports."""
    free = network.settings(folder, 0)
    followed = {
        "url": url,
        "orchestrators": sorted({target.orchestrator for target in network.targets}),
        "interval": 10,
    }
    plain = {
        "region": "LAX",
        "tester": "follower",
        "data": str(folder / "data"),
        "sources": {"follow": [followed]},
        "station": free["station"],
        "probe": free["probe"],
        "log": {"format": "json", "level": "debug"},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(plain), encoding="utf-8")
    return path, plain


async def everything(url: str) -> list[Measurement]:
    found: list[Measurement] = []
    after: dict[str, Any] | None = {}
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        while after is not None:
            answer = await client.get(f"{url}/api/v1/measurements", params=after)
            page = answer.json()
            found += [decode(json.dumps(row["payload"]).encode()) for row in page["rows"]]
            after = page["next"]
    return found


async def status(url: str) -> Any:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answer = await client.get(f"{url}/api/v1/status")
        (following,) = answer.json()["following"]
        return following


def as_told(jobs: list[Measurement]) -> Counter[str]:
    """What a leaderboard tells of its own jobs."""
    stats = [stat for of_region in legacy.raw_stats(jobs).values() for stat in of_region]
    return Counter(
        json.dumps([stat[name] for name in ("orchestrator", "model", "timestamp", "success_rate")])
        for stat in stats
    )


def as_heard(jobs: list[Measurement]) -> Counter[str]:
    """The same of what was followed."""
    assert {(job.origin, job.tester) for job in jobs} <= {(Origin.FOLLOWED, "127.0.0.1")}
    return Counter(
        json.dumps([job.orchestrator, job.model, job.reported.timestamp, job.reported.success_rate])
        for job in jobs
        if job.reported is not None
    )


async def test_what_one_measures_the_other_has_although_the_first_is_killed_meanwhile(
    tmp_path: Path,
) -> None:
    profiles = [Profile.FAST, Profile.LYING]
    async with SimulatedNetwork(2, profiles=profiles, speed=10) as network:
        (tmp_path / "one").mkdir()
        (tmp_path / "two").mkdir()
        config, plain = write_config(network, tmp_path / "one", schedule={"interval": 3})
        one = f"http://{plain['station']['listen']}"
        following, settings = follower_config(network, one, tmp_path / "two")
        two = f"http://{settings['station']['listen']}"

        async with running("run", "--config", str(following), log=tmp_path / "two.log") as second:
            await until_answered(f"{two}/readyz")
            await until_answered(f"http://{settings['probe']['listen']}/readyz")
            async with running("run", "--config", str(config), log=tmp_path / "one.log") as first:
                await until(lambda: len(first.jobs_done()) > 2, "jobs are done")
                await soon(two, lambda it: it["results"]["taken"] > 0)
                kill_9(first.family(), "everybody")
                await first.process.wait()
            await soon(two, lambda it: it["problem"] is not None)
            assert (await until_answered(f"{two}/readyz")).json()["ready"]

            async with running("run", "--config", str(config), log=tmp_path / "one.log") as first:
                done = len(first.jobs_done())
                await until(lambda: len(first.jobs_done()) > done + 2, "more jobs are done")
                assert await first.stop(signal.SIGTERM) == 0
            arguments = ("station", "--config", str(config))
            async with running(*arguments, log=tmp_path / "one.log"):
                await until_answered(f"{one}/healthz")
                told = as_told(await everything(one))
                await soon(two, lambda it: it["results"]["taken"] >= told.total())
                found = await status(two)
            shown = (await until_answered(f"{two}/metrics")).text
            counted = 'livepeer_ai_tester_followed_results_total{result="taken",source="127.0.0.1"}'
            assert f"{counted} {told.total()}.0" in shown
            assert as_heard(await everything(two)) == told
            assert found["results"]["taken"] == told.total() > 4
            assert {name: found[name] for name in ("url", "orchestrators", "problem")} == {
                "url": one,
                "orchestrators": 2,
                "problem": None,
            }
            assert await second.stop() == 0
        assert [event for event in second.events() if event["level"] == "error"] == []


async def soon(url: str, holds: Callable[[Any], bool]) -> None:
    """Wait until what the station says about following is so."""

    async def so() -> bool:
        return holds(await status(url))

    async with asyncio.timeout(PATIENCE):
        while not await so():  # noqa: ASYNC110 - it is another process that is asked
            await asyncio.sleep(0.1)


async def test_who_only_follows_is_told_so_by_every_command(tmp_path: Path) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.FAST]) as network:
        config, _ = follower_config(network, "http://127.0.0.1:1", tmp_path)
        code, out, err = await command("check-config", str(config))
        assert (code, err) == (0, "")
        assert "follows   http://127.0.0.1:1 about 1 orchestrator, nobody is tested" in out
        code, out, err = await command("targets", "--config", str(config))
        assert code == 0
        assert "Tested: 0" in out
        assert "nobody is tested" in err
        code, _, err = await command("run", "--once", "--config", str(config))
        assert code == 3
        assert "there is nobody to test: the settings only name leaderboards to follow" in err
        assert "Traceback" not in err
        url = network.orchestrators[0].url
        target = network.orchestrators[0].member.targets[0]
        asked = ("--url", url, "--pipeline", target.pipeline, "--model", target.model)
        code, out, _ = await command("probe", "--config", str(config), *asked)
        assert code == 0
        assert out.startswith("ok")

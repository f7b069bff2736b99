"""Starting, stopping, and the surroundings that do not allow it."""

import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from tests.system.service import (
    command,
    environment,
    gone,
    running,
    until,
    until_answered,
    write_config,
)

pytestmark = pytest.mark.system


async def test_run_once_ends_by_itself_with_everything_stored(tmp_path: Path) -> None:
    async with SimulatedNetwork(4, profiles=[Profile.FAST], speed=10) as network:
        config, plain = write_config(network, tmp_path)
        async with running("run", "--once", "--config", str(config), log=tmp_path / "log") as it:
            assert await it.process.wait() == 0
        done = it.jobs_done()
    assert len(done) == len(network.targets)
    with sqlite3.connect(Path(plain["data"]) / "outbox.sqlite") as outbox:
        count, last, cursor = outbox.execute(
            "SELECT (SELECT count(*) FROM measurement), (SELECT max(seq) FROM measurement), "
            "(SELECT seq FROM cursor WHERE consumer = 'store')"
        ).fetchone()
    outbox.close()
    assert count == len(done)
    assert last == cursor


async def test_sigterm_ends_running_jobs_as_cancelled_within_the_drain(tmp_path: Path) -> None:
    async with SimulatedNetwork(2, profiles=[Profile.HANGING]) as network:
        config, _ = write_config(
            network, tmp_path, schedule={"drain": 0.5}, limits={"inference": 600}
        )
        async with running(
            "run", "--together", "--config", str(config), log=tmp_path / "log"
        ) as it:
            await until(
                lambda: any(o.in_flight(m) for o in network.orchestrators for m in o.member.models),
                "a job hangs",
            )
            family = it.family()
            assert await it.stop() == 0
        assert gone(family)
    outcomes = {event["outcome"] for event in it.events() if event["event"] == "job done"}
    assert outcomes == {"cancelled"}


async def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    async with SimulatedNetwork(2, profiles=[Profile.FAST], speed=10) as network:
        config, plain = write_config(network, tmp_path)
        async with running(
            "run", "--together", "--config", str(config), log=tmp_path / "log"
        ) as it:
            await until_answered(f"http://{plain['station']['listen']}/healthz")
            await until(it.jobs_done, "jobs get done")
            family = it.family()
            it.process.send_signal(signal.SIGKILL)
            await until(lambda: gone(family), "nobody is left over")


async def test_a_port_in_use_is_said_with_the_setting_that_names_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        async with SimulatedNetwork(1, profiles=[Profile.FAST]) as network:
            config, _ = write_config(network, tmp_path, station={"listen": listen})
            code, _, err = await command("run", "--config", str(config))
    assert code == 3
    assert f"{listen} is in use by another program" in err
    assert "station.listen" in err


@pytest.mark.parametrize("role", ["probe-process", "station"])
async def test_a_second_process_on_the_same_data_folder_is_refused(
    tmp_path: Path, role: str
) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network:
        config, plain = write_config(network, tmp_path)
        listen = plain["probe" if role == "probe-process" else "station"]["listen"]
        async with running(role, "--config", str(config), log=tmp_path / "log") as first:
            await until_answered(f"http://{listen}/healthz")
            code, _, err = await command(role, "--config", str(config))
            assert code == 3
            assert "works in this folder" in err
            assert str(first.process.pid) in err


async def test_an_outbox_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network:
        config, plain = write_config(network, tmp_path)
        code, _, _ = await command("run", "--once", "--config", str(config))
        assert code == 0
        path = Path(plain["data"]) / "outbox.sqlite"
        with sqlite3.connect(path) as outbox:
            outbox.execute("PRAGMA user_version = 999")
        outbox.close()
        code, _, err = await command("run", "--once", "--config", str(config))
    assert code == 3
    assert "newer" in err
    with sqlite3.connect(path) as outbox:
        assert outbox.execute("SELECT count(*) FROM measurement").fetchone()[0] > 0
    outbox.close()


async def test_wrong_settings_are_listed_and_nothing_starts(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("region: FRA\nschedul: {}\nstation: {listen: nonsense}\n")
    code, out, err = await command("run", "--config", str(config))
    assert code == 2
    assert out == ""
    assert "config.yaml:2" in err
    assert "config.yaml:3" in err
    assert not (tmp_path / "data").exists()


async def test_a_missing_settings_file_is_said_plainly(tmp_path: Path) -> None:
    code, _, err = await command("check-config", str(tmp_path / "none.yaml"))
    assert code == 2
    assert "none.yaml" in err
    assert "Traceback" not in err


async def test_probe_shows_a_waterfall_and_its_exit_code_is_the_outcome() -> None:
    async with SimulatedNetwork(2, profiles=[Profile.FAST, Profile.DEAD], speed=5) as network:
        good, dead = network.orchestrators
        target = good.member.targets[0]
        asked = ("--pipeline", target.pipeline, "--model", target.model)
        code, out, _ = await command("probe", "--url", good.url, *asked, "--debug")
        assert code == 0
        assert out.startswith("ok")
        for word in ("connect", "upload", "inference", "round trip", "steps", "####"):
            assert word in out
        assert "\x1b" not in out
        code, out, _ = await command("probe", "--url", dead.url, *asked)
        assert code == 1
        assert out.startswith("connect_refused")


async def test_probe_refuses_what_cannot_be_probed() -> None:
    code, _, err = await command("probe", "--url", "ftp://x", "--pipeline", "llm", "--model", "m")
    assert code == 2
    assert "http" in err
    code, _, err = await command(
        "probe", "--url", "http://127.0.0.1:1", "--pipeline", "upscal", "--model", "m"
    )
    assert code == 2
    assert "text-to-image" in err


async def test_an_unknown_command_is_answered_with_the_nearest_one() -> None:
    code, _, err = await command("leaderbord")
    assert code == 2
    assert "leaderboard" in err


async def test_leaderboard_without_a_station_says_how_to_get_one() -> None:
    code, _, err = await command("leaderboard", "--url", "http://127.0.0.1:1")
    assert code == 1
    assert "livepeer-exporter run" in err


def test_help_imports_nothing_heavy() -> None:
    """`--help` is instant because it imports only click."""
    code = (
        "import sys; from exporter.cli import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'aiohttp','duckdb','httpx','pydantic','PIL','rich','yaml','asyncio','msgspec'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    assert "Examples" in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "demo",
        "run",
        "probe-process",
        "station",
        "probe",
        "targets",
        "leaderboard",
        "check-config",
        "influx",
    ],
)
async def test_every_command_has_help_with_an_example(name: str) -> None:
    code, out, err = await command(name, "--help")
    assert (code, err) == (0, "")
    assert "Example" in out

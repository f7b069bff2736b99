"""`livepeer-exporter stack`, which `make stack` runs: all up, an alert told, nothing left."""

import re
import signal
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from click.testing import CliRunner

from exporter.cli import cli
from exporter.exit_code import ENVIRONMENT, OK, USAGE
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from exporter.stack import programs
from exporter.stack.failure import StackError
from exporter.stack.folder import Folder, held
from exporter.stack.pace import BRISK
from exporter.stack.ports import HOST, Ports
from exporter.stack.view import Urls, where_to_look
from tests.alerting.prometheus_tools import tool
from tests.services.influx_server import VERSION, binary
from tests.stack.programs import ROOT
from tests.system.service import command, gone, running, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
SERVERS = {"influxd", "prometheus", "alertmanager", "exporter"}


@pytest.fixture(autouse=True)
def _programs_are_there() -> None:
    binary()
    tool("prometheus")
    tool("prometheus-alertmanager")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "stack"


def words(folder: Path, *more: str) -> tuple[str, ...]:
    return ("stack", "--dir", str(folder), "--any-ports", "--interval", "2", *more)


def urls(text: str) -> dict[str, str]:
    """Where everything is, as it was told."""
    return dict(re.findall(r"^(\w+) +(http://[\d.:]+)", text, re.MULTILINE))


async def ask(url: str, **parameters: str) -> Any:
    """What a server of the stack answers, of its JSON."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.get(url, params=parameters)
        answer.raise_for_status()
        return answer.json()


async def said(log: Path, text: str) -> str:
    """Wait until the stack says something, and give all that it said."""
    found: str = await until(
        lambda: heard if text in (heard := log.read_text()) else None, f"it says {text!r}", 100
    )
    return found


async def test_the_stack_comes_up_an_alert_is_told_and_nothing_is_left(
    folder: Path, tmp_path: Path
) -> None:
    log = tmp_path / "said"
    async with running(*words(folder), log=log, output_to_log=True) as service:
        heard = await said(log, "firing warning LivepeerAiConsecutiveFailures")
        where = urls(heard)
        assert where.keys() >= {"station", "probe", "Prometheus", "Alertmanager", "InfluxDB"}
        (pages,) = re.findall(
            r"^Prometheus +(\S+)/alerts +and /targets, /graph$", heard, re.MULTILINE
        )
        async with httpx.AsyncClient(trust_env=False) as client:
            for page in ("alerts", "targets", "graph"):
                assert (await client.get(f"{pages}/{page}")).status_code == httpx.codes.OK
        alerts = await ask(f"{where['Alertmanager']}/api/v2/alerts")
        assert "LivepeerAiConsecutiveFailures" in {one["labels"]["alertname"] for one in alerts}
        measured = await ask(f"{where['station']}/api/v1/leaderboard")
        assert measured["entries"]
        family = service.family()
        lines = [" ".join(process.cmdline()) for process in family]
        assert {name for name in SERVERS if any(name in line for line in lines)} == SERVERS
        for process in family:
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    assert connection.laddr.ip.startswith("127."), process
        assert await service.stop(signal.SIGINT) == OK
        assert gone(family)
        assert "\nending; jobs that run" in log.read_text()


async def test_a_second_start_goes_on_with_what_the_first_one_kept(
    folder: Path, tmp_path: Path
) -> None:
    began = time.time()
    code, out, err = await command(*words(folder, "--once"))
    assert (code, err) == (OK, "")
    assert re.search(r"^livepeer-exporter: \d+ samples a scrape$", out, re.MULTILINE)
    assert re.search(r"^livepeer-exporter-probe: \d+ samples a scrape$", out, re.MULTILINE)
    secrets = {path.name: path.read_text() for path in (folder / "secrets").iterdir()}
    between = time.time()
    log = tmp_path / "said"
    async with running(*words(folder), log=log, output_to_log=True) as service:
        where = urls(await said(log, "Ctrl-C ends it"))
        assert {path.name: path.read_text() for path in (folder / "secrets").iterdir()} == secrets
        span = int(between - began) + 1
        found = await ask(
            f"{where['Prometheus']}/api/v1/query",
            query=f"count_over_time(up[{span}s])",
            time=str(between),
        )
        assert len(found["data"]["result"]) == 2
        # However it ends, no server outlives it.
        family = service.family()
        assert len(family) > len(SERVERS)
        service.process.kill()
        await until(lambda: gone(family), "all programs are gone")


async def test_the_operators_settings_are_tested_with_the_store_of_the_stack(
    folder: Path, tmp_path: Path
) -> None:
    async with SimulatedNetwork(2, 1, profiles=[Profile.FAST], speed=4) as network:
        plain = network.settings(tmp_path / "data", 0, schedule={"interval": 5.0})
        config = tmp_path / "config.yaml"
        config.write_text(yaml.safe_dump(plain))
        code, out, err = await command(*words(folder, "--config", str(config), "--once"))
    assert (code, err) == (OK, "")
    assert urls(out)["station"] == f"http://{plain['station']['listen']}"
    assert (tmp_path / "data" / "outbox.sqlite").exists()
    assert not (tmp_path / "data" / "store.duckdb").exists()
    made = yaml.safe_load((folder / "config" / "prometheus.yml").read_text())
    shipped = yaml.safe_load((ROOT / "config/prometheus/prometheus.yml").read_text())
    assert made["global"] == shipped["global"]


async def test_a_program_that_ends_by_itself_ends_the_stack_with_its_last_words(
    folder: Path, tmp_path: Path
) -> None:
    log = tmp_path / "said"
    async with running(*words(folder), log=log, output_to_log=True) as service:
        await said(log, "Ctrl-C ends it")
        family = service.family()
        (one,) = [
            p
            for p in family
            if p.name().startswith("prometheus") and "tsdb" in " ".join(p.cmdline())
        ]
        one.terminate()
        assert await until(lambda: service.process.returncode, "it ends") == ENVIRONMENT
        assert "prometheus ended with exit code 0:\n" in log.read_text()
        assert "See you next time!" in log.read_text()
        assert gone(family)


async def test_a_first_start_that_was_cut_off_spoils_no_later_one(
    folder: Path, tmp_path: Path
) -> None:
    secrets = folder / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "influxdb-password").touch()
    log = tmp_path / "said"
    async with running(*words(folder), log=log, output_to_log=True) as service:
        family = await until(lambda: _with_the_setup(service.family()), "InfluxDB is set up")
        assert await service.stop(signal.SIGINT) == OK
        assert gone(family)
    assert log.read_text() == ""
    (secrets / "influx-read-token").unlink(missing_ok=True)
    (secrets / "influx-write-token").write_text("")
    code, _, err = await command(*words(folder, "--once"))
    assert (code, err) == (OK, "")
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in secrets.iterdir())
    kept = {path.name: path.read_text() for path in secrets.iterdir()}
    (secrets / "influx-read-token").unlink()
    code, _, err = await command(*words(folder, "--once"))
    assert (code, err) == (OK, "")
    found = {path.name: path.read_text() for path in secrets.iterdir()}
    assert {name for name in kept if found[name] != kept[name]} == {"influx-read-token"}
    # Nobody else knows a password that is lost.
    (secrets / "influxdb-password").write_text("another-one")
    code, _, err = await command(*words(folder, "--once"))
    assert code == ENVIRONMENT
    assert "the name or the password is wrong" in err
    assert f"without {folder / 'influxdb'} it begins anew" in err


def _with_the_setup(family: list[psutil.Process]) -> list[psutil.Process] | None:
    there = any({"influx", "setup"} <= {*process.cmdline()} for process in family)
    return family if there else None


# What is told before anything starts


def test_programs_that_are_missing_are_named_with_where_they_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(StackError) as error:
        programs.find(str(tmp_path))
    assert str(error.value).splitlines() == [
        "programs of the stack are not on this machine:",
        "  influxd 2: `make services` builds it (it needs Go and cargo)",
        "  prometheus: apt install prometheus",
        "  alertmanager: apt install prometheus-alertmanager",
    ]


def test_an_influxdb_1_of_the_system_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("prometheus", "alertmanager", "influxd"):
        (tmp_path / name).write_text(
            "#!/bin/sh\necho 'InfluxDB v1.6.7~rc0 (git: unknown unknown)'\n"
        )
        (tmp_path / name).chmod(0o755)
    with pytest.raises(StackError, match="influxd 2"):
        programs.find(str(tmp_path))
    (tmp_path / "influxd").write_text("#!/bin/sh\necho 'InfluxDB v2.7.12 (git: ec9dcde5d6)'\n")
    found = programs.find(str(tmp_path))
    assert (found.influxd, found.alertmanager) == (
        str(tmp_path / "influxd"),
        str(tmp_path / "alertmanager"),
    )


def test_the_server_that_make_services_builds_is_found() -> None:
    assert f"influxd-{VERSION}" == programs.BUILT
    assert programs.find().influxd == str(binary())


def test_one_stack_runs_in_a_folder_at_a_time(folder: Path) -> None:
    with held(folder):
        result = CliRunner().invoke(cli, words(folder, "--once"))
    assert result.exit_code == ENVIRONMENT
    assert result.stderr == f"{folder}: another stack runs in this folder; stop it first\n"


def test_settings_with_mistakes_are_told_before_a_server_is_started(
    folder: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("region: FRA\nsources: {gateway: [{url: 7}]}\n")
    result = CliRunner().invoke(cli, words(folder, "--config", str(config)))
    assert result.exit_code == USAGE
    assert "sources.gateway[0].url" in result.stderr
    assert not (folder / "influxdb").exists()


def test_a_folder_that_cannot_be_used_is_told_without_a_traceback(folder: Path) -> None:
    folder.mkdir()
    (folder / "demo").touch()
    result = CliRunner().invoke(cli, words(folder, "--once"))
    assert result.exit_code == ENVIRONMENT
    assert result.stderr == f"{folder / 'demo'}: cannot be used (File exists)\n"


def test_a_port_of_the_settings_that_is_taken_is_told_before_a_server_is_started(
    folder: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        listen = f"{HOST}:{taken.getsockname()[1]}"
        example = yaml.safe_load((ROOT / "config" / "example.yaml").read_text())
        config.write_text(yaml.safe_dump(example | {"station": {"listen": listen}}))
        result = CliRunner().invoke(cli, words(folder, "--config", str(config)))
    assert result.exit_code == ENVIRONMENT
    said = f"station.listen: {listen} is in use by another program; stop that one first\n"
    assert result.stderr == said
    assert not (folder / "influxdb").exists()


def test_ports_that_others_have_are_told() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        ports, free = Ports(usual=True), Ports(usual=False)
        ports.take(port)
        free.take(port)
    assert (ports.missed, free.missed) == ([port], [])
    place = Folder(Path("stack"))
    assert f"taken         {port}: other programs" in where_to_look(Urls(), place, ports.missed)
    assert "taken" not in where_to_look(Urls(), place, free.missed)


def test_a_port_that_is_taken_is_replaced_by_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        assert Ports(usual=True).take(port) != port
        assert Ports(usual=True).take(port - 1, 2) != port - 1
    ports = Ports(usual=True)
    assert ports.take(port) == port
    assert ports.take(port) != port
    assert Ports(usual=False).take(port) != port


def test_a_free_port_is_none_that_a_connection_may_take_meanwhile() -> None:
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(given.read_text().split()[0]) if given.exists() else 32768
    ports = Ports(usual=False)
    taken = {ports.take(9877, 2) for _ in range(100)}
    assert len(taken) == 100
    assert all(port + 1 < first for port in taken)


def test_make_stack_is_this_command() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "livepeer-exporter stack $(ARGS)" in makefile
    help_text = CliRunner().invoke(cli, ["stack", "--help"]).output
    assert f"[default: {BRISK.interval}" in help_text
    assert "/.stack/" in (ROOT / ".gitignore").read_text().splitlines()

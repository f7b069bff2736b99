"""The systemd units: read by systemd's own tools, and what they allow tried on the program."""

import json
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.cli import cli
from exporter.exit_code import USAGE
from exporter.settings_file import load
from exporter.stores.influx_setup import TOKENS
from tests.missing import missing
from tests.stack.programs import ROOT, run
from tests.system.service import environment

FOLDER = ROOT / "config" / "systemd"
UNITS = ("livepeer-exporter", "livepeer-exporter-probe", "livepeer-exporter-station")
OURS = "/opt/livepeer-exporter/bin/livepeer-exporter"
WORST_EXPOSURE = 1.7
"""Of 10, as `systemd-analyze security` counts; below 2 it says OK."""
NUMBERS = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


def text(unit: str) -> str:
    return (FOLDER / f"{unit}.service").read_text()


def service(unit: str) -> list[tuple[str, str]]:
    """The lines of the section; some keys stand there twice."""
    section = text(unit).partition("[Service]")[2].partition("[Install]")[0]
    return re.findall(r"^(\w+)=(.*)$", section, re.MULTILINE)


def systemd_analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        missing("there is no systemd-analyze (Debian: apt install systemd)")
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units with the drop-in of InfluxDB, naming a program that there is."""
    for unit in UNITS:
        path = tmp_path / f"{unit}.service"
        path.write_text(text(unit).replace(OURS, shutil.which("true") or "/bin/true"))
        drop_in = tmp_path / f"{unit}.service.d"
        drop_in.mkdir()
        shutil.copy(FOLDER / "influxdb.conf", drop_in)
    return tmp_path


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_takes_the_unit_and_finds_a_misspelled_key(installed: Path, unit: str) -> None:
    path = installed / f"{unit}.service"
    said = run(systemd_analyze(), "verify", "--man=no", path, SYSTEMD_LOG_LEVEL="warning")
    assert unit not in said, said
    path.write_text(path.read_text().replace("MemoryMax=", "MemoryMaximum="))
    said = run(systemd_analyze(), "verify", "--man=no", path, SYSTEMD_LOG_LEVEL="warning")
    assert "MemoryMaximum" in said


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_it_confined(installed: Path, unit: str) -> None:
    said = run(
        systemd_analyze(),
        "security",
        "--offline=true",
        "--no-pager",
        f"--threshold={int(WORST_EXPOSURE * 10)}",
        installed / f"{unit}.service",
    )
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert float(exposure) <= WORST_EXPOSURE


@pytest.mark.parametrize("unit", UNITS)
def test_each_unit_runs_a_command_that_there_is_with_limits(unit: str) -> None:
    import click

    keys = dict(service(unit))
    program, name, *options = keys["ExecStart"].split()
    assert program == OURS
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    command.make_parser(click.Context(command)).parse_args(options)
    assert keys["RestartPreventExitStatus"] == str(USAGE)
    assert keys["KillMode"] == "mixed"
    assert keys.keys() >= {"MemoryMax", "TasksMax", "LimitNOFILE", "User", "StateDirectory"}


def test_units_are_confined_alike_and_only_one_kind_runs() -> None:
    differ = {"ExecStart", "MemoryMax"}
    first, *others = [
        [(key, value) for key, value in service(unit) if key not in differ] for unit in UNITS
    ]
    assert all(other == first for other in others)
    for unit in UNITS[1:]:
        assert "Conflicts=livepeer-exporter.service\n" in text(unit)


def test_a_stop_has_the_time_that_the_settings_give_to_jobs() -> None:
    settings = load(ROOT / "config" / "example.yaml", {})
    needed = settings.schedule.drain + settings.livepeer.stop_timeout
    for unit in UNITS:
        assert float(dict(service(unit))["TimeoutStopSec"]) > needed + 20


def test_variables_are_settings_and_tokens_are_handed_over_by_systemd(tmp_path: Path) -> None:
    drop_in = (FOLDER / "influxdb.conf").read_text()
    handed = dict(re.findall(r"^LoadCredential=([\w-]+):(\S+)$", drop_in, re.MULTILINE))
    assert handed == {
        kind.file: f"/etc/livepeer-exporter/{kind.file}" for kind in TOKENS if kind.setting
    }
    for name in handed:
        (tmp_path / name).write_text("token")
    lines = [line for unit in UNITS for key, line in service(unit) if key == "Environment"]
    lines += re.findall(r"^Environment=(.*)$", drop_in, re.MULTILINE)
    variables = dict(line.split("=", 1) for line in lines)
    assert set(re.findall(r"%d/([\w-]+)", drop_in)) == set(handed)
    filled = {
        name: value.replace("%d", str(tmp_path)).replace("%S", "/var/lib")
        for name, value in variables.items()
    }
    config = tmp_path / "config.yaml"
    config.write_text((ROOT / "config" / "example.yaml").read_text() + "\nstore:\n  influxdb: {}\n")
    settings = load(config, filled)
    assert settings.data == Path("/var/lib/livepeer-exporter")
    assert settings.store.influxdb is not None
    assert settings.store.influxdb.token is not None


def test_the_user_is_one_that_systemd_would_make() -> None:
    sysusers = shutil.which("systemd-sysusers")
    if sysusers is None:
        missing("there is no systemd-sysusers (Debian: apt install systemd)")
    said = run(sysusers, "--dry-run", FOLDER / "sysusers.conf")
    names = set(re.findall(r"Creating user '([\w-]+)'", said))
    assert names == {dict(service(unit))["User"] for unit in UNITS}


# What is allowed, tried


def allowed(tmp_path: Path) -> Path:
    """A file with the numbers of the system calls that the units allow."""
    if platform.machine() != "x86_64":
        pytest.skip("the numbers of the system calls are those of x86-64")
    if platform.machine() != "x86_64":
        pytest.skip("the numbers of the system calls are those of x86-64")
    if not NUMBERS.is_file():
        missing(f"there is no {NUMBERS} (Debian on x86-64: apt install linux-libc-dev)")
    wanted: set[str] = set()
    for key, value in service(UNITS[0]):
        if key == "SystemCallFilter":
            calls = system_calls(value.removeprefix("~"))
            wanted = wanted - calls if value.startswith("~") else wanted | calls
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text()))
    found = sorted(int(numbers[name]) for name in wanted if name in numbers)
    assert len(found) > 200
    path = tmp_path / "allowed"
    path.write_text("\n".join(map(str, found)))
    return path


def system_calls(group: str) -> set[str]:
    """The calls of a group, as this version of systemd has them."""
    found: set[str] = set()
    for line in run(systemd_analyze(), "syscall-filter", "--no-pager", group).splitlines()[1:]:
        name = line.strip()
        if name.startswith("@"):
            found |= system_calls(name)
        elif name and not name.startswith("#"):
            found.add(name)
    return found


def confined(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "tests" / "stack" / "confinement.py"
    return subprocess.run(
        [sys.executable, script, allowed(tmp_path), sys.executable, *words],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env=environment(),
    )


def test_the_confinement_confines(tmp_path: Path) -> None:
    chown = confined(tmp_path, "-c", "import os; os.chown('.', -1, -1)")
    assert "Operation not permitted" in chown.stderr
    both = (
        "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)"
    )
    assert "PermissionError" in confined(tmp_path, "-c", both).stderr


@pytest.mark.system
def test_everything_works_in_it_with_gateways_that_the_service_starts(tmp_path: Path) -> None:
    asked = ("demo", "--lanes", "managed", "--once", "--compare", "--json", "--port", "0")
    done = confined(tmp_path, "-m", "exporter", *asked, "--data", str(tmp_path / "data"))
    assert (done.returncode, done.stderr) == (0, "")
    compared = json.loads(done.stdout)["compared"]
    assert len(compared) > 30
    assert all(row["right"] for row in compared)

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from exporter.settings_file import load

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LOCKS = ("requirements.lock", "requirements-dev.lock")
FIND_PYTHON = ROOT / ".ci" / "find-python"


# Locks


def locked(name: str) -> dict[str, str]:
    """Package to exact version."""
    text = (ROOT / name).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def normal(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_of_a_lock_has_an_exact_version_and_hashes(name: str) -> None:
    text = (ROOT / name).read_text()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    assert len(entries) > 30
    for entry in filter(None, entries):
        assert re.match(r"[a-z0-9-]+==\S+( ; [^\\]+)? \\\n", entry), entry
        assert re.search(r"^    --hash=sha256:[0-9a-f]{64}", entry, re.MULTILINE), entry


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host_and_no_path_of_a_machine(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"://|--(index|find|extra|trusted)|file:|/(home|root|tmp|work)/", text)


def test_what_the_project_requires_is_locked() -> None:
    runtime, dev = (locked(name) for name in LOCKS)
    assert {normal(each) for each in PROJECT["project"]["dependencies"]} <= runtime.keys()
    assert {normal(each) for each in PROJECT["dependency-groups"]["dev"]} <= dev.keys()
    assert {normal(each) for each in PROJECT["build-system"]["requires"]} <= dev.keys()
    assert runtime.items() <= dev.items()


# Make and its Python


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environ, timeout=60, check=False
    )


def test_make_alone_lists_every_target() -> None:
    result = run("make", PATH=os.environ["PATH"])
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    listed = re.findall(r"^  ([a-z-]+) ", result.stdout, re.MULTILINE)
    assert set(phony[1].split()) == set(listed)


def test_set_up_writes_nothing_to_standard_output() -> None:
    """So that `make -s demo ARGS="--once --json"` prints one JSON document and nothing else."""
    recipe = (ROOT / "Makefile").read_text().split("$(READY): ", 1)[1].split("\n\n")[0]
    assert recipe.splitlines()[1].startswith("\t@{ ")
    assert recipe.endswith("} 1>&2")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder for PATH with what the script needs besides Python, which is nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def python_that(folder: Path, name: str, code: str) -> None:
    """Put a program into the folder: the shell's `code`, with $REAL as a Python that works."""
    path = folder / name
    path.write_text(f"#!/bin/sh\nREAL={sys.executable}\n{code}\n")
    path.chmod(0o755)


WORKS = 'exec "$REAL" "$@"'
FAILS = 'echo "version 3.11 is not installed" >&2; exit 127'
TOO_OLD = "exit 3"
NO_VENV = 'case "$2" in *-venv*) exec "$REAL" "$@";; esac; exit 4'


def find_python(folder: Path, python: str = "") -> subprocess.CompletedProcess[str]:
    # A path that leads nowhere keeps the machine's own Python out of the way.
    script = FIND_PYTHON.read_text().replace("/usr/bin/python3", str(folder / "none"))
    copy = folder / "find-python"
    copy.write_text(script)
    return run("/bin/sh", str(copy), PATH=str(folder), PYTHON=python)


def test_the_first_python_that_really_runs_is_taken(programs: Path) -> None:
    python_that(programs, "python3.11", FAILS)
    python_that(programs, "python3.12", WORKS)
    python_that(programs, "python3", TOO_OLD)
    result = find_python(programs)
    assert (result.returncode, result.stderr) == (0, "")
    assert Path(result.stdout.strip()).samefile(sys.executable)


def test_a_python_of_ones_own_choice_is_taken(programs: Path) -> None:
    python_that(programs, "python3.11", FAILS)
    result = find_python(programs, python=sys.executable)
    assert Path(result.stdout.strip()).samefile(sys.executable)


def test_a_chosen_python_that_does_not_do_is_named(programs: Path) -> None:
    python_that(programs, "python3.11", WORKS)
    python_that(programs, "mine", TOO_OLD)
    result = find_python(programs, python="mine")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == "PYTHON=mine does not run, or is no Python from 3.11 to 3.13.\n"


def test_without_any_python_it_is_said_what_to_install(programs: Path) -> None:
    python_that(programs, "python3", TOO_OLD)
    result = find_python(programs)
    assert result.returncode == 1
    assert "apt-get install\npython3.11 python3.11-venv" in result.stderr


def test_a_python_that_makes_no_environments_is_named_with_the_package_it_lacks(
    programs: Path,
) -> None:
    python_that(programs, "python3", NO_VENV)
    result = find_python(programs)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert result.returncode == 1
    assert "python3 cannot make a virtual environment" in result.stderr
    assert f"apt-get install python{version}-venv" in result.stderr


def test_a_python_that_makes_environments_comes_before_one_that_does_not(programs: Path) -> None:
    python_that(programs, "python3.11", NO_VENV)
    python_that(programs, "python3.13", WORKS)
    assert find_python(programs).returncode == 0


# Container


def dockerfile(instruction: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{instruction} (.*)$", joined, re.MULTILINE)


def as_list(text: str) -> list[str]:
    return list(yaml.safe_load(text))


def test_what_the_image_is_built_from_exists_and_is_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [line.split()[:-1] for line in dockerfile("COPY") if not line.startswith("--from")]
    for name in {name for names in copied for name in names}:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignored


def test_the_image_has_the_oldest_python_of_the_project_and_hashes() -> None:
    assert {line.split()[0] for line in dockerfile("FROM")} == {"python:3.11-slim"}
    assert PROJECT["project"]["requires-python"].startswith(">=3.11")
    for lock in LOCKS:
        assert f"--require-hashes --only-binary :all: -r {lock}" in DOCKERFILE


def test_the_image_runs_a_command_that_there_is_as_a_user_without_rights() -> None:
    from exporter.cli.run import run as command

    (entry,) = as_list(dockerfile("ENTRYPOINT")[0])
    name, *options = as_list(dockerfile("CMD")[0])
    assert entry in PROJECT["project"]["scripts"]
    assert name == command.name
    assert options[0] in [option for each in command.params for option in each.opts]
    assert dockerfile("USER") == ["exporter"]


def test_the_image_checks_the_port_that_it_listens_on() -> None:
    pairs = re.findall(r"(LIVEPEER_EXPORTER_\w+)=(\S+)", DOCKERFILE)
    settings = load(ROOT / "config" / "example.yaml", dict(pairs))
    port = settings.station.listen.rpartition(":")[2]
    assert str(settings.data) == dockerfile("VOLUME")[0]
    assert dockerfile("EXPOSE") == [port]
    assert f"http://127.0.0.1:{port}/healthz" in dockerfile("HEALTHCHECK")[0]
    code = as_list(dockerfile("HEALTHCHECK")[0].split(" CMD ", 1)[1])[2]
    compile(code, "healthcheck", "exec")


# Papers


def test_the_licence_is_the_one_that_the_project_names() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert PROJECT["project"]["license"] == "MIT"
    assert text.startswith("MIT License\n")
    assert "the livepeer-exporter contributors" in text


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text
    versions = re.findall(r"^## \[(\d\S*)\]", text, re.MULTILINE)
    assert not versions or versions[0] == PROJECT["project"]["version"]


def test_the_check_run_is_strict_and_ends_with_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert run("/bin/bash", "-n", str(script)).returncode == 0
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert "make --no-print-directory test" in lines[-1]

"""Programs that tests of the stack run: built by `make services`, or of the machine's packages."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "tests" / "stack" / "compose" / "build"


def program(name: str) -> str:
    """A program of the machine. Skips the test where there is none; in CI that is a failure."""
    found = shutil.which(name)
    if found is None:
        absent(f"there is no {name} (Debian: apt install prometheus prometheus-alertmanager)")
    return found


def compose_parser() -> str:
    """Docker Compose's own parser, built where it is not yet, if Go is there."""
    built = subprocess.run([BUILD], capture_output=True, text=True, check=False)
    if built.returncode != 0:
        absent(f"the Compose parser cannot be built: {built.stderr[-500:]}")
    return built.stdout.strip()


def absent(why: str) -> NoReturn:
    """Something that the test needs is not on this machine."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def run(*words: str | Path, folder: Path = ROOT, **variables: str) -> str:
    """Run a program that has to succeed, and give what it said."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr

"""Programs that tests of the stack run: built by `make services`, or of the machine's packages."""

import os
import subprocess
from pathlib import Path

from tests.missing import missing

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "tests" / "stack" / "compose" / "build"


def compose_parser() -> str:
    """Docker Compose's own parser, built where it is not yet, if Go is there."""
    built = subprocess.run([BUILD], capture_output=True, text=True, check=False)
    if built.returncode != 0:
        missing(f"the Compose parser cannot be built: {built.stderr[-500:]}")
    return built.stdout.strip()


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

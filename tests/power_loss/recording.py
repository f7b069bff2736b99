"""Recording what a child process writes and syncs, and trying what a power loss would leave."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from tests.missing import missing
from tests.power_loss.disk import SYNC, WRITE, Disk, Step, restore, steps

ROOT: Final = Path(__file__).parents[2]
ACKNOWLEDGED: Final = "acknowledged"
"""The file in the recorded folder, one line for each thing that a child was promised."""
SHARES: Final = (0.0, 0.5, 0.9, 1.0)
"""Of what was not synced: how much got through all the same."""


def build_recorder(folder: Path) -> Path:
    """Compile the recorder; skips the test without a compiler, and fails it where CI is true."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        why = "needs Linux and a C compiler: apt-get install gcc libc6-dev"
        missing(why)
    library = folder / "recorder.so"
    source = Path(__file__).with_name("recorder.c")
    command = [compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([*command, "-o", library, source, "-ldl"], check=True)
    return library


@dataclass(frozen=True)
class Recording:
    """What a child did to its folder, step by step."""

    folder: Path
    steps: list[Step]

    def losses(
        self, scratch: Path, chance: Random, *, count: int, copy_on_write: bool = False
    ) -> Iterator[tuple[Path, list[str]]]:
        """Give folders as power losses would leave them, with what was promised before each.

        Every sync is a moment of loss, just before and just after it; of those and the others,
        `count` are drawn.
        """
        syncs = [n for n, step in enumerate(self.steps) if step.kind == SYNC]
        moments = {*syncs, *(n + 1 for n in syncs)}
        others = [n for n in range(len(self.steps) + 1) if n not in moments]
        drawn = chance.sample(sorted(moments), min(len(moments), count * 3 // 4))
        drawn += chance.sample(others, min(len(others), count - len(drawn)))
        wanted = set(drawn)
        disk, promised = Disk(self.folder, copy_on_write=copy_on_write), ""
        for number in range(len(self.steps) + 1):
            if number in wanted:
                for share in SHARES:
                    left = scratch / f"{number}-{share}"
                    restore(disk.after_loss(chance, share), left)
                    yield left, promised.splitlines()
                    shutil.rmtree(left)
            if number < len(self.steps):
                step = self.steps[number]
                if Path(step.path).name == ACKNOWLEDGED:
                    promised += step.data.decode() if step.kind == WRITE else ""
                else:
                    disk.do(step)


def record(library: Path, scratch: Path, *arguments: str) -> Recording:
    """Let `python -m tests.power_loss.children ARGUMENT… FOLDER` run to its end."""
    folder, journal = scratch / "recorded", scratch / "journal"
    folder.mkdir()
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "POWER_LOSS_FOLDER": str(folder),
        "POWER_LOSS_JOURNAL": str(journal),
    }
    command = [sys.executable, "-m", "tests.power_loss.children", *arguments, str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=100)
    return Recording(folder, list(steps(journal)))


def promise(folder: Path) -> Callable[[str], None]:
    """For a child: what notes that something was promised."""
    file = os.open(folder / ACKNOWLEDGED, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(line: str) -> None:
        os.write(file, f"{line}\n".encode())

    return note

"""File systems in a bad state, for tests of what is kept on them."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_NOBODY = 65534


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """Make `folder` a disk of this size; skips the test where mounting is not allowed."""
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root can mount a small disk")
    command = [mount, "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def resize_disk(folder: Path, kilobytes: int) -> None:
    """Give a small disk another size."""
    options = f"remount,size={kilobytes}k"
    subprocess.run(["mount", "-o", options, str(folder)], check=True)


@contextlib.contextmanager
def read_only_folder() -> Iterator[Path]:
    """A folder that this process may read and not write, also when root runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="read-only-"))
    yield_to_nobody = os.geteuid() == 0
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        if yield_to_nobody:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def lock_up(folder: Path) -> None:
    """Take the right to write away from the folder and its files, and from root its powers."""
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(_NOBODY)

"""What an earlier tester left is found and ended; what is anybody else's is never touched."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from exporter.probing.managed import leftovers
from exporter.probing.managed.environment import MARK
from exporter.probing.managed.faults import StartFailure
from exporter.probing.managed.home import LaneHome
from tests.probing.managed.gateways import URI, gone, program
from tests.waiting import until

SLEEPER = "import sys, time; sys.stdin.close(); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
LEAVE = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-IS", "-c", sys.argv[1]], start_new_session=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
print(child.pid, flush=True)
os._exit(0)
"""
TESTER = """
import asyncio, sys
from pathlib import Path
from exporter.probing.managed.home import LaneHome
from exporter.probing.managed.pool import ManagedPool
from tests.probing.managed.gateways import settings

async def main(folder, binary, uri):
    home = await LaneHome.open(Path(folder))
    pool = ManagedPool(settings(Path(binary), lanes=2), home)
    async with pool.lease("0xa", uri) as one, pool.lease("0xb", "https://127.0.0.2:1") as two:
        print(one.pid, two.pid, home.leftovers, flush=True)
        await asyncio.sleep(600)

asyncio.run(main(*sys.argv[1:]))
"""

Leave = Callable[..., int]


@pytest.fixture
def leave() -> Iterator[Leave]:
    """Start a process that is nobody's child any more."""
    pids = []

    def leave(mark: str | None, code: str = SLEEPER) -> int:
        environment = dict(os.environ) | ({} if mark is None else {MARK: mark})
        command = [sys.executable, "-IS", "-c", LEAVE, code]
        told = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
        pids.append(int(told.stdout))
        return pids[-1]

    yield leave
    for pid in pids:
        if not gone(pid):
            os.kill(pid, signal.SIGKILL)


async def owner(folder: Path) -> str:
    return (await LaneHome.open(folder)).owner


async def test_what_an_earlier_run_left_is_ended(
    tmp_path: Path, leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "GRACE", 0.3)
    mark = f"{await owner(tmp_path / 'lanes')}/0123abcd/0123abcd-1"
    pids = [leave(mark), leave(mark, STUBBORN)]
    home = await LaneHome.open(tmp_path / "lanes")
    assert home.leftovers == 2
    assert [gone(pid) for pid in pids] == [True, True]


async def test_other_testers_processes_are_not_touched(tmp_path: Path, leave: Leave) -> None:
    other = await owner(tmp_path / "other")
    pids = [leave(None), leave(f"{other}/0123abcd/0123abcd-1"), leave("x" * 1000), leave("")]
    home = await LaneHome.open(tmp_path / "lanes")
    assert home.leftovers == 0
    assert not any(gone(pid) for pid in pids)


async def test_a_copied_folder_is_another_owner(tmp_path: Path, leave: Leave) -> None:
    mark = f"{await owner(tmp_path / 'lanes')}/0123abcd/0123abcd-1"
    shutil.copytree(tmp_path / "lanes", tmp_path / "copy")
    pid = leave(mark)
    assert (await LaneHome.open(tmp_path / "copy")).leftovers == 0
    assert not gone(pid)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start another user's process")
async def test_another_users_process_with_our_mark_is_not_touched(
    tmp_path: Path, leave: Leave
) -> None:
    mark = f"{await owner(tmp_path / 'lanes')}/0123abcd/0123abcd-1"
    pid = leave(mark, f"import os, time; os.setuid(65534); {SLEEPER}")
    await until(lambda: psutil.Process(pid).uids().real == 65534)
    assert (await LaneHome.open(tmp_path / "lanes")).leftovers == 0
    assert not gone(pid)


async def test_our_own_running_gateways_are_no_leftovers(home: LaneHome, leave: Leave) -> None:
    folder = home.fresh()
    pid = leave(home.mark(folder))
    assert await leftovers.end_leftovers(home.owner, home.run) == 0
    assert not gone(pid)
    folder.rmdir()


async def test_folders_of_earlier_runs_are_removed_and_nothing_else(tmp_path: Path) -> None:
    first = await LaneHome.open(tmp_path / "lanes")
    lane = first.fresh()
    (lane / "data").mkdir()
    (lane / "data" / "lpdb.sqlite3").write_text("x")
    (tmp_path / "precious").mkdir()
    (first.path / "notes").mkdir()
    (first.path / "0123abcd-7").symlink_to(tmp_path / "precious")
    await LaneHome.open(tmp_path / "lanes")
    assert not lane.exists()
    assert (first.path / "notes").exists()
    assert (tmp_path / "precious").exists()


async def test_a_folder_of_lanes_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    home = await LaneHome.open(tmp_path / "lanes")
    before = home.owner
    shutil.rmtree(home.path)
    folder = home.fresh()
    assert folder.is_dir()
    assert (home.path.stat().st_mode & 0o777, home.owner != before) == (0o700, True)
    assert (await LaneHome.open(tmp_path / "lanes")).owner == home.owner
    shutil.rmtree(home.path)
    home.path.write_text("")
    with pytest.raises(StartFailure, match="cannot be used for lanes"):
        home.fresh()


async def test_folders_are_for_this_user_only(home: LaneHome) -> None:
    folder = home.fresh()
    assert (folder.stat().st_mode & 0o777, home.path.stat().st_mode & 0o777) == (0o700, 0o700)
    assert (home.path / "id").stat().st_mode & 0o777 == 0o600
    folder.rmdir()


async def test_no_gateway_outlives_a_tester_that_is_killed(tmp_path: Path) -> None:
    binary = program(tmp_path / "bin", ignore_sigterm=True)
    arguments = (sys.executable, "-c", TESTER, str(tmp_path / "lanes"), str(binary), URI)

    async def run() -> list[int]:
        tester = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE)
        assert tester.stdout is not None
        one, two, leftovers = map(int, (await tester.stdout.readline()).split())
        assert not gone(one)
        tester.kill()
        await tester.wait()
        if sys.platform == "linux":
            await until(lambda: gone(one) and gone(two))
        return [one, two, leftovers]

    first = await run()
    second = await run()
    assert all(gone(pid) for pid in first[:2])
    assert second[2] == (0 if sys.platform == "linux" else 2)
    home = await LaneHome.open(tmp_path / "lanes")
    assert [entry.name for entry in home.path.iterdir()] == ["id"]
    assert all(gone(pid) for pid in second[:2])

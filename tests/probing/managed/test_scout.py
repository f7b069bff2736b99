"""The scout: an unpinned gateway that is kept running."""

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from exporter.probing.managed.home import LaneHome
from exporter.probing.managed.scout import Scout
from exporter.settings.livepeer import Livepeer
from tests.probing.managed.gateways import gone, program, settings
from tests.waiting import until

Make = Callable[[Livepeer], Scout]


@pytest.fixture
async def make(home: LaneHome) -> AsyncIterator[Make]:
    scouts = []

    def make(livepeer: Livepeer) -> Scout:
        scouts.append(Scout(livepeer, home, first_pause=0.05, watch_interval=0.1))
        return scouts[-1]

    yield make
    for scout in scouts:
        await scout.close()


async def test_it_runs_without_being_pinned_to_anybody(make: Make, tmp_path: Path) -> None:
    scout = make(settings(program(tmp_path / "bin")))
    await scout.start()

    def ask() -> str:
        with urllib.request.urlopen(f"{scout.cli_url}/status", timeout=2) as answer:
            return str(answer.read().decode())

    assert '"OrchestratorPool": []' in await asyncio.to_thread(ask)


async def test_it_is_started_again_on_the_same_port_when_it_dies(
    make: Make, tmp_path: Path
) -> None:
    scout = make(settings(program(tmp_path / "bin")))
    await scout.start()
    url, pid = scout.cli_url, scout.pid
    assert pid is not None
    psutil.Process(pid).kill()
    await until(lambda: scout.cli_url is None)
    await until(lambda: scout.cli_url is not None)
    assert (scout.cli_url, scout.restarts) == (url, 1)
    assert scout.pid != pid


async def test_it_is_started_again_when_it_takes_too_much_memory(
    make: Make, tmp_path: Path
) -> None:
    scout = make(settings(program(tmp_path / "bin", leaks=8 * 2**20), memory=64 * 2**20))
    await scout.start()
    await until(lambda: scout.restarts == 1)


async def test_it_is_started_anew_from_a_new_program(make: Make, tmp_path: Path) -> None:
    scout = make(settings(program(tmp_path / "bin")))
    await scout.start()
    pid = scout.pid
    program(tmp_path / "bin", version="0.9.2")
    await until(lambda: scout.restarts == 1)
    await until(lambda: scout.cli_url is not None)
    assert scout.pid != pid


async def test_one_that_cannot_start_is_no_crash_loop(make: Make, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    scout = make(settings(program(tmp_path / "bin", dies="oh", code=1, starts=str(starts))))
    await scout.start()
    assert scout.cli_url is None
    await asyncio.sleep(0.5)
    assert starts.read_text() == "xx", "two tries, and then a pause of 30 s"


async def test_closing_ends_it(make: Make, tmp_path: Path) -> None:
    scout = make(settings(program(tmp_path / "bin")))
    await scout.start()
    pid = scout.pid
    assert pid is not None
    await scout.close()
    assert gone(pid)
    assert scout.cli_url is None

"""What gateways need is looked at before the first one is started."""

import asyncio
from pathlib import Path

import pytest

from exporter.probing.managed.beforehand import Beforehand
from exporter.probing.managed.cleaning import cleaner
from exporter.probing.managed.home import LaneHome
from exporter.probing.managed.starter import Starter
from exporter.settings.livepeer import Livepeer
from tests.probing.managed.gateways import ACCOUNT, on_chain, program, settings
from tests.waiting import until

PATIENCE = 20
WRONG = "no gateway can be started"


def looking(home: LaneHome, of: Livepeer) -> tuple[Beforehand, Starter]:
    clean = cleaner(of)
    starter = Starter(of, home, clean=clean)
    return Beforehand(of, starter, clean=clean, look=0.01), starter


async def what_is_told(before: Beforehand) -> str:
    watching = asyncio.create_task(before.watch())
    await until(lambda: before.trouble is not None)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return before.trouble or ""


async def test_where_all_is_right_it_ends_at_once_and_starts_nothing(
    home: LaneHome, tmp_path: Path
) -> None:
    of = settings(program(tmp_path / "bin"), on_chain=on_chain(tmp_path))
    before, starter = looking(home, of)
    async with asyncio.timeout(PATIENCE):
        await before.watch()
    assert before.trouble is None
    assert starter.starts == 0
    assert starter.binary is not None, "the first start need not ask the program again"


async def test_a_program_that_is_none_is_told_once_until_it_is_replaced(
    home: LaneHome, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    binary = tmp_path / "livepeer"
    binary.write_text("just a text\n")
    binary.chmod(0o755)
    before, _ = looking(home, settings(binary))
    watching = asyncio.create_task(before.watch())
    await until(lambda: before.trouble is not None)
    assert str(binary) in (before.trouble or "")
    await asyncio.sleep(0.1)
    assert caplog.text.count(WRONG) == 1
    program(tmp_path)
    async with asyncio.timeout(PATIENCE):
        await watching
    assert before.trouble is None
    assert "what gateways need is right now" in caplog.text


async def test_a_key_that_is_not_the_accounts_and_bad_price_limits_are_told(
    home: LaneHome, tmp_path: Path
) -> None:
    limits = tmp_path / "limits.json"
    limits.write_text('{"capabilities_prices": [{"pipeline": "text-to-imago"}]}')
    paying = on_chain(tmp_path, price_limits=limits)
    for changed, word in [({"account": "0x" + "cd" * 20}, ACCOUNT), ({}, str(limits))]:
        of = settings(program(tmp_path / "bin"), on_chain=paying | changed)
        before, _ = looking(home, of)
        assert word in await what_is_told(before)

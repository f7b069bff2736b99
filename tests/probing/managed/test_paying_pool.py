"""Lanes that pay: the keystore is looked at, wrong passphrases end it, and no secret is shown."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from exporter import log as logs
from exporter.probing.managed.environment import MARK
from exporter.probing.managed.faults import Fault
from exporter.probing.managed.home import LaneHome
from exporter.probing.managed.pool import LaneStartError, ManagedPool
from exporter.probing.managed.starter import Starter
from exporter.settings.livepeer import Livepeer
from tests.probing.managed.gateways import ACCOUNT, RPC, URI, on_chain, program, settings
from tests.waiting import until

MakePool = Callable[..., ManagedPool]
SECRETS = ("SECRETSECRETKEY123", "sesame", "HUSHHUSHHUSH")


@pytest.fixture
async def make(home: LaneHome) -> AsyncIterator[MakePool]:
    pools = []

    def make(livepeer: Livepeer, **more: Any) -> ManagedPool:
        pools.append(ManagedPool(livepeer, home, **more))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()


async def refused(pool: ManagedPool) -> LaneStartError:
    with pytest.raises(LaneStartError) as caught:
        async with pool.lease("0xa", URI):
            raise AssertionError
    return caught.value


async def test_no_secret_is_shown_anywhere(
    make: MakePool, home: LaneHome, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    livepeer = settings(
        program(tmp_path / "bin"),
        on_chain=on_chain(tmp_path),
        flags=[{"name": "region", "value": "token://HUSHHUSHHUSH@x"}],
    )
    pool = make(livepeer)
    async with pool.lease("0xa", URI) as lane:
        assert lane.on_chain
        process = psutil.Process(lane.pid)
        assert process.environ()["LP_ETHURL"] == RPC
        assert process.environ()[MARK].startswith(f"{home.owner}/{home.run}/")
        await until(lambda: any("EthUrl" in line.text for line in lane.since(0)))
        lines = [line.text for line in lane.since(0)]
        shown = [" ".join(process.cmdline()), repr(lane), repr(lane._process)]
        await lane._process.kill()
        shown.append(str(lane.failure()))
    formatter = logs.TextFormatter()
    shown += [formatter.format(record) for record in caplog.records]
    for text in [*shown, *lines]:
        assert not [secret for secret in SECRETS if secret in text], text


async def test_a_start_failure_tells_no_secret(
    make: MakePool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = f'E1123 23:16:10.3 1 starter.go:1] failed to get chain ID: Post "{RPC}": refused'
    pool = make(settings(program(tmp_path / "bin", dies=said), on_chain=on_chain(tmp_path)))
    error = await refused(pool)
    assert error.fault == Fault.RPC
    assert "the Ethereum node did not answer as it should" in str(error)
    assert "rpc.example.org" in str(error)
    for text in (str(error), repr(error), str(error.__cause__), caplog.text):
        assert "SECRET" not in text


async def test_when_the_ethereum_node_is_down_all_starts_pause(
    make: MakePool, tmp_path: Path
) -> None:
    said = "E1123 23:16:10.3 1 starter.go:1] failed to get chain ID: refused"
    pool = make(settings(program(tmp_path / "bin", dies=said), on_chain=on_chain(tmp_path)))
    await refused(pool)
    with pytest.raises(LaneStartError, match="tried again in 5 s"):
        async with pool.lease("0xb", "https://127.0.0.2:1"):
            raise AssertionError
    assert pool.numbers.start_failures == {"rpc": 1}


async def test_an_ethereum_node_that_is_back_is_used_by_everybody_and_said_once(
    home: LaneHome, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    said = "E1123 23:16:10.3 1 starter.go:1] failed to get chain ID: refused"
    livepeer = settings(program(tmp_path / "bin", dies=said), on_chain=on_chain(tmp_path))
    starter = Starter(livepeer, home, clean=str, first_pause_of_all=0.01)
    for _ in range(3):
        with pytest.raises(LaneStartError):
            await starter.start("a", uri=URI, name="managed-1")
        await until(lambda: not starter._all.left)
        assert starter.trouble is not None, "no start has worked meanwhile"
    assert [record.message for record in caplog.records] == [
        "gateways run this program",
        "a gateway does not start",
    ]
    program(tmp_path / "bin")
    process = await starter.start("a", uri=URI, name="managed-1")
    await process.stop()
    assert starter.trouble is None
    assert caplog.records[-1].message == "gateways start again"


async def test_a_rest_ends_when_the_files_change_or_a_gateway_starts(
    home: LaneHome, tmp_path: Path
) -> None:
    paying = on_chain(tmp_path)
    starter = Starter(settings(program(tmp_path / "bin"), on_chain=paying), home, clean=str)
    paying["passphrase_file"].write_text("")
    with pytest.raises(LaneStartError):
        await starter.start("a", uri=URI, name="managed-1")
    async with asyncio.timeout(10):
        resting = asyncio.create_task(starter.rest(60))
        await asyncio.sleep(0)
        paying["passphrase_file"].write_text("open sesame\n")
        await resting
        resting = asyncio.create_task(starter.rest(60))
        process = await starter.start("a", uri=URI, name="managed-1")
        await resting
    await process.stop()


async def test_a_wrong_passphrase_ends_all_starts_and_no_file_is_made(
    make: MakePool, tmp_path: Path
) -> None:
    said = (
        "E1123 23:16:10.3 1 starter.go:1] Error unlocking Ethereum account: could not decrypt key "
        "with given password"
    )
    paying = on_chain(tmp_path)
    before = sorted(paying["keystore"].iterdir())
    starts = tmp_path / "starts"
    binary = program(tmp_path / "bin", dies=said, starts=str(starts))
    pool = make(settings(binary, on_chain=paying))
    for _ in range(3):
        error = await refused(pool)
        assert error.fault == Fault.PASSPHRASE
        assert "the passphrase is not that of the key" in str(error)
    assert starts.read_text() == "x", "it was tried once, and not again"
    assert sorted(paying["keystore"].iterdir()) == before
    paying["passphrase_file"].write_text("another\n")
    await refused(pool)
    assert starts.read_text() == "xx", "a changed file is worth another try"


async def test_an_empty_keystore_is_found_before_any_start(make: MakePool, tmp_path: Path) -> None:
    paying = on_chain(tmp_path)
    (key,) = paying["keystore"].iterdir()
    key.rename(tmp_path / "key")
    starts = tmp_path / "starts"
    pool = make(settings(program(tmp_path / "bin", starts=str(starts)), on_chain=paying))
    error = await refused(pool)
    assert error.fault == Fault.KEYSTORE
    assert not starts.exists()
    assert list(paying["keystore"].iterdir()) == []
    (tmp_path / "key").rename(key)
    async with pool.lease("0xa", URI) as lane:
        assert lane.on_chain


async def test_an_account_that_a_gateway_made_is_told_loudly(
    make: MakePool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paying = on_chain(tmp_path)
    new = paying["keystore"] / "UTC--new"
    binary = program(tmp_path / "bin", makes_key=str(new), dies="E1123 it failed")
    pool = make(settings(binary, on_chain=paying))
    error = await refused(pool)
    assert error.fault == Fault.KEYSTORE
    assert "the gateway made a new account there (UTC--new)" in str(error)
    assert pool.numbers.starts == 1
    assert [record.levelname for record in caplog.records][-1] == "ERROR"


async def test_an_orchestrators_account_does_not_pay_until_it_is_none(
    make: MakePool, tmp_path: Path
) -> None:
    known = {ACCOUNT}
    livepeer = settings(program(tmp_path / "bin"), on_chain=on_chain(tmp_path))
    pool = make(livepeer, orchestrators=lambda: known)
    assert "is an orchestrator" in str(await refused(pool))
    known.clear()
    async with pool.lease("0xa", URI) as lane:
        assert await lane.alive()


async def test_a_mistake_in_the_price_limits_stops_all_starts(
    make: MakePool, tmp_path: Path
) -> None:
    limits = tmp_path / "limits.json"
    limits.write_text("{}")
    paying = on_chain(tmp_path, price_limits=limits)
    pool = make(settings(program(tmp_path / "bin"), on_chain=paying))
    error = await refused(pool)
    assert error.fault == Fault.PRICE_LIMITS
    assert str(limits) in str(error)
    limits.write_text('{"capabilities_prices":[{"pipeline":"llm","price_per_unit":7}]}')
    async with pool.lease("0xa", URI) as lane:
        assert await lane.alive()

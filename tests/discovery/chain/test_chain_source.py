"""The source: what it gives while nodes are slow, dead or wrong, and over a restart."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from exporter.discovery.chain import source as chain_source_module
from exporter.discovery.chain.last_good import LastGood
from exporter.discovery.chain.opening import chain_source, made, read_once
from exporter.discovery.chain.source import ChainSource
from exporter.discovery.discover import Discovery
from exporter.discovery.listing import NotYetError, SourceError
from exporter.ethereum.upstreams import Upstreams
from exporter.settings import Settings
from tests.discovery.chain.chains import ai_uri, populate, settings
from tests.ethereum import faults
from tests.ethereum.fault_proxy import FaultProxy
from tests.ethereum.livepeer import LPT, Livepeer, who
from tests.waiting import eventually, until

NOWHERE = "http://127.0.0.1:9/k3y"


@asynccontextmanager
async def a_source(chosen: Settings, folder: Path) -> AsyncIterator[ChainSource]:
    async with Upstreams.of(chosen.ethereum) as node:
        yield made(chosen, node, LastGood(folder, chosen.ethereum))


async def look(chosen: Settings, folder: Path) -> ChainSource:
    """A source that began, and read or tried to."""
    async with a_source(chosen, folder) as source:
        await source.recall()
        await source.look()
        return source


async def test_a_dead_node_after_a_restart_leaves_the_last_good_set_and_says_how_old_it_is(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 4))
    good = await (await look(settings(node_url), tmp_path)).read()
    assert (len(good.registered), good.complaint, good.offers) == (3, None, ())
    later = await look(settings(NOWHERE), tmp_path)
    listing = await later.read()
    assert (listing.registered, listing.chain) == (good.registered, good.chain)
    assert listing.complaint is not None
    assert "no Ethereum node answers: rpc-1: no connection" in listing.complaint
    assert f"the set of block {livepeer.evm.height} is used, read" in listing.complaint
    assert "k3y" not in listing.complaint


async def test_stake_that_is_nobodys_is_a_remark_and_no_failure(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 4))
    livepeer.unbond(who(2), 2 * LPT)
    livepeer.bond(who(2), 2 * LPT)
    async with a_source(settings(node_url), tmp_path) as source:
        await source.look()
        discovery = Discovery(settings(node_url), tested_pipelines=[], chain=source)
        (state,) = (await discovery.refresh()).sources
    assert state.error is None
    assert state.remark is not None
    assert "came back to it in this round" in state.remark


async def test_without_any_good_reading_a_dead_node_is_an_error(tmp_path: Path) -> None:
    source = await look(settings(NOWHERE), tmp_path)
    with pytest.raises(SourceError, match="no Ethereum node answers"):
        await source.read()
    assert not LastGood(tmp_path, settings(NOWHERE).ethereum).load()


async def test_an_empty_pool_never_empties_the_list(
    livepeer: Livepeer, proxy: FaultProxy, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 4))
    async with a_source(settings(proxy.url), tmp_path) as source:
        await source.look()
        proxy.always(faults.empty_pool)
        await source.look()
        listing = await source.read()
        assert len(listing.registered) == 3
        assert "the pool is empty, which is not believed" in (listing.complaint or "")
        proxy.works()
        await source.look()
        assert (await source.read()).complaint is None


async def test_a_hung_node_holds_nobody_up(
    livepeer: Livepeer, proxy: FaultProxy, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 4))
    proxy.always(faults.hang)
    chosen = settings(
        proxy.url,
        sources={
            "chain": {},
            "static": [
                {
                    "orchestrator": who(2),
                    "uri": "https://mine.example",
                    "models": [{"pipeline": "llm", "model": "m"}],
                }
            ],
        },
    )
    async with chain_source(chosen, tmp_path) as source:
        assert source is not None
        source._patience = 0.05
        discovery = Discovery(chosen, tested_pipelines=["llm"], chain=source)
        first = await discovery.refresh()
        assert len(first.tested) == 1
        assert first.tested[0].registered is None
        assert (first.registered, first.chain) == ((), None)
        (state,) = [one for one in first.sources if one.name == "chain"]
        assert state.error == "the set is being read for the first time"
        assert state.refreshed_at is None
        proxy.works()


async def test_the_first_reading_is_no_failure_and_its_end_is_news(
    livepeer: Livepeer, proxy: FaultProxy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    populate(livepeer, range(1, 4))
    proxy.delay_ms = 20
    async with chain_source(settings(proxy.url), tmp_path) as source:
        assert source is not None
        source._patience = 0.0
        with pytest.raises(NotYetError, match="for the first time"):
            await source.read()
        discovery = Discovery(settings(proxy.url), tested_pipelines=[], chain=source)
        await discovery.refresh()
        assert "discovery source fails" not in caplog.text
        await asyncio.wait_for(source.news.wait(), 20)
        supply = await discovery.refresh()
    assert [one.orchestrator for one in supply.registered] == [who(1), who(2), who(3)]
    assert supply.chain is not None
    assert supply.sources[0].refreshed_at == supply.chain.read_at
    assert supply.sources[0].error is None


async def test_an_event_has_the_set_read_at_once_and_those_of_strangers_do_not(
    livepeer: Livepeer, proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    populate(livepeer, range(1, 4))
    async with a_source(settings(proxy.url), tmp_path) as source:
        often = source._settings.model_copy(update={"follow_events": 0.02})
        monkeypatch.setattr(source, "_settings", often)
        task = asyncio.create_task(source.run())
        await until(lambda: source.last is not None)
        first = source.last
        livepeer.set_ai_uri(who(99), "https://stranger.example")
        await until(lambda: proxy.methods["eth_getLogs"] > 0)
        asked = proxy.methods["eth_blockNumber"]
        await until(lambda: proxy.methods["eth_blockNumber"] > asked)
        assert source.last is first
        livepeer.set_ai_uri(who(2), "https://moved.example")

        async def moved() -> bool:
            found = {one.orchestrator: one for one in (await source.read()).registered}
            return found[who(2)].ai_service_uri == "https://moved.example"

        await eventually(moved)
        livepeer.join(who(50), 50 * LPT)
        await until(lambda: len(source.last.registered if source.last else ()) == 4)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


RUBBISH = [
    b"",
    b"{",
    b"[]",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"version": 1}',
    b"null",
]


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_in_the_file_is_told_and_ignored(
    tmp_path: Path, rubbish: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "chain.json").write_bytes(rubbish)
    assert LastGood(tmp_path, settings(NOWHERE).ethereum).load() is None
    assert "the last good reading of the chain cannot be used" in caplog.text


OTHERS = [
    ("version", 2, "it is of version 2; expected 1"),
    ("controller", who(1), "of another chain, or of other contracts"),
    ("ai_registry", who(1), "of another chain, or of other contracts"),
    ("registered", [], "nobody is registered in it"),
    ("registered", [{"orchestrator": 7}], "Expected `str`"),
    ("state", {}, "missing required field"),
]


async def test_what_is_of_something_else_is_told_and_ignored(
    livepeer: Livepeer, node_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    populate(livepeer, range(1, 3))
    await look(settings(node_url), tmp_path)
    file = tmp_path / "chain.json"
    kept = json.loads(file.read_text())
    assert kept["registered"][0]["ai_service_uri"] == ai_uri(1)
    for key, value, words in OTHERS:
        caplog.clear()
        file.write_text(json.dumps(kept | {key: value}))
        assert LastGood(tmp_path, settings(node_url).ethereum).load() is None
        (record,) = [one for one in caplog.records if "cannot be used" in one.message]
        assert words in record.__dict__["reason"]


async def test_a_file_of_another_chain_is_ignored(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 3))
    await look(settings(node_url), tmp_path)
    other = settings(node_url, ethereum={"chain_id": 421614})
    assert LastGood(tmp_path, settings(node_url).ethereum).load() is not None
    assert LastGood(tmp_path, other.ethereum).load() is None


async def test_a_folder_that_cannot_be_written_fails_no_reading(
    livepeer: Livepeer, node_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    populate(livepeer, range(1, 3))
    source = await look(settings(node_url), tmp_path / "nowhere")
    assert len((await source.read()).registered) == 2
    assert source.error is None
    assert "is not kept on disk" in caplog.text


async def test_a_node_whose_newest_block_is_old_is_told_of(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 3))
    two_hours = 2 * 3600 * 10**9
    block_time = livepeer.evm.header(livepeer.evm.height).timestamp * 10**9
    chosen = settings(node_url)
    async with a_source(chosen, tmp_path) as source:
        source._reader._now = lambda: block_time + two_hours
        await source.look()
        listing = await source.read()
    assert listing.complaint == (
        "the newest block of the nodes was 2 h old: they do not follow the chain"
    )


async def test_a_broken_reader_is_an_error_and_not_the_end(
    livepeer: Livepeer,
    node_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    populate(livepeer, range(1, 3))
    monkeypatch.setattr(chain_source_module, "FIRST_RETRY", 0.01)
    async with a_source(settings(node_url), tmp_path) as source:
        really = source._reader.read
        broken = iter([ValueError("no"), ValueError("no")])

        async def read(*arguments: object) -> object:
            if (error := next(broken, None)) is not None:
                raise error
            return await really(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(source._reader, "read", read)
        task = asyncio.create_task(source.run())
        await until(lambda: source.last is not None)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert caplog.text.count("reading the chain is broken") == 2


async def test_read_once_reads_and_keeps_nothing(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 3))
    chosen = settings(node_url, data=tmp_path / "data")
    async with read_once(chosen) as source:
        assert source is not None
        assert len((await source.read()).registered) == 2
    assert not (tmp_path / "data").exists()
    async with read_once(chosen.model_copy(update={"sources": _without_chain()})) as none:
        assert none is None


def _without_chain() -> object:
    from exporter.settings import Sources

    return Sources.model_validate({"gateway": [{"url": "http://127.0.0.1:1"}]})


async def test_only_active_orchestrators_are_tested_if_that_is_wanted(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 3))
    livepeer.join(who(9), 9 * LPT)
    endpoints = [
        {
            "orchestrator": orchestrator,
            "uri": "https://mine.example",
            "models": [{"pipeline": "llm", "model": "m"}],
        }
        for orchestrator in (who(1), who(9), who(77), "my-runner")
    ]
    sources = {"static": endpoints, "chain": {}}
    chosen = settings(node_url, sources=sources, filter={"registered": "active"})
    async with a_source(chosen, tmp_path) as source:
        discovery = Discovery(chosen, tested_pipelines=["llm"], chain=source)
        before = await discovery.refresh()
        assert before.tested == ()
        assert {offer.not_tested for offer in before.offers} == {
            "whether it is active on the chain is not known yet (filter.registered is `active`)"
        }
        await source.look()
        supply = await discovery.refresh()
    by_orchestrator = {offer.target.orchestrator: offer for offer in supply.offers}
    assert [offer.target.orchestrator for offer in supply.tested] == [who(1)]
    assert [by_orchestrator[one].registered for one in (who(1), who(9), who(77), "my-runner")] == [
        True,
        True,
        False,
        None,
    ]
    assert "not active on the chain in this round" in (by_orchestrator[who(9)].not_tested or "")
    assert msgspec.json.decode(msgspec.json.encode(supply), type=type(supply)) == supply

"""Names as the station has them: labels and ENS together, over restarts and failures."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.model import NANOSECONDS, Offer, Registration, Supply, Target
from exporter.names.book import FILE, NameBook, nameable
from exporter.names.kept_names import ADDRESSES, KeptNames
from exporter.settings import Settings
from tests.names.ens_chain import EnsChain
from tests.waiting import eventually

ALICE = "0x" + "a1" * 20
BOB = "0x" + "b2" * 20
DAY = 86400 * NANOSECONDS


class Clock:
    def __init__(self) -> None:
        self.now = 100 * DAY

    def __call__(self) -> int:
        return self.now


def book(tmp_path: Path, clock: Clock, **names: Any) -> NameBook:
    endpoint = {
        "orchestrator": "own",
        "uri": "http://127.0.0.1:1",
        "models": [{"pipeline": "llm", "model": "m"}],
    }
    settings = Settings.model_validate(
        {"region": "FRA", "data": tmp_path, "sources": {"static": [endpoint]}, "names": names}
    )
    return NameBook(settings, now=clock, pace=0.0)


@asynccontextmanager
async def running(names: NameBook, *wanted: str) -> AsyncIterator[None]:
    task = asyncio.create_task(names.run(lambda: wanted))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def asked(names: NameBook, *wanted: str) -> None:
    """Run until everybody was asked for and that is written, or asking failed."""

    async def settled() -> bool:
        written = names._kept is None or not names._kept._changed
        return names.problem is not None or (written and not names._due(wanted))

    async with running(names, *wanted):
        await eventually(settled)


def test_without_settings_nobody_has_a_name_and_nothing_is_written(tmp_path: Path) -> None:
    names = book(tmp_path, Clock())
    assert names.name(ALICE) is None
    assert list(tmp_path.iterdir()) == []


async def test_names_are_asked_for_and_a_label_comes_first(
    chain: EnsChain, url: str, tmp_path: Path
) -> None:
    chain.named(ALICE, "alice.eth")
    chain.named(BOB, "bob.eth")
    labels = tmp_path / "labels.yaml"
    labels.write_text(f"{BOB}: our own\n")
    names = book(tmp_path, Clock(), ens=[{"url": url}], labels=labels)
    await asked(names, ALICE, BOB, "own")
    assert (names.name(ALICE), names.name(BOB)) == ("alice.eth", "our own")
    assert names.name("own") is None


async def test_a_restart_asks_nobody_again_who_was_asked_for(
    chain: EnsChain, url: str, tmp_path: Path
) -> None:
    chain.named(ALICE, "alice.eth")
    clock = Clock()
    await asked(book(tmp_path, clock, ens=[{"url": url}]), ALICE, BOB)
    kept = json.loads((tmp_path / FILE).read_text())
    assert kept == {
        ALICE: {"name": "alice.eth", "asked_at": clock.now},
        BOB: {"name": None, "asked_at": clock.now},
    }
    again = book(tmp_path, clock, ens=[{"url": "http://127.0.0.1:1"}])
    assert again.name(ALICE) == "alice.eth"
    assert again._due([ALICE, BOB]) == []
    clock.now += DAY + 1
    assert again._due([ALICE, BOB]) == [ALICE, BOB]


async def test_a_name_that_cannot_be_asked_for_stays_as_long_again_and_no_longer(
    chain: EnsChain, url: str, tmp_path: Path
) -> None:
    chain.named(ALICE, "alice.eth")
    clock = Clock()
    names = book(tmp_path, clock, ens=[{"url": url}])
    await asked(names, ALICE)
    chain.node.key = "another"
    clock.now += DAY + 1
    await asked(names, ALICE)
    assert "no Ethereum node answers" in (names.problem or "")
    assert url not in (names.problem or "")
    assert names.name(ALICE) == "alice.eth"
    clock.now += DAY
    assert names.name(ALICE) is None


async def test_a_name_that_changes_hands_goes_with_it(
    chain: EnsChain, url: str, tmp_path: Path
) -> None:
    chain.named(ALICE, "gpu.eth")
    clock = Clock()
    names = book(tmp_path, clock, ens=[{"url": url}])
    await asked(names, ALICE, BOB)
    chain.named(BOB, "gpu.eth")
    clock.now += DAY + 1
    await asked(names, ALICE, BOB)
    assert (names.name(ALICE), names.name(BOB)) == (None, "gpu.eth")


async def test_a_file_that_is_rubbish_is_done_without(
    chain: EnsChain, url: str, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_bytes(b"\xff{")
    chain.named(ALICE, "alice.eth")
    names = book(tmp_path, Clock(), ens=[{"url": url}])
    await asked(names, ALICE)
    assert names.name(ALICE) == "alice.eth"
    assert json.loads((tmp_path / FILE).read_text())


async def test_a_name_from_the_future_is_not_believed(tmp_path: Path) -> None:
    clock = Clock()
    (tmp_path / FILE).write_text(
        json.dumps({ALICE: {"name": "alice.eth", "asked_at": clock.now + 1}})
    )
    names = book(tmp_path, clock, ens=[{"url": "http://127.0.0.1:1"}])
    assert names.name(ALICE) is None
    assert names._due([ALICE]) == [ALICE]


async def test_a_look_up_asks_once_for_all_and_says_how_far_it_is(
    chain: EnsChain, url: str, tmp_path: Path
) -> None:
    chain.named(ALICE, "alice.eth")
    names = book(tmp_path, Clock(), ens=[{"url": url}])
    told: list[tuple[int, int]] = []
    await names.look_up([ALICE, BOB], told=lambda *so_far: told.append(so_far))
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert names.name(ALICE) == "alice.eth"


async def test_a_look_up_ends_when_nobody_answers(tmp_path: Path) -> None:
    names = book(tmp_path, Clock(), ens=[{"url": "http://127.0.0.1:1"}])
    many = [f"0x{number:040x}" for number in range(50)]
    await names.look_up(many)
    assert names.problem is not None


def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    kept = KeptNames(tmp_path / FILE)
    for number in range(ADDRESSES + 10):
        kept.put(f"0x{number:040x}", None, number)
    kept.save()
    assert len(json.loads((tmp_path / FILE).read_text())) == ADDRESSES
    assert kept.get(f"0x{9:040x}") is None
    assert KeptNames(tmp_path / FILE).get(f"0x{10:040x}") is not None


def test_a_full_disk_keeps_nobody_from_showing_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = KeptNames(tmp_path / "no folder" / FILE)
    kept.put(ALICE, "alice.eth", 1)
    kept.save()
    assert "names cannot be kept" in caplog.text
    assert kept.get(ALICE) is not None


def test_those_with_most_stake_are_asked_for_first() -> None:
    def registered(orchestrator: str, stake: float) -> Registration:
        return Registration(orchestrator=orchestrator, active=True, in_pool=True, stake=stake)

    supply = Supply(
        offers=(Offer(target=Target("0xcc", "llm", "m"), service_uri=None),),
        sources=(),
        taken_at=0,
        registered=(registered(ALICE, 1.0), registered(BOB, 2.0)),
    )
    assert nameable(supply) == [BOB, ALICE, "0xcc"]
    assert nameable(None) == []

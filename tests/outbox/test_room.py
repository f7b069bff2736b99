"""What goes when the outbox holds as much as it may, and what is told of it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.outbox import Letter, Losses, Outbox, OutboxFull
from exporter.outbox.room import SPELL
from tests.filesystems import small_disk
from tests.measurements import good
from tests.outbox.conftest import Opener, put_until_full

BOUND = 2**20


class Clock:
    now = 999

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def outbox(path: Path, clock: Clock) -> AsyncIterator[Outbox]:
    outbox = Outbox.open(path, max_bytes=BOUND, keep_delivered=1000, clock=clock)
    yield outbox
    await outbox.close()


async def put(outbox: Outbox, first: int, count: int) -> list[int]:
    return [
        await outbox.put(good(f"m{n}", response="x" * 5000)) for n in range(first, first + count)
    ]


async def ids(outbox: Outbox) -> list[str]:
    return [one.id for _, one in await outbox.read(0, 10_000)]


async def test_the_oldest_that_were_not_delivered_go_and_are_counted(outbox: Outbox) -> None:
    seqs = await put(outbox, 0, 1000)
    lost = (await outbox.losses()).measurements
    assert 1000 - 210 < lost < 1000 - 100
    assert seqs == list(range(1, 1001))
    assert await ids(outbox) == [f"m{n}" for n in range(lost, 1000)]
    assert await outbox.losses() == Losses(measurements=lost, last=999, since=999, lately=lost)
    assert await outbox.numbers() == (lost + 1, 1000)
    assert await outbox.size() < 2 * BOUND


async def test_what_all_consumers_have_goes_first_though_it_was_to_be_kept(outbox: Outbox) -> None:
    await put(outbox, 0, 100)
    await outbox.advance("fast", 100)
    await outbox.advance("slow", 90)
    await put(outbox, 100, 80)
    assert await outbox.losses() == Losses()
    left = await ids(outbox)
    assert left[-90:] == [f"m{n}" for n in range(90, 180)]
    assert len(left) < 180


async def test_dead_letters_go_before_what_was_not_delivered(outbox: Outbox) -> None:
    await outbox.set_aside("store", [Letter(n, f"l{n}", b"x" * 5000, "why") for n in range(100)])
    await put(outbox, 0, 60)
    losses = await outbox.losses()
    assert losses.measurements == 0
    assert 0 < losses.dead_letters < 100
    assert await outbox.dead_letters() == {"store": 100 - losses.dead_letters}
    await put(outbox, 60, 120)
    assert await outbox.dead_letters() == {}
    assert (await outbox.losses()).measurements > 0


async def test_more_letters_at_once_than_fit_push_each_other_out(outbox: Outbox) -> None:
    await outbox.set_aside("store", [Letter(n, f"l{n}", b"x" * 5000, "why") for n in range(400)])
    kept = (await outbox.dead_letters())["store"]
    assert 100 < kept < 210
    assert await outbox.losses() == Losses(dead_letters=400 - kept)


async def test_room_is_made_for_several_at_once(outbox: Outbox) -> None:
    await put(outbox, 0, 300)
    losses = []
    for n in range(300, 360):
        await put(outbox, n, 1)
        losses.append((await outbox.losses()).measurements)
    assert 5 < len(set(losses)) < 40, "not with every put, and not half of everything"


async def test_a_spell_of_losses_is_logged_once_and_counted_by_itself(
    outbox: Outbox, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await put(outbox, 0, 400)
    first = await outbox.losses()
    clock.now += SPELL // 2
    await put(outbox, 400, 50)
    second = await outbox.losses()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "are lost" in caplog.text
    assert (second.since, second.last) == (999, clock.now)
    assert second.lately == second.measurements > first.measurements
    assert second.recent(clock.now + SPELL - 1)
    assert not second.recent(clock.now + SPELL)

    clock.now += SPELL
    await put(outbox, 450, 50)
    third = await outbox.losses()
    assert len(caplog.records) == 2
    assert third.since == clock.now
    assert third.lately == third.measurements - second.measurements


async def test_the_account_survives_a_restart(outbox: Outbox, opened: Opener) -> None:
    await put(outbox, 0, 400)
    before = await outbox.losses()
    await outbox.close()
    assert await opened().losses() == before


async def test_what_can_never_fit_is_refused_and_costs_nothing(outbox: Outbox) -> None:
    await put(outbox, 0, 50)
    await outbox.advance("store", 20)
    results = await asyncio.gather(
        outbox.put(good("small")),
        outbox.put(good("giant", response="x" * 2 * BOUND)),
        outbox.put(good("another")),
        return_exceptions=True,
    )
    assert isinstance(results[1], OutboxFull)
    assert "whatever is deleted" in str(results[1])
    assert await ids(outbox) == [*(f"m{n}" for n in range(50)), "small", "another"]
    assert await outbox.losses() == Losses()


async def test_the_same_again_needs_no_room(outbox: Outbox) -> None:
    seqs = await put(outbox, 0, 150)
    before = await outbox.losses()
    assert await put(outbox, 149, 1) == [seqs[-1]]
    assert await outbox.losses() == before


async def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path, opened: Opener) -> None:
    with small_disk(tmp_path, kilobytes=1024):
        outbox = opened()
        stored, _ = await put_until_full(outbox)
        assert await outbox.losses() == Losses()
        assert await ids(outbox) == [f"m{n}" for n in range(stored)]
        await outbox.close()


async def test_a_disk_that_is_full_where_room_is_made_loses_nothing(
    tmp_path: Path, opened: Opener
) -> None:
    """The bound is reached, but not even the deletion can be written."""
    with small_disk(tmp_path, kilobytes=4096):
        outbox = opened(max_bytes=BOUND)
        await put(outbox, 0, 150)
        before = await ids(outbox), await outbox.losses()
        fill_up(tmp_path / "filler")
        accepted, refused = [], 0
        for n in range(150, 400):
            try:
                await put(outbox, n, 1)
                accepted.append(f"m{n}")
            except OutboxFull:
                refused += 1
        assert refused
        lost = (await outbox.losses()).measurements - before[1].measurements
        assert await ids(outbox) == [*before[0], *accepted][lost:]
        (tmp_path / "filler").unlink()
        await put(outbox, 400, 1)
        await outbox.close()


def fill_up(file: Path) -> None:
    with file.open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"x" * 4096)

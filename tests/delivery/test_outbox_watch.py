import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from exporter.delivery.outbox_watch import OutboxWatch
from exporter.model import Supply
from exporter.outbox import Outbox, OutboxError
from tests.stations import ALICE, BOB, offer, supply
from tests.waiting import until


class Clock:
    now = 1000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    outbox = Outbox.open(tmp_path / "outbox.sqlite", max_bytes=2**24, keep_delivered=2)
    yield outbox
    await outbox.close()


async def publish(outbox: Outbox, *offers: str, taken_at: int) -> None:
    notice = supply(*map(offer, offers), taken_at=taken_at)
    await outbox.publish("supply", msgspec.json.encode(notice))


@asynccontextmanager
async def watching(watch: OutboxWatch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_nothing_has_been_heard_before_the_first_notice(outbox: Outbox) -> None:
    watch = OutboxWatch(outbox, [], lambda _: None, Clock())
    await watch.start()
    assert watch.supply is None
    assert watch.heard_at is None


async def test_a_notice_from_before_the_start_is_as_old_as_it_says(outbox: Outbox) -> None:
    await publish(outbox, ALICE, taken_at=7)
    await outbox.publish("progress", b"{}")
    followed: list[Supply] = []
    watch = OutboxWatch(outbox, [], followed.append, Clock())
    await watch.start()
    assert watch.heard_at == 7
    assert followed == [watch.supply]


async def test_a_new_notice_is_followed_once(outbox: Outbox) -> None:
    followed: list[Supply] = []
    watch = OutboxWatch(outbox, [], followed.append, Clock())
    await watch.start()
    await publish(outbox, ALICE, BOB, taken_at=7)
    await watch.look()
    await watch.look()
    assert [len(supply.offers) for supply in followed] == [2]
    assert watch.heard_at == 1000


async def test_progress_alone_is_a_sign_of_life(outbox: Outbox) -> None:
    watch = OutboxWatch(outbox, [], lambda _: None, Clock())
    await watch.start()
    await outbox.publish("progress", b'{"round": 1}')
    await watch.look()
    assert watch.heard_at == 1000


async def test_a_notice_that_makes_no_sense_leaves_the_last_good_one(outbox: Outbox) -> None:
    await publish(outbox, ALICE, taken_at=7)
    watch = OutboxWatch(outbox, [], lambda _: None, Clock())
    await watch.start()
    for payload in (b"", b"\xff", b"[]", b'{"offers": 3}', b'{"x":' * 9000):
        await outbox.publish("supply", payload)
        await watch.look()
    assert watch.supply is not None
    assert watch.supply.taken_at == 7


async def test_what_another_process_publishes_is_seen(outbox: Outbox, tmp_path: Path) -> None:
    seen = asyncio.Event()
    watch = OutboxWatch(outbox, [], lambda _: seen.set(), Clock())
    await watch.start()
    probe = Outbox.open(tmp_path / "outbox.sqlite", max_bytes=2**24, keep_delivered=2)
    async with watching(watch):
        await publish(probe, ALICE, taken_at=7)
        async with asyncio.timeout(20):
            await seen.wait()
    await probe.close()


async def test_an_outbox_that_fails_is_a_problem_until_it_works_again() -> None:
    class Failing:
        broken = True
        asked = asyncio.Event()

        async def changed(self) -> bool:
            if self.broken:
                raise OutboxError("locked")
            return False

        async def notice(self, _: str) -> bytes | None:
            return None

    outbox = Failing()
    watch = OutboxWatch(outbox, [], lambda _: None, Clock())
    async with watching(watch):
        await until(lambda: watch.problem is not None)
        assert watch.problem == "OutboxError: locked"
        outbox.broken = False
        await until(lambda: watch.problem is None)

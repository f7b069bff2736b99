import asyncio
import logging
import sqlite3
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.model import Measurement
from exporter.outbox import Outbox, OutboxError
from tests.measurements import good, measurements
from tests.outbox.conftest import Opener


async def put_many(outbox: Outbox, count: int, first: int = 1) -> list[int]:
    return await asyncio.gather(*(outbox.put(good(f"m{n}")) for n in range(first, first + count)))


async def ids(outbox: Outbox, after: int = 0, limit: int = 1000) -> list[str]:
    return [measurement.id for _, measurement in await outbox.read(after, limit)]


async def test_numbers_begin_at_the_moment_the_file_is_made(opened: Opener) -> None:
    outbox = opened(now=1_790_000_000_123_456_789)
    assert await outbox.last() == 1_790_000_000_123_456
    assert await outbox.numbers() == (1_790_000_000_123_457, 1_790_000_000_123_456)
    assert await put_many(outbox, 2) == [1_790_000_000_123_457, 1_790_000_000_123_458]
    await outbox.close()
    assert await opened(now=1_800_000_000_000_000_000).put(good("m3")) == 1_790_000_000_123_459


async def test_what_is_pending_is_counted_from_what_is_in_the_file(opened: Opener) -> None:
    outbox = opened(now=10**18)
    assert await outbox.pending(0) == 0
    seqs = await put_many(outbox, 5)
    assert [await outbox.pending(seq) for seq in (0, *seqs, seqs[-1] + 7)] == [5, 4, 3, 2, 1, 0, 0]
    await outbox.advance("store", seqs[1])
    await outbox.trim()
    assert await outbox.numbers() == (seqs[2], seqs[4])
    assert await outbox.pending(0) == 3


async def test_numbers_rise_in_the_order_of_putting(opened: Opener) -> None:
    outbox = opened()
    assert await outbox.last() == 0
    assert await put_many(outbox, 5) == [1, 2, 3, 4, 5]
    assert await outbox.last() == 5


async def test_what_was_put_is_read_back_equal_and_in_order(opened: Opener) -> None:
    outbox = opened()
    await put_many(outbox, 5)
    assert await outbox.read(0, 2) == [(1, good("m1")), (2, good("m2"))]
    assert await outbox.read(2, 2) == [(3, good("m3")), (4, good("m4"))]
    assert await outbox.read(4, 2) == [(5, good("m5"))]
    assert await outbox.read(5, 2) == []


async def test_the_tail_is_the_newest_ascending(opened: Opener) -> None:
    outbox = opened()
    await put_many(outbox, 5)
    assert [seq for seq, _ in await outbox.tail(2)] == [4, 5]
    assert [seq for seq, _ in await outbox.tail(9)] == [1, 2, 3, 4, 5]


async def test_the_same_id_twice_gives_the_first_number(opened: Opener) -> None:
    outbox = opened()
    assert await outbox.put(good("same")) == 1
    assert await outbox.put(good("other")) == 2
    assert await outbox.put(good("same", seconds=9)) == 1
    assert await asyncio.gather(*(outbox.put(good("x")) for _ in range(2))) == [3, 3]
    assert await ids(outbox) == ["same", "other", "x"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batch=st.lists(measurements(), max_size=20, unique_by=lambda measurement: measurement.id))
def test_every_measurement_survives(tmp_path: Path, batch: list[Measurement]) -> None:
    async def there_and_back() -> None:
        outbox = Outbox.open(
            tmp_path / uuid4().hex, max_bytes=2**24, keep_delivered=0, clock=lambda: 0
        )
        try:
            await asyncio.gather(*(outbox.put(measurement) for measurement in batch))
            assert await outbox.read(0, 100) == list(enumerate(batch, 1))
        finally:
            await outbox.close()

    asyncio.run(there_and_back())


async def test_a_measurement_that_could_not_be_read_back_is_refused_at_once(
    opened: Opener,
) -> None:
    outbox = opened()
    with pytest.raises(ValueError, match="m1 cannot be stored"):
        await outbox.put(good("m1", http_status=200.5))
    with pytest.raises(ValueError, match="surrogates"):
        await outbox.put(good("m2", model="\ud800"))
    assert await outbox.last() == 0


async def test_a_cursor_starts_at_zero_and_never_moves_back(opened: Opener) -> None:
    outbox = opened()
    assert await outbox.cursor("store") == 0
    await outbox.advance("store", 7)
    await outbox.advance("store", 3)
    assert await outbox.cursor("store") == 7
    assert await outbox.cursor("prometheus") == 0


async def test_nothing_is_trimmed_while_no_consumer_is_known(opened: Opener) -> None:
    outbox = opened()
    await put_many(outbox, 3)
    assert await outbox.trim() == 0


async def test_trimming_waits_for_the_slowest_consumer(opened: Opener) -> None:
    outbox = opened()
    await put_many(outbox, 10)
    await outbox.advance("fast", 9)
    await outbox.advance("slow", 0)
    assert await outbox.trim() == 0
    await outbox.advance("slow", 4)
    assert await outbox.trim() == 4
    assert await ids(outbox) == ["m5", "m6", "m7", "m8", "m9", "m10"]


async def test_trimming_keeps_the_newest_delivered(opened: Opener) -> None:
    outbox = opened(keep_delivered=3)
    await put_many(outbox, 10)
    await outbox.advance("store", 8)
    assert await outbox.trim() == 5
    assert [seq for seq, _ in await outbox.tail(100)] == [6, 7, 8, 9, 10]
    assert await outbox.trim() == 0


async def test_trimming_deletes_more_than_fits_into_one_step(opened: Opener) -> None:
    outbox = opened()
    await put_many(outbox, 1700)
    await outbox.advance("store", 1700)
    assert await outbox.trim() == 1700
    assert await outbox.read(0, 10) == []


async def test_a_consumer_that_is_forgotten_is_not_waited_for_and_begins_anew(
    opened: Opener,
) -> None:
    outbox = opened()
    await put_many(outbox, 6)
    for consumer, seq in {"store": 5, "post a": 1, "post b": 2, "poster": 4}.items():
        await outbox.advance(consumer, seq)
    await outbox.publish("post a", b"mark")
    await outbox.publish("post c", b"mark")
    await outbox.publish("supply", b"supply")
    assert await outbox.forget_others("post ", ["post b"]) == ["post a", "post c"]
    assert await outbox.forget_others("post ", ["post b"]) == []
    assert await outbox.trim() == 2
    assert await outbox.cursor("post a") == 0
    assert await outbox.cursor("post b") == 2
    assert [await outbox.notice(one) for one in ("post a", "post c")] == [None, None]
    assert await outbox.notice("supply") == b"supply"


async def test_numbers_are_never_given_again_after_trimming(opened: Opener) -> None:
    outbox = opened()
    await put_many(outbox, 3)
    await outbox.advance("store", 3)
    await outbox.trim()
    assert await outbox.last() == 3
    await outbox.close()
    again = opened()
    assert await again.last() == 3
    assert await again.put(good("next")) == 4


async def test_everything_is_there_after_closing_and_opening_again(opened: Opener) -> None:
    outbox = opened()
    await put_many(outbox, 3)
    await outbox.advance("store", 2)
    await outbox.publish("supply", b"{}")
    identity = outbox.id
    await outbox.close()
    again = opened()
    assert again.id == identity
    assert await ids(again) == ["m1", "m2", "m3"]
    assert await again.cursor("store") == 2
    assert await again.notice("supply") == b"{}"


async def test_every_file_has_an_id_of_its_own(opened: Opener, tmp_path: Path) -> None:
    assert opened().id != opened(at=tmp_path / "other.sqlite").id


async def test_of_a_topic_the_latest_value_counts(opened: Opener) -> None:
    outbox = opened()
    assert await outbox.notice("supply") is None
    await outbox.publish("supply", b"old")
    await outbox.publish("progress", b"\x00\xff")
    await outbox.publish("supply", b"new")
    assert await outbox.notice("supply") == b"new"
    assert await outbox.notice("progress") == b"\x00\xff"


async def test_a_change_is_seen_once(opened: Opener) -> None:
    here, there = opened(), opened()
    assert await here.changed()
    assert not await here.changed()
    await there.put(good("m1"))
    assert await here.changed()
    assert not await here.changed()
    await here.publish("topic", b"own commits are changes too")
    assert await here.changed()


async def test_puts_that_wait_together_are_committed_together(opened: Opener) -> None:
    outbox = opened()
    statements: list[str] = []
    outbox._writer._connection.set_trace_callback(statements.append)
    await put_many(outbox, 200)
    assert statements.count("COMMIT") < 50


async def test_closing_commits_what_is_queued(opened: Opener) -> None:
    outbox = opened()
    puts = [asyncio.ensure_future(outbox.put(good(f"m{n}"))) for n in range(100)]
    await asyncio.sleep(0)
    await outbox.close()
    assert sorted(await asyncio.gather(*puts)) == list(range(1, 101))
    assert len(await ids(opened())) == 100


async def test_closing_folds_the_wal_into_the_file(opened: Opener, path: Path) -> None:
    outbox = opened()
    await put_many(outbox, 10)
    await outbox.close()
    await outbox.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_a_closed_outbox_says_so(opened: Opener) -> None:
    outbox = opened()
    await outbox.close()
    with pytest.raises(OutboxError, match="closed"):
        await outbox.put(good("m1"))
    with pytest.raises(OutboxError, match="closed"):
        await outbox.read(0, 1)


async def test_a_cancelled_put_harms_no_other(opened: Opener) -> None:
    outbox = opened()
    cancelled = asyncio.ensure_future(outbox.put(good("cancelled")))
    other = asyncio.ensure_future(outbox.put(good("other")))
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await other == 2
    assert await ids(outbox) == ["cancelled", "other"]


async def test_one_call_that_fails_takes_no_other_with_it(opened: Opener) -> None:
    outbox = opened()
    results = await asyncio.gather(
        outbox.put(good("m1")),
        outbox.advance("store", 2**70),
        outbox.put(good("m2")),
        return_exceptions=True,
    )
    assert [results[0], results[2]] == [1, 2]
    assert isinstance(results[1], OutboxError)
    assert await ids(outbox) == ["m1", "m2"]


async def test_a_row_that_cannot_be_decoded_is_left_out_logged_once_and_kept(
    opened: Opener, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = opened()
    await put_many(outbox, 6)
    spoil(path, "seq IN (2, 3, 4)", b'{"id": "of another time"}')
    with caplog.at_level(logging.ERROR):
        assert [seq for seq, _ in await outbox.read(1, 2)] == [5, 6]
        assert [seq for seq, _ in await outbox.read(0, 100)] == [1, 5, 6]
    assert [vars(record)["seq"] for record in caplog.records] == [2, 3, 4]
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count(*) FROM measurement").fetchone() == (6,)
    raw.close()


def spoil(path: Path, where: str, payload: bytes) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute(f"UPDATE measurement SET payload = ? WHERE {where}", (payload,))
    raw.close()


async def test_the_file_shrinks_after_a_backlog_and_does_not_grow_in_use(opened: Opener) -> None:
    outbox = opened(max_bytes=2**26)
    await asyncio.gather(*(outbox.put(good(f"m{n}", response="x" * 8000)) for n in range(1500)))
    await outbox.advance("store", 1500)
    high = await outbox.size()
    await outbox.trim()
    for turn in range(5):
        numbers = await asyncio.gather(
            *(outbox.put(good(f"{turn}-{n}", response="x" * 8000)) for n in range(300))
        )
        await outbox.advance("store", max(numbers))
        await outbox.trim()
    size = await outbox.size()
    await outbox.close()
    assert high > 12 * 2**20
    assert size < high, "the WAL included"
    assert opened()._path.stat().st_size < 4 * 2**20


async def test_a_slow_read_delays_no_put(opened: Opener) -> None:
    outbox = opened()
    reading, released = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow() -> None:
        outbox._reader.execute("BEGIN")
        outbox._select("SELECT count(*) FROM measurement", ())
        loop.call_soon_threadsafe(reading.set)
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result(30)
        outbox._reader.execute("COMMIT")

    task = asyncio.ensure_future(outbox._in_reader(slow))
    await reading.wait()
    assert await asyncio.wait_for(outbox.put(good("m1")), 20) == 1
    released.set()
    await task


async def test_a_cursor_goes_back_only_when_it_is_told_to(opened: Opener) -> None:
    outbox = opened()
    await put_many(outbox, 5)
    await outbox.advance("store", 4)
    await outbox.advance("store", 2)
    assert await outbox.cursor("store") == 4
    await outbox.rewind("store", 2)
    await outbox.rewind("store", 3)
    assert await outbox.cursor("store") == 2
    await outbox.rewind("nobody", 1)
    assert await outbox.cursor("nobody") == 0

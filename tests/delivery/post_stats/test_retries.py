"""Results that a leaderboard refused, offered again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.delivery.post_stats.consumer import LAG, Posted, PostStats
from exporter.delivery.post_stats.retries import PostRetries
from exporter.model import encode
from exporter.outbox import DeadLetter, Letter, dead_letters
from exporter.outbox.file import existing_file, transaction
from tests.delivery.post_stats.original import Fault
from tests.delivery.post_stats.posting_station import PostingStation, posting
from tests.measurements import good

CONSUMER = "post_stats x"


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[PostingStation]:
    async with posting(tmp_path) as station:
        yield station


async def set_aside(station: PostingStation, *words: str) -> None:
    letters = [
        Letter(seq, word, encode(good(word, 1 + seq / 7, request=word)), "once refused")
        for seq, word in enumerate(words, 1)
    ]
    await station.outbox.set_aside(CONSUMER, letters)


def offer_again(station: PostingStation) -> None:
    with existing_file(station.outbox._path) as connection, transaction(connection):
        dead_letters.retry(connection, None)


def left(station: PostingStation) -> list[DeadLetter]:
    with existing_file(station.outbox._path) as connection:
        return dead_letters.newest(connection, 100)[::-1]


async def repost(station: PostingStation) -> PostStats:
    """A consumer of what is to be offered again, in place of the station's."""
    await station.consumer.close()
    again = PostRetries(station.outbox, CONSUMER)
    station.source = again
    station.consumer = PostStats(
        station.original.target(),
        again,
        region="MDW",
        name=again.name,
        history=True,
        now=station.clock.now,
        clock=station.clock.monotonic,
    )
    await station.consumer.begin()
    return station.consumer


async def test_what_is_taken_goes_and_what_is_refused_again_stays_with_the_new_reason(
    station: PostingStation,
) -> None:
    await set_aside(station, "a", "b", "c")
    await repost(station)
    station.original.refused = {'"b"': (400, "no b")}
    await station.deliver()
    assert station.original.posts == 0
    offer_again(station)
    await station.deliver()
    assert station.original.count() == {"a": 1, "c": 1}
    assert [(one.id, one.reason, one.retry) for one in left(station)] == [
        ("b", 'status 400: {"error":"no b"}', None)
    ]


async def test_what_cannot_be_decoded_stays(station: PostingStation) -> None:
    await set_aside(station, "a", "b")
    with existing_file(station.outbox._path) as connection:
        connection.execute("UPDATE dead_letter SET payload = 'nothing'")
    offer_again(station)
    await repost(station)
    await station.deliver()
    assert [one.reason[:17] for one in left(station)] == ["cannot be decoded"] * 2
    assert all(one.retry is None for one in left(station))


@pytest.mark.parametrize("fault", [Fault.ERROR_AFTER, Fault.CLOSE_BEFORE])
async def test_an_attempt_that_fails_doubles_nothing(station: PostingStation, fault: Fault) -> None:
    await set_aside(station, "a", "b")
    offer_again(station)
    station.original.faults.append(fault)
    await repost(station)
    await station.deliver()
    assert station.original.count() == {"a": 1, "b": 1}
    assert left(station) == []


async def test_who_says_it_again_while_they_are_posted_doubles_nothing(
    station: PostingStation,
) -> None:
    await repost(station)
    await station.consumer.position()
    await set_aside(station, "a", "b")
    offer_again(station)
    station.original.faults.extend([Fault.NONE, Fault.ERROR_AFTER])
    await station.try_turn()
    assert station.original.count() == {"a": 1, "b": 1}, "and of `b` that is not known yet"
    offer_again(station)
    await station.deliver()
    assert station.original.count() == {"a": 1, "b": 1}
    assert left(station) == []


async def test_what_is_there_at_a_start_may_have_been_sent_before(station: PostingStation) -> None:
    await set_aside(station, "a", "b")
    offer_again(station)
    first = await repost(station)
    await first.position()
    station.clock.passed += LAG + 1  # what is there at the first start is looked up, too
    batch = await station.source.read(0, 10)
    await first.take(batch[:1])
    await set_aside(station, "a", "b")  # as if killed before the first was deleted
    offer_again(station)
    await repost(station)
    await station.deliver()
    assert station.original.count() == {"a": 1, "b": 1}
    assert station.consumer.posted == Posted(sent=1, found=1)

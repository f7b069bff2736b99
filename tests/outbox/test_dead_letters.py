"""Measurements that a consumer does not take."""

import pytest

from exporter.outbox import Letter, Outbox, dead_letters
from exporter.outbox.file import existing_file, transaction
from tests.measurements import good
from tests.outbox.conftest import Opener


def letter(n: int, reason: str = "too old") -> Letter:
    return Letter(n, f"m{n}", b"payload", reason)


def command(outbox: Outbox, *ids: str) -> int:
    """Have letters offered again as the command line does: from outside."""
    with existing_file(outbox._path) as connection, transaction(connection):
        return dead_letters.retry(connection, ids or None)


async def waiting(outbox: Outbox, after: int = 0) -> list[str]:
    return [one.id for one in await outbox.to_retry("store", after, 100)]


async def test_letters_are_counted_by_consumer_and_kept_once(opened: Opener) -> None:
    outbox = opened(now=7)
    await outbox.set_aside("store", [letter(1), letter(2)])
    await outbox.set_aside("store", [letter(2, "a newer reason")])
    await outbox.set_aside("elsewhere", [letter(2)])
    assert await outbox.dead_letters() == {"store": 2, "elsewhere": 1}
    await outbox.close()
    again = opened()
    assert await again.dead_letters() == {"store": 2, "elsewhere": 1}
    with existing_file(again._path) as connection:
        first, second = dead_letters.letters_of(connection, "m2")
    assert (first.consumer, first.seq, first.payload) == ("store", 2, b"payload")
    assert (first.reason, first.at, first.retry) == ("a newer reason", 7, None)
    assert second.consumer == "elsewhere"


async def test_of_too_many_the_oldest_go(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "MOST", 5)
    outbox = opened()
    await outbox.set_aside("store", [letter(n) for n in range(4)])
    await outbox.set_aside("store", [letter(n) for n in range(2, 8)])
    with existing_file(outbox._path) as connection:
        assert [one.seq for one in dead_letters.newest(connection, 10)] == [7, 6, 5, 4, 3]
    assert (await outbox.losses()).dead_letters == 3
    assert (await outbox.losses()).measurements == 0


async def test_those_to_retry_come_in_the_order_that_it_was_said(opened: Opener) -> None:
    outbox = opened()
    await outbox.set_aside("store", [letter(n) for n in range(6)])
    assert await waiting(outbox) == []
    assert command(outbox, "m4") == 1
    assert command(outbox, "m1", "m3", "unknown") == 2
    assert await waiting(outbox) == ["m4", "m1", "m3"]
    assert await waiting(outbox, 1) == ["m1", "m3"]
    assert await outbox.count_to_retry("store", 1) == 2
    assert await outbox.last_retry() == 3
    assert await outbox.to_retry("elsewhere", 0, 10) == []


async def test_what_is_taken_goes_and_what_is_refused_again_waits_for_a_word(
    opened: Opener,
) -> None:
    outbox = opened()
    await outbox.set_aside("store", [letter(n) for n in range(3)])
    assert command(outbox) == 3
    letters = await outbox.to_retry("store", 0, 10)
    await outbox.settle(letters, {letters[1].number: "still", letters[2].number: "still"})
    assert await outbox.dead_letters() == {"store": 2}
    assert await waiting(outbox) == []
    with existing_file(outbox._path) as connection:
        assert dead_letters.letters_of(connection, "m1")[0].reason == "still"
    assert command(outbox, "m1") == 1
    assert await waiting(outbox) == ["m1"]


async def test_who_is_told_twice_to_offer_a_letter_again_offers_it_once(opened: Opener) -> None:
    outbox = opened()
    await outbox.set_aside("store", [letter(n) for n in range(3)])
    assert command(outbox, "m1") == 1
    before = await outbox.to_retry("store", 0, 10)
    assert command(outbox) == 3
    assert await waiting(outbox) == ["m1", "m0", "m2"]
    assert (await outbox.to_retry("store", 0, 10))[:1] == before


async def test_letters_can_be_dropped(opened: Opener) -> None:
    outbox = opened()
    await outbox.set_aside("store", [letter(n) for n in range(3)])
    with existing_file(outbox._path) as connection:
        assert dead_letters.drop(connection, ["m1", "unknown"]) == 1
        assert await outbox.dead_letters() == {"store": 2}
        assert dead_letters.drop(connection, None) == 2
    assert await outbox.dead_letters() == {}


async def test_rows_that_cannot_be_decoded_are_given_with_the_reason(opened: Opener) -> None:
    outbox = opened()
    for n in range(1, 7):
        await outbox.put(good(f"m{n}"))
    with existing_file(outbox._path) as connection:
        connection.execute("UPDATE measurement SET payload = x'7b7d' WHERE seq IN (2, 3, 5, 6)")
    found = await outbox.unreadable(1, 5, 10)
    assert [(one.seq, one.id, one.payload) for one in found] == [
        (2, "m2", b"{}"),
        (3, "m3", b"{}"),
        (5, "m5", b"{}"),
    ]
    assert "cannot be decoded: " in found[0].reason
    assert [one.seq for one in await outbox.unreadable(0, 100, 2)] == [2, 3]

"""What the station knows after a restart of what others reported."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random

import pytest

from exporter.delivery.feed import Feed
from exporter.delivery.restoration import AfterRestoration, Restoration
from exporter.delivery.store_writer import StoreWriter
from exporter.delivery.target_metrics import TargetMetrics
from exporter.outbox import Outbox
from exporter.stores import Store
from exporter.stores.embedded import EmbeddedStore
from tests.delivery.snapshots import followed_failure, posted
from tests.measurements import SECOND, START, failed, good
from tests.stations import BOB, NOW

REPORTERS = ("somebody", "leaderboard.example")


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    path = tmp_path / "outbox.sqlite"
    outbox = Outbox.open(path, max_bytes=2**24, keep_delivered=2, clock=lambda: 0)
    yield outbox
    await outbox.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    store = EmbeddedStore.open(tmp_path / "store.duckdb")
    yield store
    await store.close()


def restoration(outbox: Outbox, store: Store, reporters: Sequence[str] = REPORTERS) -> Restoration:
    return Restoration(outbox, store, tester="tester-1", region="MDW", reporters=reporters)


async def store_all(outbox: Outbox, store: Store) -> None:
    writer = AfterRestoration(
        StoreWriter(outbox, store, lambda _: True), restoration(outbox, store)
    )
    await _to_the_end(Feed(writer, outbox, random=Random(1)))


async def restarted(
    outbox: Outbox, store: Store, reporters: Sequence[str] = REPORTERS, reported_for: float = 1e5
) -> TargetMetrics:
    """The metrics of a station that starts now, once they have taken everything."""
    metrics = TargetMetrics(
        tester="tester-1",
        region="MDW",
        buckets=[1],
        restore=restoration(outbox, store, reporters).states,
        reporters=reporters,
        reported_for=reported_for,
        now=lambda: NOW,
    )
    await _to_the_end(Feed(metrics, outbox, random=Random(1)))
    return metrics


async def _to_the_end(feed: Feed) -> None:
    feed.stop()
    await feed.run()
    assert feed.problem is None


def streaks(metrics: TargetMetrics) -> dict[tuple[str, str], int | None]:
    return {(one.tester, one.region): one.consecutive_failures for one in metrics.shown()}


async def test_streak_and_last_success_of_each_reporter_survive_and_nothing_counts_twice(
    outbox: Outbox, store: EmbeddedStore
) -> None:
    for job in (
        posted("a", started_at=START),
        followed_failure("b"),
        followed_failure("c", region="MDW"),
        good("d"),
        failed("e"),
        posted("f", orchestrator=BOB, tester="a stranger"),
    ):
        await outbox.put(job)
    await store_all(outbox, store)
    await outbox.put(followed_failure("g"))  # which the store does not have yet
    metrics = await restarted(outbox, store)
    assert streaks(metrics) == {
        ("tester-1", "MDW"): 1,
        ("somebody", "FRA"): 0,
        ("leaderboard.example", "LAX"): 2,
        ("leaderboard.example", "MDW"): 1,
    }
    assert metrics.shown()[1].last_success == START
    assert [one.attempts for one in metrics.shown()] == [0, 0, 1, 0]


async def test_a_reporter_that_is_our_own_name_or_named_twice_changes_nothing(
    outbox: Outbox, store: EmbeddedStore
) -> None:
    for job in (failed("a"), followed_failure("b")):
        await outbox.put(job)
    await store_all(outbox, store)
    again = ("leaderboard.example", "tester-1", "leaderboard.example")
    _, states = await restoration(outbox, store, again).states()
    assert [state.tester for state in states] == ["tester-1", "leaderboard.example"]


async def test_what_was_reported_too_long_ago_is_not_shown_and_not_forgotten(
    outbox: Outbox, store: EmbeddedStore
) -> None:
    await outbox.put(followed_failure("a", started_at=NOW - 61 * SECOND))
    await store_all(outbox, store)
    assert streaks(await restarted(outbox, store, reported_for=60)) == {}
    await outbox.put(followed_failure("b", started_at=NOW))
    metrics = await restarted(outbox, store, reported_for=60)
    assert streaks(metrics) == {("leaderboard.example", "LAX"): 2}

from hypothesis import given
from hypothesis import strategies as st

from exporter.delivery.recent import RecentJobs
from exporter.model import Measurement, Origin
from tests.measurements import failed, good


def numbered(*jobs: Measurement) -> list[tuple[int, Measurement]]:
    return list(enumerate(jobs, 1))


def ids(ring: RecentJobs) -> list[str]:
    return [job.id for job in ring.newest_first()]


async def test_failures_outlive_successes() -> None:
    ring = RecentJobs(jobs=3, failures=2)
    await ring.take(numbered(failed("f1"), failed("f2"), failed("f3"), *map(good, "abcde")))
    assert ids(ring) == ["e", "d", "c", "f3", "f2"]
    assert ring.get("f1") is None
    assert ring.get("f3") is not None
    assert ring.get("a") is None


async def test_what_the_tail_held_already_is_not_taken_again() -> None:
    rows = numbered(good("a"), failed("b"), good("c"))
    ring = RecentJobs(10, 10, after=1, tail=rows)
    assert await ring.position() == 3
    await ring.take([*rows[1:], (4, good("d"))])
    assert ids(ring) == ["d", "c", "b", "a"]


async def test_an_empty_tail_starts_where_it_is_told() -> None:
    assert await RecentJobs(10, 10, after=7).position() == 7


async def test_what_others_report_is_recent_and_what_was_imported_is_history() -> None:
    ring = RecentJobs(10, 10)
    await ring.take(
        numbered(
            good("a", origin=Origin.POSTED),
            failed("b", origin=Origin.FOLLOWED),
            good("c", origin=Origin.IMPORTED),
        )
    )
    assert ids(ring) == ["b", "a"]
    assert ring.get("c") is None
    assert await ring.position() == 3, "it is not offered again"


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 8), st.integers(1, 8))
async def test_the_ring_is_bounded_and_every_job_in_it_can_be_looked_up(
    outcomes: list[bool], jobs: int, failures: int
) -> None:
    ring = RecentJobs(jobs, failures)
    made = [good(str(n)) if ok else failed(str(n)) for n, ok in enumerate(outcomes)]
    await ring.take(numbered(*made))
    shown = ids(ring)
    assert len(shown) == len(ring) <= jobs + failures
    assert all(ring.get(job) is not None for job in shown)
    assert shown == sorted(shown, key=int, reverse=True)
    assert shown[:jobs] == [job.id for job in reversed(made)][:jobs]
    kept_failures = shown[jobs:]
    old = made[::-1][jobs:]
    assert kept_failures == [job.id for job in old if not job.ok][:failures]

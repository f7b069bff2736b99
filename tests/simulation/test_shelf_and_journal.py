import re
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from exporter.simulation.journal import JobRecord, summarise
from exporter.simulation.profiles import Act
from exporter.simulation.shelf import KEPT_SECONDS, Shelf


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_media_are_found_by_owner_and_path() -> None:
    shelf = Shelf(Random(1))
    path = shelf.put("a", b"picture")
    assert re.fullmatch(r"/stream/[0-9a-f]{8}/[0-9a-f]{8}\.png", path)
    item = shelf.get("a", path)
    assert item is not None
    assert item.data == b"picture"
    assert shelf.get("b", path) is None
    assert shelf.get("a", "/stream/0/0.png") is None


@given(sizes=st.lists(st.integers(0, 60), max_size=40))
def test_the_shelf_never_holds_more_than_its_bound(sizes: list[int]) -> None:
    shelf = Shelf(Random(1), max_bytes=100)
    for size in sizes:
        path = shelf.put("a", b"x" * size)
        assert shelf.size <= 100
        assert shelf.get("a", path) is not None


def test_media_expire() -> None:
    clock = Clock()
    shelf = Shelf(Random(1), clock=clock)
    path = shelf.put("a", b"picture")
    clock.now = KEPT_SECONDS - 1
    assert shelf.get("a", path) is not None
    clock.now = KEPT_SECONDS
    assert shelf.get("a", path) is None
    assert shelf.size == 0


def a_record(received_at: int, finished_at: int, *, orchestrator: str = "0xa") -> JobRecord:
    return JobRecord(
        orchestrator=orchestrator,
        pipeline="llm",
        model="m",
        job=1,
        via="direct",
        act=Act.ANSWER,
        received_at=received_at,
        finished_at=finished_at,
        scripted_seconds=1.0,
        served="full",
        status=200,
    )


def test_a_summary_counts_jobs_that_overlap() -> None:
    records = [
        a_record(0, 10),
        a_record(5, 20),
        a_record(20, 30),
        a_record(0, 99, orchestrator="0xb"),
    ]
    summary = summarise(records)
    assert summary["jobs"] == summary["full"] == 4
    assert summary["orchestrators"]["0xa"]["most_at_once"] == 2
    assert summary["orchestrators"]["0xb"]["most_at_once"] == 1


def test_jobs_back_to_back_are_not_together() -> None:
    summary = summarise([a_record(0, 10), a_record(10, 20)])
    assert summary["orchestrators"]["0xa"]["most_at_once"] == 1


def test_an_empty_journal_sums_up_to_nothing() -> None:
    assert summarise([]) == {"jobs": 0, "full": 0, "error": 0, "aborted": 0, "orchestrators": {}}

"""The bounds of the folder, and what is found in it after a restart or a kill."""

import os
from pathlib import Path

import msgspec
import pytest

from exporter.kept_answers.disk import Disk, on_disk
from exporter.kept_answers.record import INDEX, Kept
from tests.kept_answers.answers import identity

LIMIT = 2**20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "answers"


def disk(folder: Path, now: float = 1000.0, *, max_age: float = 1e6) -> Disk:
    made = Disk(folder, max_bytes=LIMIT, max_age=max_age, clock=lambda: now)
    made.look()
    return made


def put(keeping: Disk, number: int, size: int, owner: str = "0xa") -> None:
    with keeping.adding(identity(number), owner, [size]) as place:
        (place / "answer").write_bytes(b"x" * size)


def put_half(keeping: Disk, number: int) -> None:
    with keeping.adding(identity(number), "0xa", [9]) as place:
        (place / "answer").write_bytes(b"x")
        raise OSError("in the middle")


def kept(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def taken(folder: Path) -> int:
    """Bytes on disk as the file system counts them."""
    return sum(entry.stat().st_blocks * 512 for entry in folder.rglob("*") if entry.is_file())


def test_the_oldest_make_room_and_the_bound_holds_at_every_moment(folder: Path) -> None:
    keeping = disk(folder)
    for number in range(1, 60):
        put(keeping, number, 30_000 + number * 501)
        assert taken(folder) <= keeping.bytes <= LIMIT
    assert identity(59) in kept(folder)
    assert len(keeping) == len(kept(folder)) > 10
    assert kept(folder) == [identity(number) for number in range(60 - len(keeping), 60)]


def test_many_small_ones_are_counted_by_the_blocks_that_they_take(folder: Path) -> None:
    keeping = disk(folder)
    for number in range(1, 400):
        put(keeping, number, 1)
    assert taken(folder) <= keeping.bytes <= LIMIT
    assert len(keeping) == LIMIT // 8192


def test_what_is_larger_than_all_the_room_removes_nothing(folder: Path) -> None:
    keeping = disk(folder)
    put(keeping, 1, 1000)
    with pytest.raises(OSError, match="more than all that may be kept"):
        put(keeping, 2, LIMIT)
    assert kept(folder) == [identity(1)]


def test_whoever_takes_the_most_makes_room_and_not_those_who_take_little(folder: Path) -> None:
    keeping = disk(folder)
    put(keeping, 1, 9000, owner="0xa")
    put(keeping, 2, 40_000, owner="0xb")
    for number in range(10, 60):
        put(keeping, number, 200_000, owner="0xc")
        assert taken(folder) <= keeping.bytes <= LIMIT
    assert kept(folder) == [identity(number) for number in (1, 2, 56, 57, 58, 59)]


def test_a_first_answer_finds_room_though_others_have_filled_it(folder: Path) -> None:
    keeping = disk(folder)
    for number in range(1, 9):
        put(keeping, number, 120_000, owner="0xb")
    put(keeping, 9, 800_000, owner="0xa")
    assert kept(folder) == [identity(8), identity(9)]


def test_of_two_who_take_alike_the_one_who_brings_more_gives_way(folder: Path) -> None:
    keeping = disk(folder)
    put(keeping, 1, 450_000, owner="0xa")
    put(keeping, 2, 450_000, owner="0xb")
    put(keeping, 3, 400_000, owner="0xb")
    assert kept(folder) == [identity(1), identity(3)]


def test_a_restart_knows_whose_the_answers_are(folder: Path) -> None:
    for number, owner in ((1, "0xa"), (2, "0xb"), (3, "0xb")):
        whose = Kept(
            job=identity(number),
            started_at=0,
            orchestrator=owner,
            pipeline="llm",
            model="m",
            outcome="wrong_answer",
        )
        with disk(folder).adding(identity(number), owner, [300_000]) as place:
            (place / "answer").write_bytes(b"x" * 300_000)
            (place / INDEX).write_bytes(msgspec.json.encode(whose))
        os.utime(folder / identity(number), (500 + number, 500 + number))
    put(disk(folder), 4, 300_000, owner="0xc")
    assert kept(folder) == [identity(1), identity(3), identity(4)]


def test_what_fails_in_the_middle_leaves_nothing(folder: Path) -> None:
    keeping = disk(folder)
    put(keeping, 1, 1000)
    before = keeping.bytes
    with pytest.raises(OSError, match="in the middle"):
        put_half(keeping, 2)
    assert kept(folder) == [identity(1)]
    assert keeping.bytes == before


def test_nobody_sees_an_answer_before_it_is_whole(folder: Path) -> None:
    keeping = disk(folder)
    with keeping.adding(identity(1), "0xa", [9]) as place:
        (place / "answer").write_bytes(b"x")
        assert not (folder / identity(1)).exists()
    assert (folder / identity(1) / "answer").read_bytes() == b"x"


def test_a_restart_knows_what_is_there_and_which_is_the_oldest(folder: Path) -> None:
    keeping = disk(folder)
    for number in (3, 1, 2):
        put(keeping, number, 300_000)
        os.utime(folder / identity(number), (500 - number, 500 - number))
    again = disk(folder)
    assert (len(again), again.bytes) == (3, keeping.bytes)
    put(again, 4, 300_000)
    assert kept(folder) == [identity(1), identity(2), identity(4)]


def test_what_a_kill_left_is_removed_and_what_is_not_ours_stays(folder: Path) -> None:
    put(disk(folder), 1, 10)
    for name in (f".new-{identity(2)}", f".old-{identity(3)}", "notes of the operator"):
        (folder / name).mkdir()
        (folder / name / "answer").write_bytes(b"x")
    (folder / "list.txt").write_text("mine")
    keeping = disk(folder)
    assert len(keeping) == 1
    assert kept(folder) == [identity(1), "list.txt", "notes of the operator"]


def test_a_link_is_not_taken_for_an_answer(folder: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_bytes(b"x")
    folder.mkdir()
    (folder / identity(1)).symlink_to(precious)
    keeping = disk(folder, now=1e12)
    assert len(keeping) == 0
    assert (precious / "file").exists()


def test_after_a_restart_the_bounds_hold_that_are_set_now(folder: Path) -> None:
    keeping = disk(folder)
    put(keeping, 1, 10)
    put(keeping, 2, 10)
    os.utime(folder / identity(1), (100, 100))
    os.utime(folder / identity(2), (900, 900))
    assert len(disk(folder, 1000.0, max_age=500)) == 1
    assert kept(folder) == [identity(2)]


def test_one_that_somebody_else_removed_is_no_trouble(folder: Path) -> None:
    keeping = disk(folder)
    put(keeping, 1, 600_000)
    (folder / identity(1) / "answer").unlink()
    (folder / identity(1)).rmdir()
    put(keeping, 2, 600_000)
    assert kept(folder) == [identity(2)]
    assert keeping.bytes == on_disk(600_000) + 4096

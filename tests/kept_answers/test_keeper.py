"""Which answers are kept, what of them, and that nothing of it harms a measurement."""

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr

from exporter.kept_answers import keeper as keeping
from exporter.kept_answers.choosing import Piece
from exporter.kept_answers.record import TEXT
from exporter.kept_answers.writing import write
from exporter.model import Measurement
from exporter.pipelines.multipart import form_request
from exporter.probing.secrecy import Secrecy
from tests.filesystems import lock_up, read_only_folder, resize_disk, small_disk
from tests.kept_answers.answers import (
    ASKED,
    BODY,
    NO_SECRETS,
    answer,
    bytes_of,
    files_of,
    identity,
    keeper,
    right,
    wrong,
)
from tests.measurements import failed
from tests.waiting import until

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "answers"


def entries(folder: Path) -> int:
    """How many entries a folder has; 0 if there is none."""
    return len(list(folder.iterdir())) if folder.exists() else 0


def everything(folder: Path) -> set[Path]:
    """All that lies below."""
    return set(folder.rglob("*"))


def holding(folder: Path, data: bytes) -> list[Path]:
    """The files below that hold these bytes."""
    return [file for file in folder.rglob("*") if file.is_file() and data in file.read_bytes()]


def in_the_folders_place(data: Path) -> Path:
    """A file where the folder should be."""
    (data / "answers").write_text("mine")
    return data / "answers"


async def test_the_body_and_each_file_are_kept_as_they_were_delivered(folder: Path) -> None:
    async with keeper(folder) as keep:
        keep.keep(wrong(1, PNG, b"two"), answer(PNG, b"two"), NO_SECRETS, ASKED)
        await keep.written()
        assert (keep.jobs, keep.not_kept) == (1, {"behind": 0, "disk": 0, "too_large": 0})
    assert bytes_of(folder, 1, "answer") == BODY
    assert bytes_of(folder, 1, "1") == PNG
    assert bytes_of(folder, 1, "2") == b"two"
    assert bytes_of(folder, 1, "3") is None


async def test_what_was_sent_is_kept_beside_the_answer(folder: Path) -> None:
    asked = form_request("upscale", {"model_id": "m"}, ("image", "image.png", PNG, "image/png"))
    async with keeper(folder) as keep:
        keep.keep(wrong(1, b"other"), answer(b"other"), NO_SECRETS, asked)
        keep.keep(wrong(2, b"other"), answer(b"other"), NO_SECRETS, ASKED)
        await keep.written()
    assert bytes_of(folder, 1, "sent") == PNG
    assert files_of(folder, 1)["sent"].found == "image/png"
    assert list(files_of(folder, 1)) == ["answer", "1", "sent"]
    assert list(files_of(folder, 2)) == ["answer", "1"]


async def test_the_index_says_what_was_claimed_and_what_it_is(folder: Path) -> None:
    async with keeper(folder) as keep:
        keep.keep(wrong(1, PNG, kind="image/jpeg"), answer(PNG, b"junk"), NO_SECRETS, ASKED)
        await keep.written()
    files = files_of(folder, 1)
    assert (files["1"].claimed, files["1"].found) == ("image/png", "image/jpeg")
    assert (files["2"].claimed, files["2"].found) == ("image/png", None)
    assert (files["answer"].claimed, files["answer"].found) == ("application/json", TEXT)
    assert files["1"].sha256 == hashlib.sha256(PNG).hexdigest()
    assert files["1"].url == "https://gateway.example/a.png"


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"caf\xc3", b"\x89PNG" + b"\x00" * 300_000])
async def test_a_body_that_is_no_text_is_not_taken_for_one(folder: Path, body: bytes) -> None:
    async with keeper(folder) as keep:
        keep.keep(wrong(1), answer(body=body), NO_SECRETS, ASKED)
        await keep.written()
    assert files_of(folder, 1)["answer"].found is None
    assert bytes_of(folder, 1, "answer") == body


async def test_a_character_that_is_cut_by_our_own_steps_is_still_text(folder: Path) -> None:
    body = "ż".encode() * 300_000
    async with keeper(folder) as keep:
        keep.keep(wrong(1), answer(body=b"." + body), NO_SECRETS, ASKED)
        await keep.written()
    assert files_of(folder, 1)["answer"].found == TEXT


@pytest.mark.parametrize(("setting", "kept"), [("none", []), ("failures", [1]), ("all", [1, 2])])
async def test_the_setting_says_whose_answers_are_kept(
    folder: Path, setting: str, kept: list[int]
) -> None:
    async with keeper(folder, keep_artefacts=setting) as keep:
        keep.keep(wrong(1), answer(), NO_SECRETS, ASKED)
        keep.keep(right(2), answer(), NO_SECRETS, ASKED)
        await keep.written()
    assert [number for number in (1, 2) if files_of(folder, number)] == kept
    assert entries(folder) == len(kept)


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".", "x" * 36, identity(1).upper() + "\n"])
async def test_an_id_that_is_not_of_our_making_is_no_path(tmp_path: Path, name: str) -> None:
    before = everything(tmp_path)
    async with keeper(tmp_path / "answers") as keep:
        keep.keep(failed(name), answer(), NO_SECRETS, ASKED)
        await keep.written()
    assert everything(tmp_path) == before


async def test_a_file_that_is_too_large_is_listed_and_left_out(folder: Path) -> None:
    async with keeper(folder, file_bytes=1024) as keep:
        keep.keep(wrong(1), answer(b"a" * 1025, b"b" * 1024), NO_SECRETS, ASKED)
        await keep.written()
        assert keep.not_kept["too_large"] == 1
    files = files_of(folder, 1)
    assert (files["1"].bytes, files["1"].sha256) == (1025, None)
    assert "1024 bytes (answers.file_bytes)" in (files["1"].left_out or "")
    assert bytes_of(folder, 1, "1") is None
    assert bytes_of(folder, 1, "2") == b"b" * 1024


async def test_an_answer_that_is_larger_than_all_the_room_is_kept_as_far_as_it_goes(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with keeper(folder, max_bytes=2**20) as keep:
        for number in (1, 2):
            keep.keep(wrong(number), answer(b"a" * 2**20, b"b" * 500_000), NO_SECRETS, ASKED)
            await keep.written()
        assert keep.not_kept == {"behind": 0, "disk": 0, "too_large": 2}
        assert (keep.jobs, keep.bytes <= 2**20) == (1, True)
    assert "more than there is room for (answers.max_bytes)" in (
        files_of(folder, 2)["1"].left_out or ""
    )
    assert bytes_of(folder, 2, "answer") == BODY
    assert bytes_of(folder, 2, "2") == b"b" * 500_000
    assert not caplog.records


async def test_many_files_that_only_just_fit_are_within_the_bound(folder: Path) -> None:
    async with keeper(folder, max_bytes=2**20) as keep:
        keep.keep(wrong(1), answer(*[b"x" * 49_153] * 30), NO_SECRETS, ASKED)
        await keep.written()
        assert keep.not_kept["disk"] == 0
        assert 0.9 * 2**20 < keep.bytes <= 2**20


async def test_what_a_lane_sends_in_confidence_is_not_kept(folder: Path) -> None:
    secrecy = Secrecy([SecretStr('to"ken-of-the-lane')])
    body = b'{"you sent": "to\\"ken-of-the-lane"}'
    picture = b"\x00" * (256 * 1024 - 4) + b'to"ken-of-the-lane' + b"\x01"
    async with keeper(folder) as keep:
        keep.keep(wrong(1, picture), answer(picture, PNG, body=body), secrecy, ASKED)
        await keep.written()
    assert not holding(folder, b"ken-of-the-lane")
    files = files_of(folder, 1)
    assert [files[name].altered for name in ("answer", "1", "2")] == [True, True, False]
    assert bytes_of(folder, 1, "answer") == '{"you sent": "…"}'.encode()
    assert files["1"].found == "image/png"
    assert files["1"].sha256 == hashlib.sha256(picture).hexdigest()


async def test_a_disk_that_refuses_costs_one_line_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with small_disk(tmp_path, kilobytes=1024):
        folder = tmp_path / "answers"
        async with keeper(folder) as keep:
            for number in range(1, 4):
                keep.keep(wrong(number), answer(b"x" * 2**20), NO_SECRETS, ASKED)
                await keep.written()
            assert (keep.jobs, keep.bytes, keep.not_kept["disk"]) == (0, 0, 3)
            assert entries(folder) == 0
            assert caplog.text.count("answers cannot be kept") == 1

            resize_disk(tmp_path, kilobytes=8192)
            keep.keep(wrong(4), answer(b"x" * 2**20), NO_SECRETS, ASKED)
            await keep.written()
            assert keep.jobs == 1
            assert "answers are kept again" in caplog.text


async def test_a_folder_that_may_not_be_written_is_no_error_of_a_job(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with read_only_folder() as data:
        (data / "answers").mkdir()
        lock_up(data / "answers")
        async with keeper(data / "answers") as keep:
            keep.keep(wrong(1), answer(), NO_SECRETS, ASKED)
            await keep.written()
            assert (keep.jobs, keep.not_kept["disk"]) == (0, 1)
    assert "Permission denied" in str([record.__dict__ for record in caplog.records])


async def test_a_file_in_the_folders_place_is_no_error_of_a_job(tmp_path: Path) -> None:
    folder = in_the_folders_place(tmp_path)
    async with keeper(folder) as keep:
        keep.keep(wrong(1), answer(), NO_SECRETS, ASKED)
        await keep.written()
        assert keep.not_kept["disk"] == 2  # once when it looked, once for the job
    assert holding(tmp_path, b"mine") == [folder]


async def test_no_more_than_a_bound_waits_in_memory_for_a_slow_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    monkeypatch.setattr(keeping, "WAITING_BYTES", 1_000_000)

    def slow(
        folder: Path, measurement: Measurement, files: Sequence[Piece], secrecy: Secrecy
    ) -> None:
        assert go.wait(20)
        write(folder, measurement, files, secrecy)

    monkeypatch.setattr(keeping, "write", slow)
    async with keeper(folder) as keep:
        for number in range(1, 30):
            keep.keep(wrong(number), answer(b"x" * 400_000), NO_SECRETS, ASKED)
        assert keep.not_kept["behind"] > 20
        go.set()
        await keep.written()
        keep.keep(wrong(99), answer(b"y" * 400_000), NO_SECRETS, ASKED)
        await keep.written()
    assert bytes_of(folder, 1, "1") == b"x" * 400_000
    assert bytes_of(folder, 2, "1") == b"x" * 400_000
    assert bytes_of(folder, 3, "1") is None
    assert bytes_of(folder, 99, "1") == b"y" * 400_000


async def test_giving_it_away_writes_nothing_yet_however_large_it_is(folder: Path) -> None:
    large = answer(b"x" * 16 * 2**20, b"y" * 16 * 2**20)
    async with keeper(folder) as keep:
        keep.keep(wrong(1), large, NO_SECRETS, ASKED)
        assert bytes_of(folder, 1, "answer") is None
        await keep.written()
    assert len(bytes_of(folder, 1, "2") or b"") == 16 * 2**20


async def test_a_stop_lets_what_was_given_be_written(folder: Path) -> None:
    async with keeper(folder) as keep:
        keep.keep(wrong(1), answer(PNG), NO_SECRETS, ASKED)
    assert bytes_of(folder, 1, "1") == PNG


async def test_old_ones_go_when_it_is_time_though_nothing_new_comes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "SWEEP", 0.01)
    now, looked = time.time(), 0

    def clock() -> float:
        nonlocal looked
        looked += 1
        return now

    async with keeper(folder, clock, max_age=100) as keep:
        keep.keep(wrong(1), answer(), NO_SECRETS, ASKED)
        await keep.written()
        sweeping = asyncio.create_task(keep.sweep_for_ever())
        now, before = now + 99, looked
        await until(lambda: looked > before + 1)
        assert keep.jobs == 1
        now += 2
        await until(lambda: not keep.jobs)
        sweeping.cancel()
    assert entries(folder) == 0

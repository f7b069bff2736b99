"""What the station finds, and what it does not take for an answer."""

from pathlib import Path

import msgspec
import pytest

from exporter.kept_answers.reading import KeptAnswers
from exporter.kept_answers.record import Kept, KeptFile, is_job_id
from tests.kept_answers.answers import identity


def kept(*files: KeptFile, job: str = identity(1)) -> Kept:
    return Kept(
        job=job, started_at=1, orchestrator="o", pipeline="p", model="m", outcome="ok", files=files
    )


def lay(folder: Path, index: bytes, **files: bytes) -> None:
    place = folder / identity(1)
    place.mkdir(parents=True)
    (place / "index.json").write_bytes(index)
    for name, data in files.items():
        (place / name).write_bytes(data)


@pytest.mark.parametrize(
    "index",
    [
        b"",
        b"null",
        b"{}",
        b"[" * 10_000,
        b"\xff",
        msgspec.json.encode(kept(job=identity(2))),
        msgspec.json.encode(kept()) + b" " * 70_000 + b"x",
    ],
)
def test_a_damaged_index_is_nothing_kept(tmp_path: Path, index: bytes) -> None:
    lay(tmp_path, index)
    assert KeptAnswers(tmp_path).find(identity(1)) is None


def test_a_file_that_is_not_whole_is_not_given(tmp_path: Path) -> None:
    whole, part, gone = (KeptFile(name=name, bytes=4) for name in ("answer", "1", "2"))
    index = kept(whole, part, gone)
    lay(tmp_path, msgspec.json.encode(index), answer=b"four", **{"1": b"fo"})
    answers = KeptAnswers(tmp_path)
    assert answers.find(identity(1)) == index
    assert answers.path(index, whole) == tmp_path / identity(1) / "answer"
    assert answers.path(index, part) is None
    assert answers.path(index, gone) is None


@pytest.mark.parametrize("name", ["../secret", "index.json", "/etc/passwd", "0", "100", "1\n", ""])
def test_a_name_in_the_index_never_leads_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_bytes(b"four")
    file = KeptFile(name=name, bytes=4)
    lay(tmp_path, msgspec.json.encode(kept(file)))
    assert KeptAnswers(tmp_path).path(kept(file), file) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "../" + identity(1),
        identity(1) + "/..",
        identity(1) + "\n",
        identity(1).replace("0", "\u0660", 1),
        identity(0xABC).upper(),
        identity(1).replace("-", ""),
        "." + identity(1)[1:],
        identity(1) + "\0",
    ],
)
def test_only_an_id_of_our_own_making_is_looked_for(tmp_path: Path, text: str) -> None:
    assert not is_job_id(text)
    assert KeptAnswers(tmp_path).find(text) is None

from pathlib import Path

import pytest

from exporter import whole_file


def test_what_was_there_is_replaced_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    for body in (b"first", b"2"):
        whole_file.replace(file, body)
        assert file.read_bytes() == body
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    file.mkdir()
    (file / "inside").touch()
    with pytest.raises(OSError, match="kept"):
        whole_file.replace(file, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]


def test_what_a_killed_writer_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "kept.new").write_bytes(b"half of a longer te")
    whole_file.replace(tmp_path / "kept.json", b"whole")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"whole"]

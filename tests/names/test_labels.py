import logging
import os
from pathlib import Path

import pytest

from exporter.names.label_file import LabelFile
from exporter.names.labels import LABELS, read_labels
from exporter.settings_file import SettingsError

A = "0x" + "aA" * 20
B = "0x" + "bB" * 20


def mistakes(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "labels.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_labels(file)
    return [str(one).removeprefix(str(tmp_path) + "/") for one in caught.value.mistakes]


def test_names_are_read_by_address_in_any_case(tmp_path: Path) -> None:
    file = tmp_path / "labels.yaml"
    file.write_text(f'{A}: our first node\n"{B}": "007"  # Bond\n')
    assert read_labels(file) == {A.lower(): "our first node", B.lower(): "007"}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "null\n"])
def test_an_empty_file_has_no_names(tmp_path: Path, text: str) -> None:
    file = tmp_path / "labels.yaml"
    file.write_text(text)
    assert read_labels(file) == {}


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    text = (
        f"{A}: fine\n"
        "0x12: short\n"
        f"{A.upper().replace('X', 'x')}: again\n"
        f"{B}:\n"
        f"0x{'c' * 40}: [a, b]\n"
        f'0x{"d" * 40}: "a\\u202Eb"\n'
        f"0x{'e' * 40}: {'x' * 65}\n"
        f"0x{'f' * 40}: {A}\n"
    )
    found = mistakes(tmp_path, text)
    assert [one.partition(": ")[0] for one in found] == [f"labels.yaml:{n}" for n in range(2, 9)]
    for line, words in zip(
        found,
        [
            "expected an ETH address, 0x and 40 hexadecimal digits, before the colon, found `0x12`",
            "already named on line 1",
            "expected a name after the colon",
            "expected a name after the colon",
            "U+202E",
            "it has 65 characters",
            "looks like an address",
        ],
        strict=True,
    ):
        assert words in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n- b\n", "labels.yaml:1: expected lines such as"),
        ("just words\n", "labels.yaml:1: expected lines such as"),
        ("a: b: c\n", "labels.yaml:1: expected one `key: value` on a line"),
        ("a: \x00\n", "labels.yaml:1: expected text, found the character"),
        (f"{A}: &x a\n---\n{B}: b\n", "labels.yaml:2: expected one document"),
        (f"{A}: !secret a\n", "labels.yaml:1: "),
        ("? [a]\n: b\n", "labels.yaml:1: expected an ETH address"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, words: str) -> None:
    assert mistakes(tmp_path, text)[0].startswith(words)


def test_a_file_is_bounded(tmp_path: Path) -> None:
    many = "".join(f"0x{n:040x}: n\n" for n in range(LABELS + 1))
    assert mistakes(tmp_path, many)[0].startswith(f"labels.yaml:{LABELS + 1}: expected at most")
    assert "larger than" in mistakes(tmp_path, "#" * (2**20 + 1))[0]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the labels cannot be read: there is no such file"):
        read_labels(tmp_path / "none.yaml")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "labels.yaml"
    file.write_text(f"{A}: one\n")
    labels = LabelFile(file)
    assert labels.get(A.lower()) == "one"
    os.utime(file, ns=(1, 1))
    labels.look()
    aside = tmp_path / "new"
    aside.write_text(f"{A}: two\n")
    os.utime(aside, ns=(1, 1))
    aside.replace(file)
    labels.look()
    assert labels.get(A.lower()) == "two"


def test_a_file_that_gets_worse_changes_nothing_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "labels.yaml"
    file.write_text(f"{A}: one\n")
    labels = LabelFile(file)
    file.write_text(f"{A}: one\nBOB: two\n")
    with caplog.at_level(logging.WARNING):
        labels.look()
        labels.look()
    assert labels.get(A.lower()) == "one"
    assert "labels.yaml:2" in (labels.problem or "")
    assert len(caplog.records) == 1
    file.write_text(f"{A}: three\n")
    labels.look()
    assert (labels.get(A.lower()), labels.problem) == ("three", None)


def test_a_file_that_is_not_there_yet_is_read_once_it_is(tmp_path: Path) -> None:
    file = tmp_path / "labels.yaml"
    labels = LabelFile(file)
    assert labels.get(A.lower()) is None
    file.write_text(f"{A}: one\n")
    labels.look()
    assert labels.get(A.lower()) == "one"

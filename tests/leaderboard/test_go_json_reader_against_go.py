"""Posted stats are read just as Go's `encoding/json` reads them, down to the words of errors."""

import os
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest

from tests.leaderboard.go_reader import build_go_reader, read_here, read_in_go
from tests.leaderboard.posted_bodies import (
    deep_bodies,
    drawn_bodies,
    long_bodies,
    stumbling_bodies,
)

SEED = int(os.environ.get("BODIES_SEED") or 20261129)
BODIES = int(os.environ.get("BODIES") or 20_000)


@pytest.fixture(scope="session")
def go_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_go_reader(tmp_path_factory.mktemp("go_reader"))


def agree(go_reader: Path, bodies: Iterable[bytes]) -> None:
    asked = list(bodies)
    answers = read_in_go(go_reader, asked)
    assert len(answers) == len(asked)
    for body, answer in zip(asked, answers, strict=True):
        ours = read_here(body)
        assert ours == answer, f"{body[:2000]!r}"


def test_bodies_drawn_by_chance(go_reader: Path) -> None:
    print(f"BODIES_SEED={SEED} BODIES={BODIES}")  # noqa: T201 - to repeat a failure
    bodies = list(drawn_bodies(Random(SEED), BODIES))
    answers = [read_here(body) for body in bodies]
    refused = sum(answer.startswith("refused: ") for answer in answers)
    assert 0.2 < refused / BODIES < 0.8, "both good and bad bodies must be drawn"
    agree(go_reader, bodies)


def test_bodies_nested_as_deep_as_is_taken_and_deeper(go_reader: Path) -> None:
    agree(go_reader, deep_bodies())


def test_very_long_numbers_names_and_texts(go_reader: Path) -> None:
    agree(go_reader, long_bodies())


def test_any_byte_at_any_place(go_reader: Path) -> None:
    agree(go_reader, stumbling_bodies())

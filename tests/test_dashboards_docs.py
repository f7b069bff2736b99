"""The explanation of the dashboards names what there is."""

from pathlib import Path

import pytest
from click import Command, Option

from dashboards.boards import BOARDS
from dashboards.panel import Board
from exporter.cli.dashboards import TOKEN_VARIABLE, export, push

TEXT = (Path(__file__).parent.parent / "docs" / "dashboards.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [export, push])
def test_every_option_is_explained(command: Command) -> None:
    for option in command.params:
        assert isinstance(option, Option)
        assert any(f"`{name}" in TEXT or f" {name} " in TEXT for name in option.opts), option.opts


def test_the_variable_with_the_token_is_named() -> None:
    assert f"`{TOKEN_VARIABLE}`" in TEXT


@pytest.mark.parametrize("board", BOARDS)
def test_every_row_of_a_dashboard_says_what_it_answers(board: Board) -> None:
    assert f"*{board.question}*" in TEXT
    for row in board.rows:
        assert f"| {row.title.partition(' (')[0]} |" in TEXT


@pytest.mark.parametrize("board", BOARDS)
def test_every_variable_is_explained(board: Board) -> None:
    for choice in board.choices:
        assert choice.label in TEXT

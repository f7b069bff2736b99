"""docs/storage.md against the code: what an operator reads there must be so."""

import re
from pathlib import Path

import pytest

from exporter.cli.influx import TOKEN_VARIABLE, check, setup
from exporter.stores.influx_check import CLOCK_TOLERANCE
from exporter.stores.influx_setup import TOKENS, Done, TokenKind

TEXT = (Path(__file__).parents[1] / "docs" / "storage.md").read_text()


def words(actions: tuple[str, ...], other: tuple[str, ...], action: str) -> str:
    return {(True, True): "both buckets", (True, False): "`bucket`", (False, False): ""}[
        (action in actions, action in other)
    ]


@pytest.mark.parametrize("kind", TOKENS, ids=lambda kind: kind.file)
def test_each_token_stands_in_the_table_with_what_it_may_do(kind: TokenKind) -> None:
    (row,) = re.findall(rf"^\| `{kind.description}` \|(.*)\|$", TEXT, re.MULTILINE)
    file, setting, read, write = (cell.strip() for cell in row.split("|"))
    assert file == f"`{kind.file}`"
    assert setting == (f"`{kind.setting}`" if kind.setting else "for Grafana's data source")
    assert read == words(kind.raw, kind.rollup, "read")
    assert write == words(kind.raw, kind.rollup, "write")


@pytest.mark.parametrize("name", [*(each.name for each in (*setup.params, *check.params))])
def test_each_option_is_told(name: str) -> None:
    assert f"--{name.replace('_', '-')}" in TEXT


def test_names_and_numbers_are_those_of_the_code() -> None:
    assert f"`{TOKEN_VARIABLE}`" in TEXT
    assert f"more than {CLOCK_TOLERANCE:g} s" in TEXT
    assert f"(`{Done.LEFT.value}`, exit code 1)" in TEXT

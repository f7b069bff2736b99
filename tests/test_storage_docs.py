"""docs/storage.md against the code: what an operator reads there must be so."""

import re
from pathlib import Path

import pytest

from exporter.cli.influx import TOKEN_VARIABLE, check, setup
from exporter.steps import Done
from exporter.stores import Store
from exporter.stores.influx_check import CLOCK_TOLERANCE
from exporter.stores.influx_lines import ROW_FIELDS
from exporter.stores.influx_rollups import HOUR, ROLLUP_ERROR, SETTLED, TASK_DAYS, TASK_HOURS
from exporter.stores.influx_setup import TOKENS, TokenKind
from exporter.stores.schema import FIELDS, PROOF_LIMIT, TRANSCODING_FIELDS

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


def _described() -> dict[str, list[str]]:
    """Every field of the tables of fields, with its types."""
    section = TEXT.partition("### Fields")[2].partition("\n### ")[0]
    found: dict[str, list[str]] = {}
    for names, types in re.findall(r"^\| (`[^|]*`) \| ([a-z, ]+) \|", section, re.MULTILINE):
        each = re.findall(r"`(\w+)`", names)
        kinds = types.strip().split(", ")
        for name, kind in zip(each, kinds * len(each) if len(kinds) == 1 else kinds, strict=True):
            found.setdefault(name, []).append(kind)
    return found


def test_the_tables_of_fields_are_the_lists_of_the_code() -> None:
    stored = {one.name: one.kind for one in (*TRANSCODING_FIELDS, *FIELDS) if not one.tag}
    assert _described() == {name: [kind] for name, kind in (stored | ROW_FIELDS).items()}


def test_tags_series_and_numbers_of_roll_ups_are_those_of_the_code() -> None:
    tags = ", ".join(f"`{one.name}`" for one in FIELDS if one.tag)
    assert [one.name for one in FIELDS if one.tag] == [
        one.name for one in TRANSCODING_FIELDS if one.tag
    ]
    assert f"{tags}, in both series" in TEXT
    assert f"the last {TASK_HOURS} hours" in TEXT
    assert f"the last {TASK_DAYS} days" in TEXT
    assert f"more than {SETTLED // HOUR} hours ago" in TEXT
    assert f"at most {ROLLUP_ERROR:.0%}".replace("%", " %") in TEXT
    assert f"`proof` | text | | Checks of the answer, as JSON, {PROOF_LIMIT:,} characters" in TEXT


def test_every_question_is_told() -> None:
    section = TEXT.partition("## Questions")[2].partition("\n## ")[0]
    questions = [
        name for name, one in vars(Store).items() if callable(one) and not name.startswith("_")
    ]
    told = set(re.findall(r"`(\w+)`", section))
    others = {"write", "add", "advance", "maintain", "close", "cursor", "cursors"}
    assert set(questions) - others <= told

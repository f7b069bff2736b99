from pathlib import Path

import click
import pytest

from exporter.cli.export import export
from exporter.cli.import_ import import_
from exporter.cli.store import store
from exporter.moving import foreign
from exporter.moving.formats import FORMATS

TEXT = (Path(__file__).parents[2] / "docs" / "storage.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [export, import_, *store.commands.values()])
def test_every_option_is_described(command: click.Command) -> None:
    options = {option for one in command.params for option in one.opts if option.startswith("--")}
    assert [option for option in options if option not in TEXT] == []


def test_every_column_of_others_is_described() -> None:
    section = TEXT.partition("A **file of others**")[2].partition("\n### ")[0]
    assert [name for name in foreign.KNOWN if f"`{name}`" not in section] == []


def test_every_format_is_described() -> None:
    assert [name for name in FORMATS if f"`{name}`" not in TEXT] == []

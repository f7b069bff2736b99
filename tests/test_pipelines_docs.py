"""docs/pipelines.md against the code: what an orchestrator reads there must be so."""

import re
from pathlib import Path

import pytest
import yaml

from exporter.model import Outcome
from exporter.pipelines.kinds import KINDS
from exporter.settings import Pipelines

TEXT = (Path(__file__).parent.parent / "docs" / "pipelines.md").read_text()
COLUMNS = ["check", "asked", "default", "setting", "outcome"]


def section(name: str) -> str:
    """The text below a pipeline's heading."""
    _, found, rest = TEXT.partition(f"\n## `{name}`\n")
    assert found, f"docs/pipelines.md has no section for {name}"
    return rest.split("\n## ", 1)[0]


def checks(name: str) -> list[dict[str, str]]:
    """The rows of a pipeline's table of checks."""
    lines = section(name).splitlines()
    start = lines.index(f"| {' | '.join(COLUMNS)} |")
    rows: list[dict[str, str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return rows


@pytest.mark.parametrize("name", KINDS)
def test_every_check_is_explained_in_the_order_in_which_it_is_made(name: str) -> None:
    exemptable = [row["check"].strip("`") for row in checks(name) if row["outcome"] != "reported"]
    assert exemptable == list(KINDS[name].checks)


@pytest.mark.parametrize("name", KINDS)
def test_the_thresholds_of_the_tables_are_those_of_the_settings(name: str) -> None:
    defaults = getattr(Pipelines(), name.replace("-", "_")).defaults
    for row in checks(name):
        settings = re.findall(r"`(\w+)`", row["setting"])
        values = [value.strip() for value in row["default"].split(",") if value.strip()]
        assert [f"{getattr(defaults, key):g}" for key in settings] == values, row


@pytest.mark.parametrize("name", KINDS)
def test_every_parameter_of_a_job_is_named(name: str) -> None:
    defaults = type(getattr(Pipelines(), name.replace("-", "_")).defaults)
    for key in defaults.model_fields:
        assert key == "exempt" or f"`{key}`" in section(name), key


@pytest.mark.parametrize("name", KINDS)
def test_a_failed_check_ends_in_an_outcome_that_there_is(name: str) -> None:
    for row in checks(name):
        assert row["outcome"] == "reported" or Outcome(row["outcome"].strip("`"))


def test_what_may_be_copied_into_the_settings_is_accepted() -> None:
    samples = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert samples
    for sample in samples:
        document = yaml.safe_load(sample)
        assert list(document) == ["pipelines"]
        assert Pipelines.model_validate(document["pipelines"]) != Pipelines()

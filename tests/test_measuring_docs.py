"""The explanation of what is measured names every phase, outcome and blame."""

from pathlib import Path

import msgspec
import pytest

from exporter.model import Blame, Outcome, Phases

TEXT = (Path(__file__).parent.parent / "docs" / "measuring.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_explained(outcome: Outcome) -> None:
    assert f"`{outcome}`" in TEXT


@pytest.mark.parametrize("blame", list(Blame))
def test_every_blame_is_explained(blame: Blame) -> None:
    assert f"`{blame}`" in TEXT


@pytest.mark.parametrize("phase", [field.name for field in msgspec.structs.fields(Phases)])
def test_every_phase_is_explained(phase: str) -> None:
    assert f"`{phase}_time`" in TEXT

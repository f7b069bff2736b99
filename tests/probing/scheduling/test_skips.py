from pathlib import Path

import pytest

from exporter.pipelines import registry
from exporter.probing.scheduling import skips
from exporter.settings import Pipelines

TEXT = (Path(__file__).parents[3] / "docs" / "measuring.md").read_text(encoding="utf-8")
REASONS = [value for name, value in vars(skips).items() if name.isupper() and name != "BOUNDS"]


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_to_skip_is_explained(reason: str) -> None:
    assert f"`{reason}`" in TEXT


def test_reasons_differ() -> None:
    assert len(set(REASONS)) == len(REASONS) >= 14
    assert set(skips.BOUNDS) < set(REASONS)


@pytest.mark.parametrize("pipeline", registry(Pipelines()))
def test_what_a_job_of_each_pipeline_is_paid_by_is_explained(pipeline: str) -> None:
    fees = TEXT.partition("### What a job costs")[2].partition("###")[0]
    assert f"| `{pipeline}` |" in fees

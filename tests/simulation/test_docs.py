"""docs/simulation.md knows everything that can be told to the simulation."""

from pathlib import Path

import pytest

from exporter.simulation.population import Profile
from exporter.simulation.programs import gateway, orchestrator
from exporter.simulation.runner import FAULTS

TEXT = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text()


@pytest.mark.parametrize("name", [flag.name for flag in gateway.FLAGS])
def test_each_flag_of_the_gateway_is_explained(name: str) -> None:
    part = TEXT.partition("## `simulate gateway`")[2].partition("## `simulate orchestrator`")[0]
    assert f"`-{name}" in part


@pytest.mark.parametrize("name", [flag.name for flag in orchestrator.OWN + orchestrator.FLAGS])
def test_each_flag_of_the_orchestrator_is_explained(name: str) -> None:
    part = TEXT.partition("## `simulate orchestrator`")[2].partition("## Scripting faults")[0]
    assert f"`-{name}" in part


@pytest.mark.parametrize("name", [*Profile, *FAULTS])
def test_each_profile_and_fault_is_named(name: str) -> None:
    assert f"`{name}`" in TEXT

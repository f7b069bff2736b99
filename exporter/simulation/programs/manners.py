"""What `-simWay` and `-simLie` say: how the jobs of a pipeline are done, or are not."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec

from exporter.simulation.craft import CRAFTS
from exporter.simulation.craft.product import REPLAYED, Craft
from exporter.simulation.population import ServedModel
from exporter.simulation.programs.sim_flags import SimFlagError

WAY: Final = "simWay"
LIE: Final = "simLie"


def mannered(
    models: Sequence[ServedModel], values: Mapping[str, object]
) -> tuple[ServedModel, ...]:
    """The models with their ways and lies: `pipeline:name`, separated by commas.

    Raises `SimFlagError`.
    """
    ways = _named(WAY, values, ways_of)
    lies = _named(LIE, values, lies_of)
    return tuple(
        msgspec.structs.replace(model, way=ways.get(model.pipeline), lie=lies.get(model.pipeline))
        for model in models
    )


def ways_of(craft: Craft) -> Collection[str]:
    """The honest ways of a craft."""
    return craft.honest


def lies_of(craft: Craft) -> Collection[str]:
    """The lies of a craft; to replay can be asked for even where it may be right by chance."""
    return (*craft.lies, REPLAYED)


def table() -> str:
    """The ways and lies of all pipelines, for `--help`."""
    lines = []
    for name, craft in CRAFTS.items():
        lines.append(f"  {name}\n    ways: {', '.join(ways_of(craft))}")
        lines.append(f"    lies: {', '.join(lies_of(craft))}")
    return "\n".join(lines) + "\n"


def _named(
    flag: str, values: Mapping[str, object], names_of: Callable[[Craft], Collection[str]]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in str(values.get(flag, "")).split(","):
        pipeline, _, name = part.strip().partition(":")
        if not pipeline:
            continue
        if pipeline not in CRAFTS:
            known = ", ".join(CRAFTS)
            raise SimFlagError(f"-{flag}: no pipeline {pipeline[:80]!r}; there are {known}")
        if name not in names_of(CRAFTS[pipeline]):
            known = ", ".join(names_of(CRAFTS[pipeline]))
            wrong = f"expected {pipeline}: and one of {known}; found {name[:80]!r}"
            raise SimFlagError(f"-{flag}: {wrong}")
        found[pipeline] = name
    return found

"""A network that tries everything: each way of doing each pipeline's job, and each lie about it."""

from collections.abc import Collection, Iterator
from itertools import zip_longest
from typing import Final

import msgspec

from exporter.simulation.craft import CRAFTS
from exporter.simulation.craft.product import REPLAYED
from exporter.simulation.population import Member, Profile, ServedModel, populate
from exporter.simulation.runner import NINE

_QUICK: Final = (0.05, 0.15)
_WARM: Final = ServedModel(pipeline="", model="", warm=True, capacity=1, price=1_000)
_MODEL: Final = {one.pipeline: one.model for one in NINE}


def repertoire(seed: int, pipelines: Collection[str] = ()) -> list[Member]:
    """Orchestrators of which the n-th does, for each pipeline, the n-th thing that there is.

    For all pipelines, or for those that are named.
    """
    columns = [list(_of(name)) for name in CRAFTS if not pipelines or name in pipelines]
    rows = list(zip_longest(*columns, fillvalue=()))
    members = populate(len(rows), seed, [Profile.FAST])
    return [
        msgspec.structs.replace(
            member, models=tuple(model for models in row for model in models), offered=()
        )
        for member, row in zip(members, rows, strict=True)
    ]


def behaviour(model: ServedModel) -> str:
    """What a model does, in a few words: `scenery`, `lie: blank`."""
    if model.lie is not None:
        return f"lie: {model.lie}"
    return model.way or next(iter(CRAFTS[model.pipeline].honest))


def _of(pipeline: str) -> Iterator[tuple[ServedModel, ...]]:
    """What can be served, one thing after the other.

    Replaying takes two jobs: of two models that do it, whichever is asked first is honest.
    """
    craft = CRAFTS[pipeline]
    plain = msgspec.structs.replace(
        _WARM, pipeline=pipeline, model=_MODEL[pipeline], seconds=_QUICK
    )
    for way in craft.honest:
        yield (msgspec.structs.replace(plain, way=way),)
    for lie in craft.all_lies:
        one = msgspec.structs.replace(plain, lie=lie)
        if lie == REPLAYED:
            yield one, msgspec.structs.replace(one, model=f"{one.model}-once-more")
        else:
            yield (one,)

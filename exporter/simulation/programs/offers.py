"""What `-aiModels` says: the models of a simulated orchestrator."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from exporter.simulation.node_answers import PIPELINES
from exporter.simulation.population import ServedModel

_FILE_BYTES: Final = 2**20
_LEAST_PARTS: Final = 3
_MOST_PARTS: Final = 5
_TRUE: Final = frozenset({"true", "1", "t"})
_FALSE: Final = frozenset({"false", "0", "f"})


class OffersError(Exception):
    """The models cannot be understood; the text says which and why."""


class _Entry(msgspec.Struct):
    pipeline: str
    model_id: str
    warm: bool = False
    capacity: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    price_per_unit: Annotated[int, msgspec.Meta(ge=0)] | None = None


def offers(text: str, price: int) -> tuple[ServedModel, ...]:
    """Read JSON, a file of it, or `pipeline:model:warm[:capacity[:price]]`, separated by commas.

    JSON is go-livepeer's: a list of `pipeline`, `model_id`, `warm`, `capacity`, `price_per_unit`.
    `price` (wei per unit) is for models without one. Raises `OffersError`.
    """
    entries = _json(text, "-aiModels") if text.lstrip().startswith("[") else _named(text)
    if not entries:
        raise OffersError("-aiModels: expected at least one model")
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        if entry.pipeline not in PIPELINES:
            known = ", ".join(PIPELINES)
            raise OffersError(f"-aiModels: no pipeline {entry.pipeline[:80]!r}; there are {known}")
        if not entry.model_id:
            raise OffersError("-aiModels: expected a name for each model")
        if (entry.pipeline, entry.model_id) in seen:
            raise OffersError(f"-aiModels: {entry.pipeline} {entry.model_id} is there twice")
        seen.add((entry.pipeline, entry.model_id))
    return tuple(
        ServedModel(
            pipeline=entry.pipeline,
            model=entry.model_id,
            warm=entry.warm,
            capacity=entry.capacity,
            price=price if entry.price_per_unit is None else entry.price_per_unit,
        )
        for entry in entries
    )


def _named(text: str) -> Sequence[_Entry]:
    """A file, or the models themselves."""
    path = Path(text)
    try:
        if path.is_file():
            with path.open(encoding="utf-8") as file:
                return _json(file.read(_FILE_BYTES), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise OffersError(f"-aiModels: {path} cannot be read: {error}") from error
    return [_inline(part) for part in text.split(",") if part.strip()]


def _json(text: str, where: str) -> Sequence[_Entry]:
    try:
        return msgspec.json.decode(text, type=list[_Entry])
    except (msgspec.DecodeError, RecursionError) as error:
        raise OffersError(f"{where}: {error}") from error


def _inline(text: str) -> _Entry:
    parts = text.strip().split(":")
    if not _LEAST_PARTS <= len(parts) <= _MOST_PARTS or parts[2] not in _TRUE | _FALSE:
        raise OffersError(
            f"-aiModels: expected pipeline:model:warm[:capacity[:price]], found {text[:80]!r}"
        )
    fields: dict[str, object] = {
        "pipeline": parts[0],
        "model_id": parts[1],
        "warm": parts[2] in _TRUE,
    }
    fields |= dict(zip(("capacity", "price_per_unit"), parts[3:], strict=False))
    try:
        return msgspec.convert(fields, _Entry, strict=False)
    except msgspec.ValidationError as error:
        raise OffersError(f"-aiModels: {text[:80]!r}: {error}") from error

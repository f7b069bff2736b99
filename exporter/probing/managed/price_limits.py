"""The file of price limits. What is wrong in it would mean to go-livepeer: pay any price."""

import json
import re
from pathlib import Path
from typing import Final

from exporter.probing.managed.faults import Fault, StartFailure
from exporter.probing.managed.small_file import UnreadableError, read

SIZE_LIMIT: Final = 2**20
ENTRY_LIMIT: Final = 10_000
PIPELINES: Final = (
    "audio-to-text",
    "image-to-image",
    "image-to-text",
    "image-to-video",
    "live-video-to-video",
    "llm",
    "segment-anything-2",
    "text-to-image",
    "text-to-speech",
    "upscale",
)
"""The names that go-livepeer knows; any other one ends it with a panic."""
_KEY: Final = "capabilities_prices"
_FIELDS: Final = frozenset(
    {"pipeline", "model_id", "price_per_unit", "pixels_per_unit", "currency"}
)
_CURRENCIES: Final = ("", "wei")
_NUMBER: Final = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
_MODEL: Final = re.compile(r"[!-~]{1,200}")


class _Number(str):
    """A JSON number as it was written: no digit is lost on the way to the lane's file."""

    __slots__ = ()


def checked(path: Path) -> str:
    """The file's text in a form that leaves go-livepeer no doubt: every entry whole, JSON anew.

    Raises `StartFailure`, which names the line or the entry.
    """
    try:
        text, _ = read(path, limit=SIZE_LIMIT, what="file of price limits")
    except UnreadableError as error:
        raise _wrong(path, str(error)) from None
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise _wrong(path, f"line {error.lineno}: not JSON: {error.msg}") from None
    except ValueError as error:
        raise _wrong(path, str(error)) from None
    except RecursionError:
        raise _wrong(path, "nested too deep") from None
    if not isinstance(document, dict) or set(document) != {_KEY}:
        raise _wrong(path, f'expected an object with "{_KEY}" and nothing else')
    entries = document[_KEY]
    if not isinstance(entries, list) or not 1 <= len(entries) <= ENTRY_LIMIT:
        raise _wrong(path, f'"{_KEY}": expected a list of 1 to {ENTRY_LIMIT} entries')
    seen: dict[tuple[str, str], int] = {}
    lines = []
    for number, entry in enumerate(entries, start=1):
        try:
            pipeline, model, line = _entry(entry)
        except ValueError as error:
            raise _wrong(path, f"entry {number}: {error}") from None
        if (first := seen.setdefault((pipeline, model), number)) != number:
            raise _wrong(path, f"entry {number}: the same pipeline and model as entry {first}")
        lines.append(line)
    return f'{{"{_KEY}":[\n' + ",\n".join(lines) + "\n]}\n"


def _entry(entry: object) -> tuple[str, str, str]:
    """Pipeline, model, and the entry as JSON. Raises `ValueError`."""
    if not isinstance(entry, dict):
        raise ValueError("expected an object")  # noqa: TRY004 - all mistakes are told alike
    if unknown := sorted(set(entry) - _FIELDS):
        raise ValueError(
            f"{_shown(unknown[0])} is not known: expected {', '.join(sorted(_FIELDS))}"
        )
    pipeline, model = entry.get("pipeline"), entry.get("model_id", "default")
    if type(pipeline) is not str or pipeline not in PIPELINES:
        raise ValueError(f'"pipeline": expected one of {", ".join(PIPELINES)}')
    if type(model) is not str or not _MODEL.fullmatch(model):
        raise ValueError('"model_id": expected a model id, or "default"')
    currency = entry.get("currency", "")
    if type(currency) is not str or currency.lower() not in _CURRENCIES:
        raise ValueError('"currency": expected "wei" or nothing')
    price = _positive(entry, "price_per_unit", None)
    pixels = _positive(entry, "pixels_per_unit", "1")
    words = f'"pipeline":{json.dumps(pipeline)},"model_id":{json.dumps(model)}'
    return pipeline, model, f'{{{words},"price_per_unit":{price},"pixels_per_unit":{pixels}}}'


def _positive(entry: dict[str, object], key: str, default: str | None) -> str:
    value = entry.get(key, default if default is None else _Number(default))
    if not isinstance(value, _Number) or not _NUMBER.fullmatch(value) or float(value) <= 0:
        raise ValueError(f'"{key}": expected a number above 0, not in quotes')
    return str(value)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{_shown(key)} stands twice in one object")
        found[key] = value
    return found


def _constant(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _shown(key: str) -> str:
    return json.dumps(key[:60])


def _wrong(path: Path, what: str) -> StartFailure:
    return StartFailure(Fault.PRICE_LIMITS, f"{path}: {what}")

"""What each setting holds, read from the types in `exporter.settings`.

The one place that looks into pydantic's schema: the reader, the environment and the reference in
`docs/settings.md` all go by what stands here.
"""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as bound
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from exporter.settings import Noun, Section

PREFIX = "LIVEPEER_EXPORTER_"
FILE_SUFFIX = "_file"
ANY_INDEX = "N"

Form = Literal["section", "list", "text", "secret", "path", "flag", "whole", "number", "choice"]
_FORMS: dict[object, tuple[Form, str]] = {
    str: ("text", "text"),
    SecretStr: ("secret", "secret text"),
    Path: ("path", "path"),
    bool: ("flag", "true or false"),
    int: ("whole", "whole number"),
    float: ("number", "number"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is: its form, its parts and its bounds."""

    form: Form
    noun: str
    section: type[Section] | None = None
    item: "Kind | None" = None
    choices: tuple[str, ...] = ()
    bounds: str = ""
    """In words, such as `from 1 to 1000`; empty without bounds."""

    @property
    def expected(self) -> str:
        """The kind in words, with its article and bounds, as a message says it."""
        if self.form in ("flag", "choice"):
            return self.noun
        article = "" if "text" in self.noun else "an " if self.noun[0] in "aeEioI" else "a "
        return f"{article}{self.noun}{self.bounds and ' ' + self.bounds}"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a section."""

    key: str
    """As it is written in the file."""
    kind: Kind
    required: bool
    default: object
    description: str

    @property
    def variable(self) -> str:
        """Its part of an environment variable's name."""
        return self.key.upper().replace("-", "_")


@cache
def settings_of(section: type[Section]) -> dict[str, Setting]:
    """The settings of a section by their key in the file, in order of definition."""
    found = {}
    for name, info in section.model_fields.items():
        key = info.alias or name
        found[key] = Setting(
            key=key,
            kind=_kind(info.annotation, info.metadata),
            required=info.is_required(),
            default=None if info.is_required() else info.get_default(call_default_factory=True),
            description=info.description or "",
        )
    return found


@cache
def keys_of(section: type[Section]) -> dict[str, Setting]:
    """All keys that a section takes: its settings, and `x_file` for each secret `x`."""
    settings = settings_of(section)
    files = {
        key + FILE_SUFFIX: setting
        for key, setting in settings.items()
        if setting.kind.form == "secret"
    }
    return settings | files


def leaves(kind: Kind, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Kind]]:
    """Every key path that ends in a single value; `[]` stands for any place in a list."""
    if kind.section is not None:
        for key, setting in keys_of(kind.section).items():
            yield from leaves(setting.kind, (*path, key))
    elif kind.item is not None:
        yield from leaves(kind.item, (*path, "[]"))
    else:
        yield path, kind


def variable_name(path: tuple[str, ...]) -> str:
    """The environment variable for a key path; `N` stands for a place in a list."""
    parts = (ANY_INDEX if part == "[]" else part.upper().replace("-", "_") for part in path)
    return PREFIX + "__".join(parts)


def section_kind(section: type[Section]) -> Kind:
    """The kind of a whole section."""
    return Kind("section", "section with keys of its own", section=section)


def _kind(annotation: Any, metadata: list[Any]) -> Kind:  # noqa: ANN401 - any type expression
    """Read a type expression; raises `TypeError` for one that a settings file cannot hold."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0], [*_flat(arguments[1:]), *metadata])
    if origin in (Union, types.UnionType):
        given = [argument for argument in arguments if argument is not type(None)]
        if len(given) == 1:
            return _kind(given[0], metadata)
    elif origin is Literal and all(isinstance(choice, str) for choice in arguments):
        listed = [f"`{choice}`" for choice in arguments]
        noun = listed[0] if len(listed) == 1 else f"one of {', '.join(listed)}"
        return Kind("choice", noun, choices=arguments)
    elif origin is list:
        noun = "list"
        return Kind("list", noun, item=_kind(arguments[0], []), bounds=_bounds(metadata, "entries"))
    elif isinstance(annotation, type) and issubclass(annotation, Section):
        return section_kind(annotation)
    elif annotation in _FORMS:
        form, noun = _FORMS[annotation]
        noun = next((part.text for part in metadata if isinstance(part, Noun)), noun)
        return Kind(form, noun, bounds=_bounds(metadata, "characters"))
    raise TypeError(f"a settings file cannot hold {annotation}")


def _flat(metadata: tuple[Any, ...]) -> Iterator[Any]:
    for part in metadata:
        if isinstance(part, FieldInfo):
            yield from part.metadata
        else:
            yield part


def _bounds(metadata: list[Any], counted: str) -> str:
    least = _tightest(max, [part.ge for part in metadata if isinstance(part, bound.Ge)])
    above = _tightest(max, [part.gt for part in metadata if isinstance(part, bound.Gt)])
    most = _tightest(min, [part.le for part in metadata if isinstance(part, bound.Le)])
    shortest = _tightest(
        max, [part.min_length for part in metadata if isinstance(part, bound.MinLen)]
    )
    longest = _tightest(
        min, [part.max_length for part in metadata if isinstance(part, bound.MaxLen)]
    )
    if least is not None or above is not None or most is not None:
        return _range(None if least is not None else above, least, most)
    if shortest is not None or longest is not None:
        return "of " + _range(None, shortest, longest).removeprefix("from ") + f" {counted}"
    return ""


def _tightest(choose: Any, values: list[Any]) -> Any:  # noqa: ANN401 - min or max of any numbers
    return choose(values) if values else None


def _range(above: object, least: object, most: object) -> str:
    if least is not None and most is not None:
        return f"from {least} to {most}"
    lower = f"above {above}" if above is not None else f"of at least {least}"
    upper = f"at most {most}"
    if most is None:
        return lower
    return upper if above is None else f"{lower} and {upper}"

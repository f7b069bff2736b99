"""Settings from environment variables, laid over the tree of the file.

`LIVEPEER_EXPORTER_STATION__LISTEN` is `station.listen`, `LIVEPEER_EXPORTER_LANES__0__TOKEN` is
`lanes[0].token`. A variable with empty text counts as not set.
"""

import re
from collections.abc import Mapping as Environ

from exporter.settings_file.document import Entry, Mapping, Node, Scalar, Sequence
from exporter.settings_file.mistakes import KeyPath, Mistakes, Place, closest
from exporter.settings_file.schema import (
    ANY_INDEX,
    FILE_SUFFIX,
    PREFIX,
    Kind,
    keys_of,
    leaves,
    variable_name,
)

# What Kubernetes sets in every pod for a service that is named like the program.
_KUBERNETES = re.compile(r"(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")


class _MisfitError(Exception):
    """The variable fits no setting; the message says why."""


def overlay(root: Node, kind: Kind, environ: Environ[str, str], mistakes: Mistakes) -> Node:
    """Give the tree with every variable of ours laid over it; what fits nowhere is a mistake."""
    variables = []
    for name, text in environ.items():
        rest = name.removeprefix(PREFIX)
        if rest == name or not text or _KUBERNETES.fullmatch(rest):
            continue
        try:
            variables.append((_path(kind, rest), name, text))
        except _MisfitError as misfit:
            hint = _hint(kind, name)
            mistakes.add(Place(None, name), (), str(misfit), hint)
    for path, name, text in sorted(variables):
        scalar = Scalar(1, text, plain=False, variable=name)
        try:
            root = _with(root, path, scalar)
        except _MisfitError as misfit:
            mistakes.add(Place(None, name), path, str(misfit))
    return root


def _path(kind: Kind, rest: str) -> KeyPath:
    path: list[str | int] = []
    for part in rest.split("__"):
        if kind.section is not None:
            by_variable = {
                key.upper().replace("-", "_"): (key, setting)
                for key, setting in keys_of(kind.section).items()
            }
            if part not in by_variable:
                raise _MisfitError("there is no such setting")
            key, setting = by_variable[part]
            path.append(key)
            kind = setting.kind
        elif kind.item is not None:
            if not re.fullmatch("[0-9]{1,4}", part):
                raise _MisfitError("expected a place in the list here: 0, 1, 2, …")
            path.append(int(part))
            kind = kind.item
        else:
            raise _MisfitError("there is no such setting")
    if kind.section is not None or kind.item is not None:
        raise _MisfitError(f"expected the name of a single value, this is a {kind.form}")
    return tuple(path)


def _hint(kind: Kind, name: str) -> str | None:
    """The variable that was probably meant, with the places in lists as they were written."""
    known = {variable_name(path) for path, _ in leaves(kind)}
    numbers = re.findall(r"(?<=__)[0-9]+(?=__|$)", name)
    near = closest(re.sub(r"(?<=__)[0-9]+(?=__|$)", ANY_INDEX, name), known)
    for number in numbers:
        near = near and re.sub(rf"(?<=__){ANY_INDEX}(?=__|`)", number, near, count=1)
    return near


def _with(node: Node, path: KeyPath, scalar: Scalar) -> Node:
    """The tree with `scalar` at `path`; what is aliased elsewhere stays as it is."""
    if not path:
        return scalar
    part, rest = path[0], path[1:]
    if isinstance(node, Scalar) and node.empty:
        node = Mapping(node.line, ()) if isinstance(part, str) else Sequence(node.line, ())
    if isinstance(part, str) and isinstance(node, Mapping):
        return _with_key(node, part, rest, scalar)
    if isinstance(part, int) and isinstance(node, Sequence):
        return _with_item(node, part, rest, scalar)
    return node  # not what the schema wants there: reading it will tell


def _with_key(node: Mapping, key: str, rest: KeyPath, scalar: Scalar) -> Mapping:
    entries = list(node.entries)
    place = next((i for i, entry in enumerate(entries) if _is_key(entry, key)), None)
    if place is None:
        place = len(entries)
        entries.append(Entry(node.line, Scalar(node.line, key), Scalar(node.line, "")))
    entry = entries[place]
    entries[place] = Entry(entry.line, entry.key, _with(entry.value, rest, scalar))
    kept = (entry for entry in entries if rest or not _other_way(entry, key))
    return Mapping(node.line, tuple(kept))


def _is_key(entry: Entry, key: str) -> bool:
    return isinstance(entry.key, Scalar) and entry.key.text == key


def _other_way(entry: Entry, key: str) -> bool:
    """Whether the file's entry is the other way (`x`, `x_file`) of giving the secret at `key`."""
    if isinstance(entry.value, Scalar) and entry.value.variable:
        return False
    return _is_key(entry, key + FILE_SUFFIX) or (
        key.endswith(FILE_SUFFIX) and _is_key(entry, key.removesuffix(FILE_SUFFIX))
    )


def _with_item(node: Sequence, index: int, rest: KeyPath, scalar: Scalar) -> Sequence:
    count = len(node.entries)
    if index > count:
        raise _MisfitError(f"expected at most {count} as the place: the list has {count} entries")
    fresh = Entry(node.line, None, Scalar(node.line, ""))
    entry = node.entries[index] if index < count else fresh
    entries = list(node.entries)
    entries[index : index + 1] = [Entry(entry.line, None, _with(entry.value, rest, scalar))]
    return Sequence(node.line, tuple(entries))

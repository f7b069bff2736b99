"""The tree of what was written as plain data for the schema, with the place of every value."""

from pathlib import Path

from pydantic import SecretStr

from exporter.settings_file.document import Entry, Mapping, Node, Refused, Scalar, Sequence
from exporter.settings_file.files import UnreadableFileError, read_bounded
from exporter.settings_file.mistakes import KeyPath, Mistakes, Place, closest, shown
from exporter.settings_file.schema import (
    FILE_SUFFIX,
    Kind,
    Setting,
    keys_of,
    settings_of,
)
from exporter.settings_file.values import ValueMistakeError, read_value

SECRET_LIMIT = 64 * 1024
REFUSED = object()
"""Stands for a value whose mistake is noted: the schema refuses it too, so that nothing built on
it is judged."""


class Reader:
    """Reads a tree by the schema and notes every mistake on the way."""

    def __init__(self, folder: Path, mistakes: Mistakes) -> None:
        self._folder = folder
        self._mistakes = mistakes
        self.places: dict[KeyPath, Place] = {}
        """Where each value was written."""
        self.found: dict[KeyPath, str] = {}
        """What was written, quoted for a message; never a secret."""
        self.wrong: set[KeyPath] = set()
        """Paths whose mistake is noted; a section's, if one of its keys is unknown."""

    def read(self, kind: Kind, node: Node, path: KeyPath, place: Place) -> object:
        """Give the value at `path` as plain data, `REFUSED` if it cannot be read."""
        if isinstance(node, Scalar) and node.variable is not None:
            place = Place(None, node.variable)
        self.places[path] = place
        if isinstance(node, Refused):
            return self._refuse(path, node.message)
        if kind.section is not None:
            return self._section(kind, node, path)
        if kind.item is not None:
            return self._list(kind.item, node, path)
        if isinstance(node, Scalar) and not node.empty:
            return self._single(kind, node, path)
        return self._refuse(path, f"expected {kind.expected}, found {_name(node)}")

    def _refuse(self, path: KeyPath, message: str, hint: str | None = None) -> object:
        self.wrong.add(path)
        self._mistakes.add(self.places[path], path, message, hint)
        return REFUSED

    def _single(self, kind: Kind, node: Scalar, path: KeyPath) -> object:
        if kind.form != "secret":
            self.found[path] = shown(node.text)
        try:
            return read_value(kind, node.text)
        except ValueMistakeError as mistake:
            return self._refuse(path, mistake.message, mistake.hint)

    def _list(self, item: Kind, node: Node, path: KeyPath) -> object:
        if not isinstance(node, Sequence):
            return self._refuse(
                path, f"expected a list, its entries on lines with `- `; found {_name(node)}"
            )
        self.found[path] = f"{len(node.entries)} entries"
        return [
            self.read(item, entry.value, (*path, index), Place(entry.line))
            for index, entry in enumerate(node.entries)
        ]

    def _section(self, kind: Kind, node: Node, path: KeyPath) -> object:
        if not isinstance(node, Mapping) or kind.section is None:
            return self._refuse(
                path, f"expected keys with values (`key: value`), found {_name(node)}"
            )
        keys = keys_of(kind.section)
        data: dict[str, object] = {}
        lines: dict[str, int] = {}
        for entry in node.entries:
            key = self._key(entry, path, lines)
            if key is None:
                continue
            if key not in keys:
                self._unknown(key, keys, path, Place(entry.line))
            elif not (isinstance(entry.value, Scalar) and entry.value.empty):
                self._given(data, key, keys[key], entry, path)
        for key, setting in settings_of(kind.section).items():
            if setting.required and key not in data and (*path, key) not in self.wrong:
                place = Place(lines[key]) if key in lines else self.places[path]
                data[key] = self._missing(setting, path, place)
        return data

    def _key(self, entry: Entry, path: KeyPath, lines: dict[str, int]) -> str | None:
        place = Place(entry.line)
        if not isinstance(entry.key, Scalar):
            self.wrong.add(path)
            self._mistakes.add(
                place, path, f"expected a key of plain text, found {_name(entry.key)}"
            )
            return None
        key = entry.key.text
        here = (*path, key)
        if key == "<<" and entry.key.plain:
            self.wrong.add(path)
            message = "merge keys are not supported: write the keys out, or alias whole values"
            self._mistakes.add(place, here, message)
            return None
        if key in lines:
            message = f"expected once, found again: it is already given on line {lines[key]}"
            self._mistakes.add(place, here, message)
            return None
        lines[key] = entry.line
        return key

    def _unknown(self, key: str, keys: dict[str, Setting], path: KeyPath, place: Place) -> None:
        hint = closest(key, keys)
        message = "there is no such setting"
        self._mistakes.add(place, (*path, key), message if path else message + " at the top", hint)
        self.wrong.add(path)
        if hint is not None:
            self.wrong.add((*path, hint.strip("`")))

    def _missing(self, setting: Setting, path: KeyPath, place: Place) -> object:
        here = (*path, setting.key)
        self.places[here] = place
        what = setting.description.rstrip(".")
        return self._refuse(here, f"required, but not given: {what[:1].lower()}{what[1:]}")

    def _given(
        self, data: dict[str, object], key: str, setting: Setting, entry: Entry, path: KeyPath
    ) -> None:
        here = (*path, setting.key)
        place = Place(entry.line)
        if setting.key in data:
            both = f"expected one of `{setting.key}` and `{setting.key}{FILE_SUFFIX}`, found both"
            if isinstance(entry.value, Scalar) and entry.value.variable:
                place = Place(None, entry.value.variable)
            self._mistakes.add(place, (*path, key), both)
        elif key == setting.key:
            value = self.read(setting.kind, entry.value, here, place)
            of_folder = setting.kind.form == "path" and isinstance(value, str)
            data[key] = self._folder / str(value) if of_folder else value
        else:
            data[setting.key] = self._secret_from(entry.value, (*path, key), here, place)

    def _secret_from(self, node: Node, path: KeyPath, here: KeyPath, place: Place) -> object:
        self.wrong.add(here)
        name = self.read(Kind("path", "path"), node, path, place)
        if not isinstance(name, str):
            return REFUSED
        self.places[here] = self.places[path]
        try:
            content = read_bounded(self._folder / name, SECRET_LIMIT)
            secret = content.decode().removesuffix("\n").removesuffix("\r")
        except UnreadableFileError as error:
            looked = "" if Path(name).is_absolute() else f" (looked for in {self._folder})"
            return self._refuse(path, f"expected a file that holds the secret, but {error}{looked}")
        except UnicodeDecodeError:
            return self._refuse(path, "expected a file with text, found bytes that are not UTF-8")
        if not secret:
            return self._refuse(path, "expected a file that holds the secret, but it is empty")
        self.wrong.discard(here)
        return SecretStr(secret)


def _name(node: Node | None) -> str:
    if isinstance(node, Scalar):
        return "nothing" if node.empty else "a single value"
    return "a list" if isinstance(node, Sequence) else "keys with values"

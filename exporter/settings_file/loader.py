"""From a path and the environment to `Settings`, or to all mistakes at once."""

import contextlib
import re
from collections.abc import Mapping as Environ
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from exporter.settings import Settings
from exporter.settings_file.document import DocumentError, Node, Scalar, parse
from exporter.settings_file.environment import overlay
from exporter.settings_file.files import UnreadableFileError, read_bounded
from exporter.settings_file.mistakes import KeyPath, Mistakes, Place, TooManyMistakesError
from exporter.settings_file.reader import Reader
from exporter.settings_file.schema import Kind, keys_of, section_kind

FILE_LIMIT = 2**20
_WHOLE_FILE = Place(None)
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def load(path: Path, environ: Environ[str, str]) -> Settings:
    """Read the settings file at `path`, with `environ` laid over it.

    Paths in the file are relative to its folder; the `data` folder comes back whole. Raises
    `SettingsError`, which holds every mistake that was found.
    """
    mistakes = Mistakes(str(path))
    settings: Settings | None = None
    with contextlib.suppress(TooManyMistakesError):
        settings = _load(path, environ, mistakes)
    if settings is None or mistakes:
        raise mistakes.error()
    return settings


def _load(path: Path, environ: Environ[str, str], mistakes: Mistakes) -> Settings | None:
    root = read_document(path, mistakes)
    if mistakes and root is None:
        return None
    if root is None or (isinstance(root, Scalar) and root.empty):
        mistakes.add(Place(1), (), "the file is empty; expected at least `region` and `sources`")
        return None
    kind = section_kind(Settings)
    folder = path.absolute().parent
    reader = Reader(folder, mistakes)
    data = reader.read(kind, overlay(root, kind, environ, mistakes), (), Place(root.line))
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        found: list[Any] = list(error.errors(include_url=False))
    else:
        return settings.model_copy(update={"data": folder / settings.data})
    for each in found:
        _judge(each, kind, reader, mistakes)
    return None


def read_document(path: Path, mistakes: Mistakes, *, what: str = "the settings") -> Node | None:
    """The file's tree; `None` if it is empty, or a mistake stands in the way of reading any of it.

    `what` is what the file holds.
    """
    text = _text(path, mistakes, what)
    if text is None:
        return None
    strange = _NOT_YAML.search(text)
    if strange is not None:
        line = text.count("\n", 0, strange.start()) + 1
        mistakes.add(Place(line), (), f"expected text, found the character {strange[0]!a}")
        return None
    try:
        root, second = parse(text)
    except DocumentError as error:
        mistakes.add(Place(error.line), (), error.message)
        return None
    if second is not None:
        mistakes.add(Place(second), (), "expected one document, a second one (`---`) begins here")
    return root


def _text(path: Path, mistakes: Mistakes, what: str) -> str | None:
    try:
        content = read_bounded(path, FILE_LIMIT)
    except UnreadableFileError as error:
        mistakes.add(_WHOLE_FILE, (), f"{what} cannot be read: {error}")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        mistakes.add(Place(line), (), "expected text in UTF-8, found bytes that are not UTF-8")
        return None


def _judge(error: dict[str, Any], kind: Kind, reader: Reader, mistakes: Mistakes) -> None:
    """Put one of the schema's complaints in plain words, unless its cause is already noted."""
    context = error.get("ctx", {})
    path: KeyPath = (*error["loc"], *context.get("at", ()))
    if error["loc"] in reader.wrong or path in reader.wrong:
        return
    if error["type"] == "value_error":
        message = str(context["error"])
    elif error["type"] == "setting":
        message = context["message"]
    else:
        message = f"expected {_at(kind, path).expected}"
    if path in reader.found and "found" not in message:
        message += f", found {reader.found[path]}"
    mistakes.add(_nearest(path, reader.places), path, message)


def _at(kind: Kind, path: KeyPath) -> Kind:
    for part in path:
        if kind.section is not None:
            kind = keys_of(kind.section)[str(part)].kind
        elif kind.item is not None:
            kind = kind.item
    return kind


def _nearest(path: KeyPath, places: dict[KeyPath, Place]) -> Place:
    """Where the value was written, or else the nearest part of the file that it lies in."""
    while path not in places:
        path = path[:-1]
    return places[path]

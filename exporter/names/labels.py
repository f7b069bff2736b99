"""The operator's own names: a YAML file with one `ADDRESS: name` a line."""

import contextlib
import unicodedata
from pathlib import Path
from typing import Final

from exporter.model import is_eth_address
from exporter.names.presentable import LENGTH, flaw
from exporter.settings_file.document import Entry, Mapping, Scalar
from exporter.settings_file.loader import read_document
from exporter.settings_file.mistakes import Mistakes, Place, TooManyMistakesError, shown

LABELS: Final = 10_000


def read_labels(path: Path) -> dict[str, str]:
    """Names by lower-case address. Raises `SettingsError`, which holds every mistake."""
    mistakes = Mistakes(str(path))
    labels: dict[str, str] = {}
    with contextlib.suppress(TooManyMistakesError):
        labels = _read(path, mistakes)
    if mistakes:
        raise mistakes.error()
    return labels


def _read(path: Path, mistakes: Mistakes) -> dict[str, str]:
    root = read_document(path, mistakes, what="the labels")
    if root is None or (isinstance(root, Scalar) and root.empty):
        return {}
    if not isinstance(root, Mapping):
        mistakes.add(Place(root.line), (), "expected lines such as `0x…: name`")
        return {}
    if len(root.entries) > LABELS:
        mistakes.add(Place(root.entries[LABELS].line), (), f"expected at most {LABELS} names")
        return {}
    labels: dict[str, str] = {}
    lines: dict[str, int] = {}
    for entry in root.entries:
        address = _address(entry, mistakes)
        if address is None:
            continue
        if address in lines:
            message = f"expected once, found again: it is already named on line {lines[address]}"
            mistakes.add(Place(entry.line), (address,), message)
            continue
        lines[address] = entry.line
        if (name := _name(entry, address, mistakes)) is not None:
            labels[address] = name
    return labels


def _address(entry: Entry, mistakes: Mistakes) -> str | None:
    key = entry.key
    if isinstance(key, Scalar) and is_eth_address(key.text):
        return key.text.lower()
    found = f", found {shown(key.text)}" if isinstance(key, Scalar) else ""
    mistakes.add(
        Place(entry.line),
        (),
        f"expected an ETH address, 0x and 40 hexadecimal digits, before the colon{found}",
    )
    return None


def _name(entry: Entry, address: str, mistakes: Mistakes) -> str | None:
    value = entry.value
    if not isinstance(value, Scalar) or value.empty:
        mistakes.add(Place(entry.line), (address,), "expected a name after the colon")
        return None
    name = unicodedata.normalize("NFC", value.text.strip())
    wrong = flaw(name)
    if wrong is None and len(name) > LENGTH:
        wrong = f"it has {len(name)} characters"
    if wrong is not None:
        message = f"expected a name of 1 to {LENGTH} characters that can be seen, but {wrong}"
        mistakes.add(Place(entry.line), (address,), message)
        return None
    return name

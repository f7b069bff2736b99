"""Which texts are shown as a name, and how; they are written by strangers."""

import re
import unicodedata
from typing import Final

LENGTH: Final = 64
"""Characters of a name that are shown."""

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_UNSEEN: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Letters and marks that show nothing: fillers, joiners, variation selectors."""
_ADDRESS: Final = re.compile(r"\s*0[xX][0-9a-fA-F]{40}")
_MARKS: Final = 2
"""Combining marks one after another; more of them pile up over other lines."""


def flaw(text: str) -> str | None:
    """Why the text cannot be shown as a name; `None` if it can, whole or `shortened`."""
    if not text.strip():
        return "it is empty"
    if _ADDRESS.match(text):
        return "it looks like an address"
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        hidden = category in _HIDDEN or character in _UNSEEN
        if hidden or (category == "Zs" and character != " "):
            return f"it holds the character U+{ord(character):04X}, which cannot be seen"
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > _MARKS:
            return f"it holds more than {_MARKS} marks on one letter"
    return None


def presentable(text: str) -> str | None:
    """The text as a name of at most `LENGTH` characters; `None` if it cannot be shown."""
    if len(text) > 100 * LENGTH or flaw(text) is not None:
        return None
    return shortened(unicodedata.normalize("NFC", text.strip()))


def shortened(name: str) -> str:
    """The end of a long name: whose it is stands there, before `.eth`."""
    return name if len(name) <= LENGTH else "\u2026" + name[1 - LENGTH :]

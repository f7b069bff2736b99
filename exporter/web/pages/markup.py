"""HTML that is escaped by construction: only an element makes markup, text never does."""

import html
import unicodedata
from collections.abc import Iterable
from typing import Final

_VOID: Final = frozenset({"meta", "input", "img"})
_KEPT: Final = frozenset("\n\t")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str | float | bool | None) -> Markup:
    """An element; children that are not `Markup` are escaped.

    A trailing `_` of an attribute's name is dropped, another becomes `-`; `None` and `False` leave
    it out, `True` gives it no value.
    """
    opening = f"<{name}{''.join(_attribute(k, v) for k, v in attributes.items())}>"
    if name in _VOID:
        return Markup(opening)
    return Markup(f"{opening}{join(children)}</{name}>")


def join(parts: Iterable[str]) -> Markup:
    """Parts one after another, escaped where they are no markup."""
    return Markup("".join(escape(part) for part in parts))


def escape(text: str) -> Markup:
    """The text as HTML; control and direction characters of strangers are made visible."""
    if isinstance(text, Markup):
        return text
    if text.isprintable():  # nothing to be made visible, and most texts of a long page are
        return Markup(html.escape(text))
    return Markup(html.escape("".join(_visible(character) for character in text)))


def _visible(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in ("Cc", "Cf", "Cs"):
        return character
    return f"\\u{ord(character):04x}"


def _attribute(name: str, value: str | float | bool | None) -> str:  # noqa: FBT001 - HTML has such attributes
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{escape(str(value))}"'

"""One written value as the type that its setting has."""

import math
import re

from pydantic import SecretStr

from exporter.settings_file.mistakes import closest, shown
from exporter.settings_file.schema import Kind

_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class ValueMistakeError(Exception):
    """The text is no value of this kind; the message says what was expected and found."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


def read_value(kind: Kind, text: str) -> object:
    """Read the text as a value of `kind`; raises `ValueMistakeError`.

    Bounds and the setting's own rules are checked later, by its schema.
    """
    if kind.form == "secret":
        return SecretStr(text)
    if kind.form in ("text", "path") and _CONTROL.search(text):
        raise ValueMistakeError(
            f"expected {kind.expected}, on one line and without control characters"
        )
    if kind.form == "path":
        return _path(text)
    if kind.form == "flag" and text.lower() in _FLAGS:
        return _FLAGS[text.lower()]
    if kind.form == "whole" and _WHOLE.fullmatch(text):
        return int(text)
    if kind.form == "number" and _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if kind.form == "text" or text in kind.choices:
        return text
    raise ValueMistakeError(
        f"expected {kind.expected}, found {shown(text)}", closest(text, kind.choices)
    )


def _path(text: str) -> str:
    if not text:
        raise ValueMistakeError("expected a path, found empty text")
    if text.startswith("~"):
        raise ValueMistakeError("expected a whole path: `~` does not stand for a home folder here")
    return text

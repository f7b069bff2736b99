"""A posted stat, read as the original leaderboard server reads it.

That is Go's `encoding/json` (v1 semantics, Go 1.26) decoding into a struct: a body that it takes
is taken with the same values, and a body that it refuses is refused in the same words.
"""

from typing import Any, Final

import msgspec

from exporter.leaderboard.go_json_mistake import GoJsonError
from exporter.leaderboard.go_json_syntax import check_syntax
from exporter.leaderboard.go_json_values import (
    BOOL,
    FLOAT64,
    INT,
    INT64,
    STRING,
    GoType,
    described,
    elements,
    members,
    unquoted,
)

__all__ = ["GoJsonError", "PostedError", "PostedStat", "read_stat"]

_ERRORS: Final = GoType("[]models.Error", lambda _: None)
_ELEMENT: Final = GoType("models.Error", lambda _: None)
_STAT: Final = {
    "region": STRING,
    "orchestrator": STRING,
    "segments_sent": INT,
    "segments_received": INT,
    "success_rate": FLOAT64,
    "seg_duration": FLOAT64,
    "upload_time": FLOAT64,
    "download_time": FLOAT64,
    "transcode_time": FLOAT64,
    "round_trip_time": FLOAT64,
    "errors": _ERRORS,
    "timestamp": INT64,
    "model": STRING,
    "model_is_warm": BOOL,
    "pipeline": STRING,
    "input_parameters": STRING,
    "response_payload": STRING,
}
_ERROR: Final = {"error_code": STRING, "message": STRING, "count": INT}


class PostedError(msgspec.Struct, frozen=True):
    """One of a stat's errors."""

    error_code: str = ""
    message: str = ""
    count: int = 0


class PostedStat(msgspec.Struct, frozen=True, kw_only=True):
    """A stat as it was posted; what was left out has the zero of its type, as in Go.

    `errors` left out is `None`, which differs from none. Times are in seconds, in whatever range
    they were posted; integers have 64 bits.
    """

    region: str = ""
    orchestrator: str = ""
    success_rate: float = 0.0
    round_trip_time: float = 0.0
    errors: tuple[PostedError, ...] | None = None
    timestamp: int = 0
    seg_duration: float = 0.0
    upload_time: float = 0.0
    download_time: float = 0.0
    transcode_time: float = 0.0
    segments_sent: int = 0
    segments_received: int = 0
    model: str = ""
    pipeline: str = ""
    input_parameters: str = ""
    response_payload: str = ""
    model_is_warm: bool = False


_NO_ERROR: Final = PostedError()


def read_stat(body: bytes) -> PostedStat:
    """The stat in a body; `null` is one in which everything was left out.

    Raises `GoJsonError`, and nothing else, for every other body.
    """
    text = body.decode("utf-8", "surrogateescape")
    check_syntax(text)
    text = text.strip(" \t\r\n")
    if text == "null":
        return PostedStat()
    if text[0] != "{":
        what = described(text)
        raise GoJsonError(f"json: cannot unmarshal {what} into Go value of type models.Stats")
    return _stat(text)


def _stat(text: str) -> PostedStat:
    given: dict[str, Any] = {}
    errors = _Errors()
    for key, value in members(text):
        name = _field(key, _STAT)
        if name == "errors":
            errors.read(value)
        elif name is not None and value != "null":
            given[name] = _STAT[name].read(value, f"Stats.{name}")
    return PostedStat(errors=errors.given, **given)


class _Errors:
    """Go's slice of errors. A repeated field fills the elements of the one before it anew.

    So what an element leaves out keeps what stood at its place before, even if the slice was
    shorter in between; `null` and `[]` let go of it all.
    """

    def __init__(self) -> None:
        self.given: tuple[PostedError, ...] | None = None
        self._held: list[PostedError] = []

    def read(self, value: str) -> None:
        """Take the value of a field `errors`."""
        if value == "null":
            self.given, self._held = None, []
            return
        if value[0] != "[":
            raise _ERRORS.misfit(value, "Stats.errors")
        count = 0
        for element in elements(value):
            before = self._held[count] if count < len(self._held) else _NO_ERROR
            self._held[count : count + 1] = [_error(element, before)]
            count += 1
        self.given = tuple(self._held[:count])
        if not count:
            self._held = []


def _error(value: str, before: PostedError) -> PostedError:
    """One element, where there was another one before."""
    if value == "null":
        return before
    if value[0] != "{":
        raise _ELEMENT.misfit(value, "Stats.errors")
    given: dict[str, Any] = {}
    for key, member in members(value):
        name = _field(key, _ERROR)
        if name is not None and member != "null":
            given[name] = _ERROR[name].read(member, f"Error.errors.{name}")
    return msgspec.structs.replace(before, **given) if given else before


def _field(key: str, fields: dict[str, GoType]) -> str | None:
    """The field that a key, as it is written in quotes, stands for.

    Go compares by Unicode's simple folding, in which the long s equals an s, though it is no
    capital letter.
    """
    if key in fields:
        return key
    name = unquoted(key).replace("\N{LATIN SMALL LETTER LONG S}", "s").lower()
    return name if name in fields else None

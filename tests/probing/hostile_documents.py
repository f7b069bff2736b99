"""Answers of the right form that go wrong in one place: every value of each replaced by any."""

from collections.abc import Iterator
from typing import Any

import msgspec

from exporter.simulation.hostile_media import document

_MARK = "\x01here\x01"
_DEEP = 20_000
_LONG = 200_000

VALUES: tuple[bytes, ...] = (
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e400",
    b"1e308",
    b"-1",
    b"0.5",
    b"1" * 400,
    b"null",
    b"true",
    b'""',
    b'" "',
    b'"NaN"',
    b'"[[NaN, Infinity, -1e999]]"',
    b'"[' + b"[" * _DEEP + b'"',
    b'"\\u0000\\u202e\\u2066\\u200b\\ufeff\\u0301"',
    b'"\\ud800"',
    '"\u202e\u0661\u0662 \U0001d7d9"'.encode(),
    b'"\xff\xfe"',
    b'"' + b"9" * _LONG + b'"',
    b"[]",
    b"{}",
    b"[[]]",
    b"[null]",
    b"[" + b"0," * 20_000 + b"0]",
    b"[" * _DEEP + b"]" * _DEEP,
    b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
)
"""JSON texts, or what some take for JSON."""

_SPOKEN = {"role": "assistant", "content": "a simulated word"}
_USAGE = {"completion_tokens": 3, "prompt_tokens": 9, "total_tokens": 12}
_WORDS: dict[str, dict[str, Any]] = {
    "audio-to-text": {
        "text": " a simulated transcript",
        "chunks": [
            {"text": " a simulated", "timestamp": [0.0, 1.0]},
            {"text": " transcript", "timestamp": [1.0, 2.5]},
        ],
    },
    "image-to-text": {"text": "a simulated caption"},
    "segment-anything-2": {
        "masks": "[[[0.0, 1.0], [1.0, 0.0]]]",
        "scores": "[0.9]",
        "logits": "[[[-1.5, 2.5]]]",
    },
    "llm": {
        "id": "chatcmpl-1",
        "model": "m",
        "created": 1,
        "choices": [{"index": 0, "finish_reason": "stop", "message": _SPOKEN}],
        "usage": _USAGE,
    },
}
_CHUNK = {"choices": [{"index": 0, "finish_reason": "stop", "delta": _SPOKEN}], "usage": _USAGE}


def good_form(pipeline: str, *, stream: bool = False) -> dict[str, Any]:
    """An answer of the promised form, though not one to any job."""
    if stream:
        return _CHUNK
    return _WORDS.get(pipeline) or document(pipeline, "/stream/0badcafe/0badcafe.png")


def spoilt(whole: dict[str, Any]) -> Iterator[bytes]:
    """The answer with each of its values replaced by each of the others, left out, or doubled."""
    for value in VALUES:
        yield value
    for place in _places(whole):
        marked = msgspec.json.encode(_put(whole, place, _MARK))
        mark = msgspec.json.encode(_MARK)
        for value in VALUES:
            yield marked.replace(mark, value)
        yield msgspec.json.encode(_put(whole, place, None, leave_out=True))
        if isinstance(place[-1], str):
            key = msgspec.json.encode(place[-1])
            yield marked.replace(mark, b"null," + key + b":" + b'[{"a":1}]')


def _places(value: Any) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        items: list[tuple[str | int, Any]] = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        return
    for key, item in items:
        yield (key,)
        for place in _places(item):
            yield (key, *place)


def _put(value: Any, place: tuple[str | int, ...], new: Any, *, leave_out: bool = False) -> Any:
    key, *rest = place
    copy = value.copy()
    if rest:
        copy[key] = _put(value[key], tuple(rest), new, leave_out=leave_out)
    elif leave_out:
        del copy[key]
    else:
        copy[key] = new
    return copy

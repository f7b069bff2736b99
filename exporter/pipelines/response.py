"""Reading JSON answers of strangers, and keeping a bounded record of them."""

from typing import TypeVar

import msgspec

from exporter.pipelines.job import RESPONSE_LIMIT, InvalidResponse

T = TypeVar("T")

OBJECTS_LIMIT = 5_000
"""In one answer: no honest one has half as many, and to read a million takes half a second."""

_EXCERPT = 120
_encode = msgspec.json.encode


def decode(body: bytes, kind: type[T]) -> T:
    """Read a JSON body as `kind`; raises `InvalidResponse` with what is wrong and where."""
    text = body.strip()
    if not text:
        raise InvalidResponse("the answer is empty")
    if text == b"null":
        raise InvalidResponse("the answer is `null`")
    if text.count(b"{") > OBJECTS_LIMIT:
        raise InvalidResponse(f"the answer has more than {OBJECTS_LIMIT} objects")
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidResponse(f"the answer has not the promised form: {error}") from None
    except RecursionError:
        raise InvalidResponse("the answer is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidResponse(
            f"the answer is not JSON ({error}); it begins {excerpt(text)}"
        ) from None


def excerpt(body: bytes | str, limit: int = _EXCERPT) -> str:
    """The beginning of a stranger's text in quotes, on one line, with nothing unprintable."""
    text = body[: limit * 4].decode("utf-8", "replace") if isinstance(body, bytes) else body
    return ascii(text[:limit]) + ("…" if len(text) > limit else "")


def record(facts: dict[str, object], limit: int = RESPONSE_LIMIT) -> str:
    """The facts as a JSON text of at most `limit` bytes; long texts in it are cut as needed."""
    for longest in (limit, limit // 2, limit // 4, limit // 8, 128, 16):
        text = _encode(_cut(facts, longest))
        if len(text) <= limit:
            return text.decode()
    return "{}"


def _cut(value: object, longest: int) -> object:
    if isinstance(value, str):
        return value if len(value) <= longest else value[:longest] + "…"
    if isinstance(value, dict):
        return {_cut(key, longest): _cut(item, longest) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, longest) for item in value[:20]]
    return value

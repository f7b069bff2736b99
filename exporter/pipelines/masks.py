"""Masks as runners of segment-anything-2 write them: texts that hold nested lists of numbers."""

import re
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from exporter.pipelines.job import InvalidResponse
from exporter.pipelines.response import excerpt

Mask = NDArray[np.bool_]
"""Rows first; true is what belongs to the object."""

MOST: Final = 3
"""Masks of one answer: the whole, a part and a part of that is what the model offers."""

NUMBERS: Final = 2**22
"""Numbers, or lists, of one text; three masks of 1024x1024 have three quarters of it."""

SCORES: Final = 16

_Rows = list[list[bool | float]]
_NESTED: Final[dict[int, Any]] = {2: _Rows, 3: list[_Rows], 4: list[list[_Rows]]}
_DEPTH: Final = re.compile(rb"\s*((?:\[\s*)*)")
_HEAD: Final = 64
"""Bytes at the beginning of a text that tell how deep its lists are nested."""


def read_masks(field: msgspec.Raw, name: str = "masks") -> NDArray[np.bool_]:
    """The masks of an answer: an array (masks, height, width); what is above 0 is the object.

    The runner writes Python's lists as a text, with `0.0` and `1.0` or `True` and `False`; numbers
    without a threshold (`return_logits`) have it at 0, as the model has. A single mask may come
    without the outermost list, and all may come in a batch of one. Raises `InvalidResponse`.
    """
    text = _text(field, name)
    depth = len(_opening(text))
    kind = _NESTED.get(depth)
    if kind is None:
        raise InvalidResponse(
            f"`{name}` is to hold masks as lists of rows of numbers; it begins {excerpt(text)}"
        )
    found = _decode(text, kind, name)
    if depth > 3:  # noqa: PLR2004 - masks, rows, numbers, and a batch around them
        if len(found) != 1:
            raise InvalidResponse(f"`{name}` holds a batch of {len(found)}, one picture was sent")
        found = found[0]
    return _array([found] if depth < 3 else found, name)  # noqa: PLR2004 - one mask's rows


def read_scores(field: msgspec.Raw, name: str = "scores") -> tuple[float, ...]:
    """How sure the model is of each mask, in the order of the masks. Raises `InvalidResponse`."""
    text = _text(field, name)
    if len(_opening(text)) == 1 and text.count(b",") < SCORES:
        scores: list[float] = _decode(text, list[float], name)
        return tuple(scores)
    raise InvalidResponse(
        f"`{name}` is to be a list of up to {SCORES} numbers; it begins {excerpt(text)}"
    )


def overlap(first: Mask, second: Mask) -> float:
    """Intersection over union of two masks of one shape (Jaccard's index); 1 if equal.

    0 where both are empty: nothing was found.
    """
    union = np.count_nonzero(first | second)
    return float(np.count_nonzero(first & second) / union) if union else 0.0


def _text(field: msgspec.Raw, name: str) -> bytes:
    """The lists as JSON, be they sent as they are or in a text."""
    raw = bytes(field)
    if raw[:1] != b'"':
        return raw
    try:
        text = msgspec.json.decode(raw, type=str).encode()
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InvalidResponse(f"`{name}` is no text ({error})") from None
    return text.replace(b"True", b"true").replace(b"False", b"false")


def _opening(text: bytes) -> bytes:
    found = _DEPTH.match(text[:_HEAD])
    return b"" if found is None else b"".join(found[1].split())


def _decode(text: bytes, kind: Any, name: str) -> Any:  # noqa: ANN401 - what `kind` says
    many = max(text.count(b","), text.count(b"["))
    if many > NUMBERS:
        raise InvalidResponse(f"`{name}` holds more than {NUMBERS} numbers")
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidResponse(f"`{name}` has not the promised form: {error}") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InvalidResponse(
            f"`{name}` is no list of numbers ({error}); it begins {excerpt(text)}"
        ) from None


def _array(found: list[_Rows], name: str) -> NDArray[np.bool_]:
    if not 1 <= len(found) <= MOST:
        raise InvalidResponse(f"`{name}` holds {len(found)} masks, 1 to {MOST} are expected")
    heights = {len(mask) for mask in found}
    widths = {len(row) for mask in found for row in mask}
    if len(heights) != 1 or len(widths) != 1 or 0 in widths:
        raise InvalidResponse(
            f"`{name}` holds no masks of one size: rows of {_range(widths)} numbers, "
            f"{_range(heights)} rows"
        )
    numbers = np.array(found, np.float64)
    above: NDArray[np.bool_] = numbers > 0
    return above


def _range(lengths: set[int]) -> str:
    if not lengths:
        return "no"
    least, most = min(lengths), max(lengths)
    return str(least) if least == most else f"{least} to {most}"

"""What a simulated captioner sees: one form, its colour, and the colour behind it.

It is read off the pixels: the ground is what lies along the edges, the form what differs from it;
the form is told by how it fills its bounds and its hull, and by its symmetries.
"""

import colorsys
import io
import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from exporter.simulation.craft.product import BadInput

_SIDE: Final = 160
_DIFFERENT: Final = 90.0
"""Distance of two colours, in steps of a channel, from which on they are two."""
_LEAST: Final = 0.02
"""What is smaller, as a share of the picture, is not seen."""
_GREYISH: Final = 0.2
_DARK: Final = 0.25
_ROUND: Final = 0.94
"""Share of its convex hull that a form without notches fills."""
_NOTCHED: Final = 0.75
"""Share that a form with a shallow notch fills."""
_MIRRORED: Final = 0.93
"""Share of its pixels that a form has on its other side, too, if both sides are alike."""
_HORNS: Final = 0.45
_PALE: Final = 0.6
"""Lightness from which on a red is called pink."""
_HUES: Final = (
    (15, "red"),
    (44, "orange"),
    (70, "yellow"),
    (170, "green"),
    (260, "blue"),
    (300, "purple"),
)
"""Up to which angle a hue has that name; what is beyond is red again."""

_FILLED: Final = {"square": 1.0, "circle": math.pi / 4, "triangle": 0.5}
"""Share of its bounds that a form without notches fills."""

_Mask = NDArray[np.bool_]


class Sight(NamedTuple):
    """What is seen."""

    colour: str
    form: str
    ground: str


def look(data: bytes) -> Sight | None:
    """See what a picture shows; `None` where nothing stands out.

    Raises `BadInput` for what is no picture.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise BadInput(f"cannot identify image file: {error}") from None
    pixels = np.asarray(small, np.float64)
    edge = np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    ground = np.median(edge, axis=0)
    mask: _Mask = np.linalg.norm(pixels - ground, axis=2) > _DIFFERENT
    if mask.mean() < _LEAST:
        return None
    colour = np.median(pixels[mask], axis=0)
    return Sight(_colour(colour), _form(_cut(mask)), _colour(ground))


def _colour(rgb: NDArray[np.float64]) -> str:
    hue, lightness, _ = colorsys.rgb_to_hls(*(rgb / 255))
    _, saturation, value = colorsys.rgb_to_hsv(*(rgb / 255))
    if saturation < _GREYISH or value < _DARK:
        return "white" if lightness > 1 - _DARK else "black" if lightness < _DARK else "grey"
    degrees = hue * 360
    name = next((name for upto, name in _HUES if degrees < upto), "red")
    return "pink" if name == "red" and lightness > _PALE else name


def _cut(mask: _Mask) -> _Mask:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _form(mask: _Mask) -> str:
    filled = mask.mean()
    solid = mask.sum() / _hull(mask)
    sides = (mask == mask[:, ::-1]).mean()
    if solid > _ROUND:
        return min(_FILLED, key=lambda name: abs(_FILLED[name] - filled))
    if sides < _MIRRORED:
        # Of a moon, the last quarter is bitten out but for the horns; an arrow has its tip there.
        last = mask[:, mask.shape[1] * 3 // 4 :].mean()
        return "moon" if last < filled * _HORNS else "arrow"
    return "heart" if solid > _NOTCHED else "star"


def _hull(mask: _Mask) -> float:
    """Pixels within the convex hull: of each row the ends, joined from above and from below."""
    corners = []
    for row, line in enumerate(mask):
        columns = np.flatnonzero(line)
        if columns.size:
            ends = (int(columns[0]), int(columns[-1]) + 1)
            corners += [(end, row + below) for end in ends for below in (0, 1)]
    corners.sort()
    outline = [*_half(corners)[:-1], *_half(corners[::-1])[:-1]]
    return abs(
        sum(
            x * next_y - next_x * y
            for (x, y), (next_x, next_y) in zip(outline, [*outline[1:], outline[0]], strict=True)
        )
        / 2
    )


def _half(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """One half of the hull, by Andrew's monotone chain."""
    half: list[tuple[int, int]] = []
    for x, y in points:
        while len(half) > 1:
            (a, b), (c, d) = half[-2:]
            if (c - a) * (y - b) - (d - b) * (x - a) > 0:
                break
            half.pop()
        half.append((x, y))
    return half

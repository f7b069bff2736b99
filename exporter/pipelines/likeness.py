"""How alike two pictures are, in numbers. Pictures are arrays of float32, values from 0 to 255."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.float32]
_Numbers = Pixels | NDArray[np.float64]


def colours(image: Image.Image, size: tuple[int, int] | None = None) -> Pixels:
    """The picture as (height, width, 3), shrunk to `size` (width, height) by the mean of areas."""
    return _pixels(image.convert("RGB"), size)


def greys(image: Image.Image, size: tuple[int, int] | None = None) -> Pixels:
    """The picture as (height, width): the luma of ITU-R BT.601, shrunk by the mean of areas."""
    return _pixels(image.convert("L"), size)


def bands(image: Image.Image, size: tuple[int, int]) -> list[Pixels]:
    """Red, green and blue, each (height, width), shrunk to `size` without rounding again."""
    colour = image.convert("RGB")
    return [
        np.asarray(band.convert("F").resize(size, Image.Resampling.BOX), dtype=np.float32)
        for band in colour.split()
    ]


def pearson(first: _Numbers, second: _Numbers) -> float | None:
    """Pearson's product-moment correlation of two arrays of one shape; 1 if alike, 0 if unrelated.

    r = sum(x y) / sqrt(sum(x^2) sum(y^2)) with x, y less their means. Brightness and contrast do
    not matter. `None` where one of them is constant: then there is nothing to compare.
    """
    one = first.astype(np.float64).ravel()
    two = second.astype(np.float64).ravel()
    one -= one.mean()
    two -= two.mean()
    both = math.sqrt(float(one @ one)) * math.sqrt(float(two @ two))
    if not both > _NOTHING * one.size:
        return None
    return float(one @ two) / both


def likeness(first: Image.Image, second: Image.Image, size: tuple[int, int]) -> float | None:
    """Correlation of two pictures shrunk to `size`: the higher one of their greys and colours.

    A picture in black and white may be one of a coloured thing; a picture whose shades are turned
    around may have its colours still. `None` where one of them is a plain surface.
    """
    found = (
        pearson(greys(first, size), greys(second, size)),
        pearson(colours(first, size), colours(second, size)),
    )
    return max((score for score in found if score is not None), default=None)


def contours(image: Image.Image, size: tuple[int, int]) -> Pixels:
    """How steep the greys are, whichever way they go, as (height, width) for `size`.

    Light and dark may be exchanged, and any colour be another, and the contours stay.
    """
    grey = greys(image, (2 * size[0] + 1, 2 * size[1] + 1))
    steep = np.hypot(np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1])
    return np.asarray(steep.reshape(size[1], 2, size[0], 2).mean(axis=(1, 3)), dtype=np.float32)


def kinship(first: Image.Image, second: Image.Image) -> float | None:
    """How surely two pictures show the same composition: 1 if alike, about 0 if unrelated.

    The highest of three correlations: of greys, of colours (both at 16x16) and of contours (at
    32x32). A restyled picture keeps at least one of them. `None` where one picture is plain.
    """
    found = (
        pearson(greys(first, _COARSE), greys(second, _COARSE)),
        pearson(colours(first, _COARSE), colours(second, _COARSE)),
        pearson(contours(first, _FINE), contours(second, _FINE)),
    )
    return max((score for score in found if score is not None), default=None)


def mean_error(first: Pixels, second: Pixels) -> float:
    """Mean absolute difference as a share of the full range: 0 if alike, at most 1."""
    return float(np.abs(first - second, dtype=np.float64).mean()) / _WHITE


def _pixels(image: Image.Image, size: tuple[int, int] | None) -> Pixels:
    if size is not None and image.size != size:
        image = image.resize(size, Image.Resampling.BOX)
    return np.asarray(image, dtype=np.float32)


_NOTHING = 1e-6
_WHITE = 255.0
_COARSE = (16, 16)
_FINE = (32, 32)

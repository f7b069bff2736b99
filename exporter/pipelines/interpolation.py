"""How much of a picture is new, and how much merely computed from the one that was sent."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exporter.pipelines.likeness import greys

REACH: Final = 3
"""Pixels of the sent picture to each side that a filter may draw upon: Lanczos' filter has 3."""
WINDOW: Final = 256
"""Pixels of the sent picture along each side that are looked at, in its middle: these tell, and a
larger picture takes no more time and memory."""
FAINT: Final = 4.0
"""Levels of 255: contrast below this is not taken for contrast."""

_WHITE: Final = 255.0
_CUBIC: Final = 3
_BT709: Final = (0.2126, 0.7152, 0.0722)
_Floats = NDArray[np.float64]


def _linear() -> _Floats:
    """The light of each of the 256 levels of sRGB (IEC 61966-2-1), 0 to 1."""
    level = np.arange(256) / _WHITE
    steep = level <= 0.04045  # noqa: PLR2004 - where the standard's two formulas meet
    light: _Floats = np.where(steep, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    return light


_LINEAR: Final = _linear()


def novelty(sent: Image.Image, answer: Image.Image, scale: int = 1) -> float | None:
    """The share of the answer's contrast that no linear filter of the sent picture accounts for.

    Nearest, bilinear, bicubic and Lanczos interpolation, blur, sharpening, more or less brightness
    and contrast all make a pixel a weighted sum of its surroundings, with the same weights for
    all pixels in the same place among the `scale` x `scale` that one becomes. The best weights for
    49 surrounding pixels and a constant are found by least squares for each place, and the best
    tone curve, a cubic of what they give, for all; what is left, as a root mean square, is divided
    by the answer's standard deviation: 0 for a filter, 1 for something else altogether.

    Greys only, as they are coded and in linear light (the curve of sRGB, luminance of ITU-R
    BT.709), for there are programs that filter in either; the smaller number counts. `None` unless
    the answer is `scale` times as large.
    """
    width, height = sent.size
    if answer.size != (width * scale, height * scale) or min(sent.size) <= 2 * REACH:
        return None
    sent, answer = _middle(sent, 1), _middle(answer, scale)
    return min(_novelty(light(sent), light(answer), scale) for light in (_coded, _luminance))


def _novelty(sent: _Floats, answer: _Floats, scale: int) -> float:
    around = _surroundings(sent)
    products = around @ around.T
    inner = slice(REACH, -REACH)
    wanted, filtered = [], []
    for row in range(scale):
        for column in range(scale):
            place = answer[row::scale, column::scale][inner, inner].ravel()
            wanted.append(place)
            filtered.append(_filtered(around, products, place))
    wish = np.concatenate(wanted)
    rest = wish - _toned(np.concatenate(filtered), wish)
    return float(np.sqrt(np.mean(np.square(rest)))) / (float(answer.std()) + FAINT)


def _coded(image: Image.Image) -> _Floats:
    return greys(image).astype(np.float64)


def _luminance(image: Image.Image) -> _Floats:
    """Greys in linear light, 0 to 255; (height, width)."""
    light = _LINEAR[np.asarray(image.convert("RGB"))]
    luminance: _Floats = light @ np.array(_BT709) * _WHITE
    return luminance


def _middle(image: Image.Image, scale: int) -> Image.Image:
    width, height = (min(side, WINDOW * scale) for side in image.size)
    left = (image.width - width) // (2 * scale) * scale
    top = (image.height - height) // (2 * scale) * scale
    return image.crop((left, top, left + width, top + height))


def _surroundings(grey: _Floats) -> _Floats:
    """A row for each neighbour and one of ones; a column for each pixel away from the border."""
    height, width = (side - 2 * REACH for side in grey.shape)
    shifted = [
        grey[row : row + height, column : column + width].ravel()
        for row in range(2 * REACH + 1)
        for column in range(2 * REACH + 1)
    ]
    return np.stack([*shifted, np.full(height * width, _WHITE)]) / _WHITE


def _filtered(around: _Floats, products: _Floats, wanted: _Floats) -> _Floats:
    """What the best weights make of the surroundings."""
    # A trace on the diagonal, so that a plain picture has weights, too.
    ridge = np.eye(len(products)) * (float(np.trace(products)) * 1e-12 + 1e-9)
    weights = np.linalg.solve(products + ridge, around @ wanted)
    made: _Floats = weights @ around
    return made


def _toned(filtered: _Floats, wanted: _Floats) -> _Floats:
    """What the best cubic curve makes of the filtered picture."""
    powers = np.stack([(filtered / _WHITE) ** power for power in range(_CUBIC + 1)])
    products = powers @ powers.T
    ridge = np.eye(len(products)) * 1e-9 * float(np.trace(products))
    curve = np.linalg.solve(products + ridge, powers @ wanted)
    made: _Floats = curve @ powers
    return made

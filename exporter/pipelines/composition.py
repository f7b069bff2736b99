"""Whether something is to be seen in a picture at all, whatever it may be.

Two numbers that noise and plain gradients have next to nothing of, and every picture of something
has plenty of, be it dark, foggy, flat or a few strokes on white paper.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exporter.pipelines.likeness import Pixels, bands

CELLS: Final = (48, 128)
"""Along the longer side, where structure is looked for: that of a scene, and that of a pattern."""
DOTS: Final = 128
"""Along the longer side, where edges are looked for."""
ROUNDING: Final = 0.4
"""Levels of 255; what deviates less from a smooth surface is the rounding of its levels."""

_ENOUGH: Final = 512
"""Pixels along the longer side; what is larger is first shrunk in whole levels."""
_DEGREE: Final = 4
_SHARPEST: Final = 0.99
_STEP: Final = 1.0
"""Levels of 255: a slow gradient in whole levels is a staircase of such steps."""
_FAINT: Final = 8.0
"""Levels of 255: contrast below this is not taken for contrast, or rounding would be edges."""


def structure(image: Image.Image) -> float:
    """How much neighbouring parts of a picture have to do with each other: 0 in noise, up to 1.

    The picture is shrunk to 48 cells along its longer side, and the smooth surface that fits it
    best (a polynomial of degree 4 in both coordinates, by least squares) is taken away; the rest's
    autocorrelation at a lag of one cell, sum(x[i] x[i+1]) / sqrt(sum(x[i]^2) sum(x[i+1]^2)) over
    all colours, across or down, whichever is higher. The same with 128 cells, where a pattern that
    repeats itself is still seen; the higher one counts. 0 if nothing is left but rounding.
    """
    near = _near(image)
    return max(_structure(near, cells) for cells in CELLS)


def edges(image: Image.Image) -> float:
    """How sharp the sharpest parts of a picture are for its contrast: near 0 in a gradient.

    The picture is shrunk to 128 dots along its longer side; of the second differences
    |x[i-1] - 2 x[i] + x[i+1]| across and down, the one that 99 % stay below, less the one level
    that rounding may make, divided by the standard deviation of all dots and 8 levels. The colour
    with the most counts.
    """
    near = _near(image)
    return max(_edges(band) for band in bands(near, _within(near.size, DOTS)))


def _near(image: Image.Image) -> Image.Image:
    """Not much larger than it is looked at: shrinking all at once in floats takes seconds."""
    return image.reduce(max(1, min(max(image.size) // _ENOUGH, *image.size)))


def _structure(image: Image.Image, cells: int) -> float:
    rest = [_unexplained(band) for band in bands(image, _within(image.size, cells))]
    if max(float(np.sqrt(np.mean(band**2))) for band in rest) < ROUNDING:
        return 0.0
    across = _correlation([(band[:, 1:], band[:, :-1]) for band in rest])
    down = _correlation([(band[1:], band[:-1]) for band in rest])
    return max(across, down)


def _edges(band: Pixels) -> float:
    across = np.abs(band[:, 2:] - 2 * band[:, 1:-1] + band[:, :-2])
    down = np.abs(band[2:] - 2 * band[1:-1] + band[:-2])
    bends = np.concatenate([across.ravel(), down.ravel()])
    if not bends.size:
        return 0.0
    sharpest = max(0.0, float(np.quantile(bends, _SHARPEST)) - _STEP)
    return sharpest / (float(band.std()) + _FAINT)


def _unexplained(band: Pixels) -> Pixels:
    """What of a band is no smooth surface: it less its part in each of the surface's terms."""
    down, across = (_orthogonal(length) for length in band.shape)
    rest = band.astype(np.float64)
    for row, tall in enumerate(down):
        for wide in across[: _DEGREE + 1 - row]:
            # Sums, and no matrices: those would want memory of their own in a bounded process.
            term = tall[:, None] * wide[None, :]
            rest -= np.sum(rest * term) * term
    return rest.astype(np.float32)


def _orthogonal(length: int) -> list[NDArray[np.float64]]:
    """Polynomials of rising degree over so many places, orthonormal (Gram and Schmidt)."""
    places = np.linspace(-1, 1, length, dtype=np.float64)
    terms: list[NDArray[np.float64]] = []
    for degree in range(min(_DEGREE + 1, length)):
        term = places**degree
        for _ in range(2):  # the second time for what rounding left
            for earlier in terms:
                term = term - np.sum(term * earlier) * earlier
        terms.append(term / math.sqrt(float(np.sum(term**2))))
    return terms


def _correlation(pairs: list[tuple[Pixels, Pixels]]) -> float:
    both = sum(float(np.sum(one * other)) for one, other in pairs)
    first = sum(float(np.sum(one**2)) for one, _ in pairs)
    second = sum(float(np.sum(other**2)) for _, other in pairs)
    scale = math.sqrt(first * second)
    return both / scale if scale > 0 else 0.0


def _within(size: tuple[int, int], longest: int) -> tuple[int, int]:
    shrink = max(1.0, max(size) / longest)
    return max(1, round(size[0] / shrink)), max(1, round(size[1] / shrink))

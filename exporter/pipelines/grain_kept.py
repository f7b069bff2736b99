"""Whether a picture still has the grain that another one was strewn with."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exporter.pipelines.likeness import greys, pearson

FLAT: Final = 3.0
"""Levels of 255; where the drawing itself has less fine detail, what is fine is grain."""
_WIDEST: Final = 3.0
"""Fine detail counts up to so many times its median, lest a few edges outweigh the rest."""

_Floats = NDArray[np.float64]


def grain_kept(clean: Image.Image, sent: Image.Image, image: Image.Image) -> float:
    """Correlation of an image's fine detail with the grain of `sent`, `clean` being without it.

    Fine is what differs between the means over 3x3 and over 7x7 pixels, in greys: waves of some
    3 to 8 pixels, which recoding and a slight blur leave. Only places are compared where the clean
    drawing has nothing that fine. 1 for a copy and 0 for a picture made anew; the sign is left
    out, for a negative is a copy, too. 0 where nothing fine is to be found.
    """
    drawn = greys(clean)
    flat = np.abs(_fine(drawn)) < FLAT
    grain = _fine(greys(sent) - drawn)[flat]
    found = _fine(greys(image))[flat]
    if not found.size:
        return 0.0
    bound = _WIDEST * float(np.median(np.abs(found)))
    score = pearson(np.clip(found, -bound, bound), grain)
    return 0.0 if score is None else abs(score)


def _fine(pixels: NDArray[np.float32]) -> _Floats:
    values = pixels.astype(np.float64)
    return _mean(values, 1) - _mean(values, 3)


def _mean(values: _Floats, reach: int) -> _Floats:
    """The mean of the square of pixels up to `reach` away, by running sums."""
    side = 2 * reach + 1
    sums = np.pad(np.pad(values, reach, mode="edge").cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    square = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    mean: _Floats = square / side**2
    return mean

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


def novelty(sent: Image.Image, answer: Image.Image, scale: int = 1) -> float | None:
    """The share of the answer's contrast that no linear filter of the sent picture accounts for.

    Nearest, bilinear, bicubic and Lanczos interpolation, blur, sharpening, more or less brightness
    and contrast all make a pixel a weighted sum of its surroundings, with the same weights for
    all pixels in the same place among the `scale` x `scale` that one becomes. The best weights for
    49 surrounding pixels and a constant are found by least squares for each place; what is left,
    as a root mean square, is divided by the answer's standard deviation: 0 for a filter, 1 for
    something else altogether. Greys only. `None` unless the answer is `scale` times as large.
    """
    width, height = sent.size
    if answer.size != (width * scale, height * scale) or min(sent.size) <= 2 * REACH:
        return None
    sent, answer = _middle(sent, 1), _middle(answer, scale)
    width, height = sent.size
    around = _surroundings(greys(sent))
    products = around @ around.T
    pixels = greys(answer).astype(np.float64)
    left = 0.0
    inner = slice(REACH, -REACH)
    for row in range(scale):
        for column in range(scale):
            place = pixels[row::scale, column::scale][inner, inner].ravel()
            left += _residual(around, products, place)
    spread = float(pixels.std()) + FAINT
    count = (width - 2 * REACH) * (height - 2 * REACH) * scale**2
    return float(np.sqrt(left / count)) / spread


def _middle(image: Image.Image, scale: int) -> Image.Image:
    width, height = (min(side, WINDOW * scale) for side in image.size)
    left = (image.width - width) // (2 * scale) * scale
    top = (image.height - height) // (2 * scale) * scale
    return image.crop((left, top, left + width, top + height))


def _surroundings(grey: NDArray[np.float32]) -> NDArray[np.float64]:
    """A row for each neighbour and one of ones; a column for each pixel away from the border."""
    height, width = (side - 2 * REACH for side in grey.shape)
    shifted = [
        grey[row : row + height, column : column + width].ravel()
        for row in range(2 * REACH + 1)
        for column in range(2 * REACH + 1)
    ]
    return np.stack([*shifted, np.full(height * width, 255.0)]).astype(np.float64) / 255


def _residual(
    around: NDArray[np.float64], products: NDArray[np.float64], wanted: NDArray[np.float64]
) -> float:
    """The sum of squares that the best weights leave."""
    # A trace on the diagonal, so that a plain picture has weights, too.
    ridge = np.eye(len(products)) * (float(np.trace(products)) * 1e-12 + 1e-9)
    weights = np.linalg.solve(products + ridge, around @ wanted)
    rest = wanted - weights @ around
    return float(rest @ rest)

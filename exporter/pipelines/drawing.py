"""Pictures drawn for a job: no two alike, and full of what a proof looks for.

A patchwork of shaded fields, each of its own colour, with shapes, hatchings and strokes of every
size upon it. Neighbouring fields have nothing to do with each other, so that two drawings have
nothing in common either: what they share by chance stays small at every scale.
"""

import io
import math
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_FINER: Final = 2
"""Drawn so many times larger and then shrunk: edges are smooth, as those of a photograph."""
_SIDE: Final = 10
"""Fields along the shorter side."""
_SHAPES: Final = 90
_STROKES: Final = 60
_DOTS: Final = 140

GRAIN: Final = 14.0
"""Levels of 255: seen on flat surfaces, and no hindrance to seeing what is drawn."""

_Colour = tuple[int, int, int]
_Size = tuple[int, int]


def scene(rng: Random, width: int, height: int) -> Image.Image:
    """Draw an RGB picture; the same state of `rng` gives the same one.

    Takes some 60 ms for 512x512; the time goes with the pixels.
    """
    size = (width * _FINER, height * _FINER)
    image = _fields(rng, size)
    draw = ImageDraw.Draw(image)
    reach = min(size)
    for _ in range(_SHAPES):
        _shape(rng, draw, _place(rng, size), rng.uniform(0.012, 0.09) * reach)
    for _ in range(_STROKES):
        _stroke(rng, draw, _place(rng, size), reach)
    for _ in range(_DOTS):
        x, y = _place(rng, size)
        radius = rng.uniform(0.003, 0.014) * reach
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_colour(rng))
    return image.reduce(_FINER)


def grained_scene(seed: int, width: int, height: int) -> tuple[Image.Image, Image.Image]:
    """A scene without a grain, and the same strewn with it; all follows from the seed."""
    rng = Random(seed)  # noqa: S311 - the seed is drawn from the system's randomness
    clean = scene(rng, width, height)
    return clean, grained(clean, grain(rng, width, height))


def png(image: Image.Image) -> bytes:
    """The picture as a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=3)
    return file.getvalue()


def grained(image: Image.Image, grain: NDArray[np.float32], levels: float = GRAIN) -> Image.Image:
    """The picture strewn with grain: so many levels of 255 on the average, all colours alike."""
    pixels = np.asarray(image.convert("RGB"), dtype=np.float32) + levels * grain[..., None]
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def grain(rng: Random, width: int, height: int) -> NDArray[np.float32]:
    """White noise of mean 0 and deviation 1, one number a pixel (rows first)."""
    generator = np.random.default_rng(rng.getrandbits(63))
    return generator.standard_normal((height, width), dtype=np.float32)


def _fields(rng: Random, size: _Size) -> Image.Image:
    """Tiles in rows that are shifted against each other, each with a shade from side to side."""
    width, height = size
    side = min(size) / _SIDE
    image = Image.new("RGB", size, _colour(rng))
    draw = ImageDraw.Draw(image)
    top = -rng.random() * side
    while top < height:
        tall = side * rng.uniform(0.7, 1.3)
        left = -rng.random() * side
        while left < width:
            wide = side * rng.uniform(0.7, 1.5)
            lean = rng.uniform(-0.25, 0.25) * side
            corners = [
                (left + lean, top),
                (left + wide + lean, top),
                (left + wide - lean, top + tall),
                (left - lean, top + tall),
            ]
            draw.polygon(corners, fill=_colour(rng))
            left += wide
        top += tall
    shade = Image.frombytes("L", (7, 7), rng.randbytes(49)).resize(size, Image.Resampling.BICUBIC)
    return Image.blend(image, Image.merge("RGB", (shade,) * 3), 0.12)


def _shape(rng: Random, draw: ImageDraw.ImageDraw, at: tuple[float, float], reach: float) -> None:
    x, y = at
    tall = reach * rng.uniform(0.5, 1.5)
    box = (x - reach, y - tall, x + reach, y + tall)
    kind = rng.randrange(5)
    if kind == 0:
        draw.ellipse(box, fill=_colour(rng))
    elif kind == 1:
        draw.ellipse(box, outline=_colour(rng), width=max(2, round(reach * rng.uniform(0.1, 0.4))))
    elif kind == 2:  # noqa: PLR2004 - the third kind
        draw.polygon(_corners(rng, at, reach), fill=_colour(rng))
    elif kind == 3:  # noqa: PLR2004 - the fourth kind
        draw.rectangle(box, fill=_colour(rng), outline=_colour(rng), width=max(1, int(reach / 8)))
    else:
        _hatching(rng, draw, at, reach)


def _corners(rng: Random, at: tuple[float, float], reach: float) -> list[tuple[float, float]]:
    count = rng.randint(3, 9)
    turn = rng.random() * math.tau
    corners = []
    for number in range(count):
        angle = turn + math.tau * number / count
        far = reach * rng.uniform(0.5, 1.4)
        corners.append((at[0] + far * math.cos(angle), at[1] + far * math.sin(angle)))
    return corners


def _hatching(
    rng: Random, draw: ImageDraw.ImageDraw, at: tuple[float, float], reach: float
) -> None:
    angle = rng.random() * math.tau
    along = (math.cos(angle), math.sin(angle))
    count = rng.randint(4, 9)
    step = 2 * reach / count
    colour = _colour(rng)
    for number in range(count):
        off = -reach + step * (number + 0.5)
        x, y = at[0] - along[1] * off, at[1] + along[0] * off
        ends = (
            x - along[0] * reach,
            y - along[1] * reach,
            x + along[0] * reach,
            y + along[1] * reach,
        )
        draw.line(ends, fill=colour, width=max(1, round(step / 2)))


def _stroke(rng: Random, draw: ImageDraw.ImageDraw, at: tuple[float, float], reach: float) -> None:
    x, y = at
    angle = rng.random() * math.tau
    points = [at]
    for _ in range(rng.randint(2, 8)):
        angle += rng.uniform(-0.9, 0.9)
        x += math.cos(angle) * reach * 0.03
        y += math.sin(angle) * reach * 0.03
        points.append((x, y))
    draw.line(points, fill=_colour(rng), width=max(1, round(reach * rng.uniform(0.004, 0.012))))


def _place(rng: Random, size: _Size) -> tuple[float, float]:
    return rng.random() * size[0], rng.random() * size[1]


def _colour(rng: Random) -> _Colour:
    red, green, blue = rng.randbytes(3)
    return red, green, blue

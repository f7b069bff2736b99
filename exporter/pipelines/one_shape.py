"""Pictures with one shape on a ground that is clearly another, and a point on the shape.

The shape is none that can be told from the point alone: no disc and no upright box around the
point comes near it, whatever its size.
"""

import math
from random import Random
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from exporter.pipelines.masks import Mask

_Point = tuple[float, float]
_Floats = NDArray[np.float32]

GUESSED: Final = 0.5
"""The highest overlap that a disc or an upright box around the point may have with the shape."""

_FINER: Final = 4
_COARSE: Final = 128
"""Pixels of the side at which guesses are tried."""
_REACH: Final = (0.22, 0.42)
"""From the shape's centre to its farthest corner, as a share of the picture's side."""
_MARGIN: Final = 0.04
_AREA: Final = (0.06, 0.18)
_THICK: Final = 0.042
"""Area by perimeter at least: a mask that is too small by 0.01 all around still has three quarters
of the shape."""
_CLEAR: Final = 0.035
"""How far the point is from the outline at least; the model takes points as small spots."""
_TRIES: Final = 400
_POINTS: Final = 12
_STEPS: Final = 64
"""Corners that make a curve."""
_APART: Final = 130.0
"""Distance of the two colours, in steps of a channel."""
_TEXTURE: Final = 10.0
_GRAIN: Final = 4.0


class Shape(msgspec.Struct, frozen=True):
    """An outline and a point well within it; all in shares of the picture's side."""

    corners: tuple[_Point, ...]
    point: _Point


def shape(rng: Random) -> Shape:
    """Draw a shape and its point."""
    for _ in range(_TRIES):
        corners = _placed(rng, rng.choice(_FORMS)(rng))
        inside = _filled(corners, _COARSE, _COARSE)
        area = float(inside.mean())
        if not _AREA[0] < area < _AREA[1] or area < _THICK * _perimeter(corners):
            continue
        for _ in range(_POINTS):
            point = _somewhere(rng, inside)
            if _clearance(point, corners) > _CLEAR and guessed(inside, point) < GUESSED:
                return Shape(corners, point)
    raise RuntimeError("no shape could be drawn")


def mask(drawn: Shape, width: int, height: int) -> Mask:
    """The pixels of a picture of that size that belong to the shape."""
    return _filled(drawn.corners, width, height)


def pixel(drawn: Shape, size: int) -> tuple[int, int]:
    """The point as a pixel: column and row."""
    right, down = drawn.point
    return min(size - 1, int(right * size)), min(size - 1, int(down * size))


def picture(rng: Random, drawn: Shape, size: int) -> Image.Image:
    """Draw it, RGB; both colours, their shades and the texture are drawn from `rng`."""
    colour, ground = _colours(rng)
    generator = np.random.default_rng(rng.getrandbits(63))
    inside = np.asarray(_drawn(drawn.corners, size, size), np.float32)[..., None] / 255
    pixels = inside * _shaded(generator, colour, size, 0.5)
    pixels += (1 - inside) * _shaded(generator, ground, size, 1.0)
    pixels += _GRAIN * generator.standard_normal((size, size, 1), dtype=np.float32)
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def guessed(inside: Mask, point: _Point) -> float:
    """The best overlap that a disc or an upright box around the point has with the shape.

    All radii, widths and heights are tried.
    """
    size = len(inside)
    right, down = (min(size - 1, int(place * size)) for place in point)
    columns = np.abs(np.arange(size) - right)
    rows = np.abs(np.arange(size) - down)
    return max(_disc(inside, columns, rows), _box(inside, columns, rows))


def _disc(inside: Mask, columns: NDArray[np.int_], rows: NDArray[np.int_]) -> float:
    squares = (rows[:, None] ** 2 + columns[None, :] ** 2).ravel()
    most = int(squares.max()) + 1
    return _best(
        np.cumsum(np.bincount(squares[inside.ravel()], minlength=most)),
        np.cumsum(np.bincount(squares, minlength=most)),
    )


def _box(inside: Mask, columns: NDArray[np.int_], rows: NDArray[np.int_]) -> float:
    size = len(inside)
    places = (rows[:, None] * size + columns[None, :]).ravel()

    def within(of: NDArray[np.int_]) -> NDArray[np.int_]:
        counts = np.bincount(of, minlength=size * size).reshape(size, size)
        return counts.cumsum(axis=0).cumsum(axis=1)

    return _best(within(places[inside.ravel()]), within(places))


def _best(common: NDArray[np.int_], guess: NDArray[np.int_]) -> float:
    """The highest overlap, of so many pixels in common with guesses of so many pixels."""
    return float((common / (int(common.max()) + guess - common)).max())


def _filled(corners: tuple[_Point, ...], width: int, height: int) -> Mask:
    half = 128
    whole: Mask = np.asarray(_drawn(corners, width, height)) >= half
    return whole


def _drawn(corners: tuple[_Point, ...], width: int, height: int) -> Image.Image:
    """How much of each pixel lies within, 0 to 255."""
    size = (width * _FINER, height * _FINER)
    image = Image.new("L", size)
    ImageDraw.Draw(image).polygon([(x * size[0], y * size[1]) for x, y in corners], fill=255)
    return image.reduce(_FINER)


def _placed(rng: Random, outline: list[_Point]) -> tuple[_Point, ...]:
    """Turn an outline by any angle, and put it somewhere in the picture in some size."""
    angle = rng.random() * math.tau
    far = max(math.hypot(x, y) for x, y in outline)
    reach = rng.uniform(*_REACH) / far
    cosine, sine = math.cos(angle) * reach, math.sin(angle) * reach
    turned = [(x * cosine - y * sine, x * sine + y * cosine) for x, y in outline]
    place = []
    for axis in (0, 1):
        least, most = min(at[axis] for at in turned), max(at[axis] for at in turned)
        place.append(rng.uniform(_MARGIN - least, 1 - _MARGIN - most))
    return tuple((x + place[0], y + place[1]) for x, y in turned)


def _somewhere(rng: Random, inside: Mask) -> _Point:
    row, column = divmod(int(rng.choice(np.flatnonzero(inside))), len(inside))
    return (column + 0.5) / len(inside), (row + 0.5) / len(inside)


def _clearance(point: _Point, corners: tuple[_Point, ...]) -> float:
    """How far a point is from the nearest side of an outline."""
    start = np.array(corners)
    along = np.roll(start, -1, axis=0) - start
    way = np.array(point) - start
    share = np.clip((way * along).sum(axis=1) / (along**2).sum(axis=1), 0, 1)
    return float(np.hypot(*(way - share[:, None] * along).T).min())


def _perimeter(corners: tuple[_Point, ...]) -> float:
    start = np.array(corners)
    return float(np.hypot(*(np.roll(start, -1, axis=0) - start).T).sum())


def _colours(rng: Random) -> tuple[_Floats, _Floats]:
    while True:
        first, second = (
            np.array([rng.uniform(25, 230) for _ in range(3)], np.float32) for _ in range(2)
        )
        if np.linalg.norm(first - second) > _APART:
            return first, second


def _shaded(generator: np.random.Generator, colour: _Floats, size: int, strength: float) -> _Floats:
    """The colour, lighter to one side and uneven all over; (size, size, 3)."""
    coarse = generator.uniform(-1, 1, (9, 9)).astype(np.float32)
    uneven = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
    angle = generator.uniform(0, math.tau)
    across = np.linspace(-1, 1, size, dtype=np.float32)
    lean = math.cos(angle) * across[None, :] + math.sin(angle) * across[:, None]
    light = _TEXTURE * strength * (np.asarray(uneven) + lean)
    return colour + light[..., None].astype(np.float32)


def _triangle(rng: Random) -> list[_Point]:
    return _around(rng, [rng.uniform(0.6, 1.0) for _ in range(3)], uneven=0.25)


def _star(rng: Random) -> list[_Point]:
    deep = rng.uniform(0.35, 0.55)
    far = [length for _ in range(rng.randint(3, 6)) for length in (rng.uniform(0.75, 1), deep)]
    return _around(rng, far, uneven=0.1)


def _ragged(rng: Random) -> list[_Point]:
    return _around(rng, [rng.uniform(0.4, 1.0) for _ in range(rng.randint(5, 9))], uneven=0.3)


def _ellipse(rng: Random) -> list[_Point]:
    flat = rng.uniform(0.35, 0.6)
    angles = [math.tau * step / _STEPS for step in range(_STEPS)]
    return [(math.cos(at), flat * math.sin(at)) for at in angles]


def _crescent(rng: Random) -> list[_Point]:
    """The half of a ring, with blunt ends."""
    inner = rng.uniform(0.3, 0.5)
    reach = rng.uniform(0.4, 0.65) * math.pi
    angles = [reach * (2 * step / _STEPS - 1) for step in range(_STEPS + 1)]
    outside = [(math.cos(at), math.sin(at)) for at in angles]
    return [*outside, *((inner * x, inner * y) for x, y in reversed(outside))]


def _corner(rng: Random) -> list[_Point]:
    """Two bars that meet at their ends."""
    across, down = rng.uniform(0.35, 0.5), rng.uniform(0.35, 0.5)
    long, tall = rng.uniform(0.8, 1.4), rng.uniform(0.8, 1.4)
    outline = [(0, 0), (long, 0), (long, down), (across, down), (across, tall), (0, tall)]
    return [(x - long / 3, y - tall / 3) for x, y in outline]


def _around(rng: Random, far: list[float], uneven: float) -> list[_Point]:
    """Corners so far from the middle, in turn; the angles between them are uneven by a share."""
    points = []
    for number, length in enumerate(far):
        angle = math.tau * (number + rng.uniform(-uneven, uneven)) / len(far)
        points.append((math.cos(angle) * length, math.sin(angle) * length))
    return points


_FORMS: Final = (_triangle, _star, _ragged, _ellipse, _crescent, _corner)

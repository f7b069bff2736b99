"""Cutting an object out of a picture: what hangs together with a point and looks like it.

As the real model does, it works on a grid of 256x256, whatever the picture's size, and gives for
each place of it how sure it is; what is above 0 is the object.
"""

import math
from random import Random
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from exporter.simulation.craft.painting import Floats, as_floats, sent
from exporter.simulation.craft.product import BadInput
from exporter.simulation.workload import Job

Mask = NDArray[np.bool_]

GRID: Final = 256
SURE: Final = 16.0
"""What the model says of a place that it has no doubt of."""
_SPOT: Final = 2
"""How far around the point its colour is looked at."""


def point_of(job: Job, image: Image.Image) -> tuple[float, float]:
    """The point that was asked for, in shares of width and height; raises `BadInput`."""
    try:
        points = msgspec.json.decode(
            str(job.fields.get("point_coords") or ""), type=list[tuple[float, float]]
        )
        labels = msgspec.json.decode(str(job.fields.get("point_labels") or ""), type=list[int])
    except msgspec.DecodeError as error:
        raise BadInput(f"Error parsing JSON for points: {error}") from None
    if len(points) != 1 or labels != [1]:
        raise BadInput("one point with the label 1 is what can be done here")
    right, down = points[0][0] / image.width, points[0][1] / image.height
    if not (0 <= right < 1 and 0 <= down < 1):
        raise BadInput("the point is not on the picture")
    return right, down


def cut(job: Job) -> Floats:
    """How surely each place of the grid belongs to the object at the point; raises `BadInput`."""
    image = sent(job)
    right, down = point_of(job, image)
    small = image.resize((GRID, GRID), Image.Resampling.BILINEAR).filter(
        ImageFilter.MedianFilter(3)
    )
    pixels = as_floats(small)
    column, row = int(right * GRID), int(down * GRID)
    spot = pixels[
        max(0, row - _SPOT) : row + _SPOT + 1, max(0, column - _SPOT) : column + _SPOT + 1
    ]
    colour = np.median(spot.reshape(-1, 3), axis=0)
    edge = np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    ground = np.median(edge, axis=0)
    near = np.linalg.norm(pixels - colour, axis=2)
    far = np.linalg.norm(pixels - ground, axis=2)
    like = (far - near) / max(1.0, float(np.linalg.norm(ground - colour)))
    whole = hanging_together(like > 0, (column, row))
    sure = SURE * np.where(grown(whole, 1), np.clip(like, -1, 1), -1)
    return sure.astype(np.float32)


def hanging_together(allowed: Mask, at: tuple[int, int]) -> Mask:
    """What can be reached from a place (column, row) by steps to a side, without leaving."""
    column, row = at
    reached = np.zeros_like(allowed)
    reached[row, column] = True
    front = -1
    while (count := int(np.count_nonzero(reached))) != front:
        front = count
        for _ in range(8):
            reached = _spread(reached) & allowed
            reached[row, column] = True
    return reached


def grown(mask: Mask, steps: int) -> Mask:
    """The mask, larger by so many places on every side; smaller for less than 0."""
    picture = Image.fromarray(mask.astype(np.uint8))
    size = 2 * abs(steps) + 1
    of = ImageFilter.MaxFilter(size) if steps > 0 else ImageFilter.MinFilter(size)
    return np.asarray(picture.filter(of)) > 0


def enlarged(sure: Floats, width: int, height: int) -> Mask:
    """The mask in the picture's size, of what is known at each place of the grid."""
    whole = Image.fromarray(sure).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(whole) > 0


def decided(mask: Mask) -> Floats:
    """As if there were no doubt at all."""
    return np.where(mask, SURE, -SURE).astype(np.float32)


def clouds(rng: Random, cells: int) -> Floats:
    """Smooth noise between -1 and 1 on the grid."""
    coarse = np.frombuffer(rng.randbytes(cells * cells), np.uint8).reshape(cells, cells)
    image = Image.fromarray(coarse.astype(np.float32) / 127.5 - 1)
    return np.asarray(image.resize((GRID, GRID), Image.Resampling.BICUBIC))


def distances(at: tuple[float, float]) -> Floats:
    """How far each place of the grid is from a point, in shares of the side."""
    places = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID
    rows = (places - at[1])[:, None] ** 2
    return np.sqrt(rows + (places - at[0])[None, :] ** 2).astype(np.float32)


def disc(at: tuple[float, float], area: float) -> Mask:
    """A disc of that area, in shares of the picture."""
    within: Mask = distances(at) < math.sqrt(area / math.pi)
    return within


def _spread(mask: Mask) -> Mask:
    wider = mask.copy()
    wider[1:] |= mask[:-1]
    wider[:-1] |= mask[1:]
    wider[:, 1:] |= mask[:, :-1]
    wider[:, :-1] |= mask[:, 1:]
    return wider

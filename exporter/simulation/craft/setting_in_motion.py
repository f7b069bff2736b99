"""Small means by which a still picture is set in motion, as models of films do it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
from PIL import Image

from exporter.simulation.craft.painting import as_floats, as_image, recalled, texture

_NODES: Final = (8, 5)
"""Places across and down that are moved; all between follows."""
_Size = tuple[int, int]
_Corners = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Camera:
    """How far the whole picture moves from the first frame to the last."""

    pan: tuple[float, float]
    """Pixels, across and down."""
    zoom: float
    """1 to stay as far away."""


def a_camera(rng: Random, image: Image.Image, reach: float) -> Camera:
    """A slow move in any direction, over so many of the picture's shorter sides."""
    angle = rng.random() * math.tau
    far = reach * min(image.size)
    pan = (far * math.cos(angle), far * math.sin(angle))
    return Camera(pan=pan, zoom=1 + rng.uniform(-0.5, 1) * reach)


def moving(
    image: Image.Image,
    rng: Random,
    *,
    frames: int,
    camera: Camera,
    sway: float,
    flicker: float,
    latent: int = 2,
) -> Iterator[Image.Image]:
    """Frames of a film that begins with the picture, each as it comes out of an autoencoder.

    `sway` is how many pixels parts of the picture wander by themselves, and `flicker` how many
    levels of 255 the frames differ where nothing moves; `latent` is what the autoencoder keeps.
    """
    ways = [
        (rng.uniform(0.3, 1.0), rng.random() * math.tau, rng.uniform(-sway, sway))
        for _ in range(2 * (_NODES[0] + 1) * (_NODES[1] + 1))
    ]
    start, end = texture(rng, image.size, 24), texture(rng, image.size, 24)
    for number in range(frames):
        share = number / max(1, frames - 1)
        moved = _warped(image, camera, share, ways)
        shine = start * math.cos(share * math.pi / 2) + end * math.sin(share * math.pi / 2)
        fresh = texture(rng, image.size, 64) * 0.5
        yield recalled(as_image(as_floats(moved) + flicker * (shine + fresh)), latent)


def shifted(image: Image.Image, camera: Camera, share: float) -> Image.Image:
    """The picture itself, as a camera sees it after a share of its way."""
    return _warped(image, camera, share, [(0.0, 0.0, 0.0)] * 2 * (_NODES[0] + 1) * (_NODES[1] + 1))


def _warped(
    image: Image.Image, camera: Camera, share: float, ways: list[tuple[float, float, float]]
) -> Image.Image:
    """The picture with its nodes moved; what lies beyond its edges is mirrored."""
    margin = max(image.size) // 2
    pixels = np.asarray(image)
    around = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    across, down = _NODES
    # Whole pixels, so that what does not move stays as it is.
    columns = [round(image.width * at / across) for at in range(across + 1)]
    rows = [round(image.height * at / down) for at in range(down + 1)]
    mesh: list[tuple[tuple[int, int, int, int], _Corners]] = []

    def source(column: int, row: int) -> tuple[float, float]:
        node = 2 * (row * (across + 1) + column)
        x, y = float(columns[column]), float(rows[row])
        near = 1 / (1 + (camera.zoom - 1) * share)
        x = (x - image.width / 2) * near + image.width / 2 + camera.pan[0] * share
        y = (y - image.height / 2) * near + image.height / 2 + camera.pan[1] * share
        return x + _wandered(ways[node], share) + margin, y + _wandered(ways[node + 1], share) + (
            margin
        )

    for row in range(down):
        for column in range(across):
            box = (columns[column], rows[row], columns[column + 1], rows[row + 1])
            corners = (
                *source(column, row),
                *source(column, row + 1),
                *source(column + 1, row + 1),
                *source(column + 1, row),
            )
            mesh.append((box, corners))
    return Image.fromarray(around).transform(
        image.size, Image.Transform.MESH, mesh, Image.Resampling.BICUBIC
    )


def _wandered(way: tuple[float, float, float], share: float) -> float:
    """How far a place has gone: nowhere at first, and there and back."""
    turns, phase, reach = way
    return reach * (math.sin(math.tau * turns * share + phase) - math.sin(phase))

"""`image-to-image`: the picture painted anew from its blocks, and lies about that."""

from collections.abc import Callable
from random import Random
from typing import Final

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from exporter.model import Outcome
from exporter.simulation.craft.painting import (
    Floats,
    as_floats,
    as_image,
    delivered,
    encoded,
    noise,
    png,
    recalled,
    sent,
    texture,
)
from exporter.simulation.craft.product import Craft, Lie, Maker, Product
from exporter.simulation.pictures import picture
from exporter.simulation.workload import Job

_LATENT: Final = 2
_Painter = Callable[[Image.Image, Random], Image.Image]


def restyled(image: Image.Image, rng: Random) -> Image.Image:
    """In flat strokes, a little paler, with the structure of a paper."""
    flat = recalled(image, _LATENT).filter(ImageFilter.ModeFilter(rng.choice((7, 9, 11))))
    paper = texture(rng, image.size, rng.randint(60, 140)) * rng.uniform(5, 14)
    return _painted(as_floats(flat) * rng.uniform(0.6, 0.9) + rng.uniform(10, 50) + paper)


def hardly_changed(image: Image.Image, _rng: Random) -> Image.Image:
    """As instruct-pix2pix gives back what it was not told to change: through its autoencoder."""
    return recalled(image, _LATENT)


def repainted(image: Image.Image, rng: Random) -> Image.Image:
    """As with much `strength`: places and tones remain, and all else is new."""
    hints = image.filter(ImageFilter.GaussianBlur(image.width / 85))
    new = sum(
        texture(rng, image.size, cells) * levels
        for cells, levels in ((12, rng.uniform(15, 25)), (48, 18), (128, 12))
    )
    return _painted(as_floats(hints) * rng.uniform(0.45, 0.6) + 55 + new)


def other_colours(image: Image.Image, rng: Random) -> Image.Image:
    """Every colour another one."""
    mix = np.asarray([[rng.uniform(0, 1) for _ in range(3)] for _ in range(3)], dtype=np.float32)
    mix /= mix.sum(axis=1, keepdims=True)
    mixed = as_floats(recalled(image, _LATENT)) @ mix.T
    return _painted((mixed - 128) * 1.3 + 128 + texture(rng, image.size, 90) * 6)


def in_black_and_white(image: Image.Image, rng: Random) -> Image.Image:
    """As a woodcut."""
    grey = ImageOps.grayscale(recalled(image, _LATENT)).filter(ImageFilter.ModeFilter(5))
    at = rng.randint(95, 140)
    cut = grey.point([0 if level < at else 235 for level in range(256)])
    return recalled(cut.convert("RGB"), _LATENT)


def at_night(image: Image.Image, rng: Random) -> Image.Image:
    """Dark and blue."""
    night = np.asarray([rng.uniform(0.2, 0.35), rng.uniform(0.25, 0.4), 0.6], dtype=np.float32)
    return _painted(as_floats(recalled(image, _LATENT)) * night + texture(rng, image.size, 70) * 3)


def _painted(pixels: Floats) -> Image.Image:
    return recalled(as_image(pixels), _LATENT)


def _by(painter: _Painter) -> Maker:
    def make(job: Job, rng: Random) -> Product:
        return delivered(job, painter(sent(job), rng), rng)

    return make


def _as_jpeg(job: Job, rng: Random) -> Product:
    return delivered(job, encoded(restyled(sent(job), rng), "JPEG", quality=88), rng)


def _unrelated(job: Job, rng: Random) -> Product:
    size = sent(job).size
    return delivered(job, picture("something else", rng.getrandbits(31), *size), rng)


def _other_scene(image: Image.Image, rng: Random) -> Image.Image:
    """The parts of the picture in another order: of all colours as much as there was."""
    pixels = as_floats(image)
    side = min(image.size) // 8
    rows, columns = image.height // side, image.width // side
    places = [(row, column) for row in range(rows) for column in range(columns)]
    mixed = pixels.copy()
    for (row, column), (top, left) in zip(places, rng.sample(places, len(places)), strict=True):
        part = pixels[top * side : (top + 1) * side, left * side : (left + 1) * side]
        mixed[row * side : (row + 1) * side, column * side : (column + 1) * side] = part
    return restyled(as_image(mixed), rng)


def _copied_as_jpeg(job: Job, rng: Random) -> Product:
    return delivered(job, encoded(sent(job), "JPEG", quality=rng.randint(60, 95)), rng)


def _garbage(job: Job, rng: Random) -> Product:
    whole = png(sent(job))
    return delivered(job, whole[:33] + rng.randbytes(len(whole) // 4), rng)


def _half_size(image: Image.Image, rng: Random) -> Image.Image:
    return restyled(image.resize((image.width // 2, image.height // 2)), rng)


_WRONG: Final = Outcome.WRONG_ANSWER
_INVALID: Final = Outcome.INVALID_ARTEFACT

CRAFT: Final = Craft(
    pipeline="image-to-image",
    honest={
        "restyled": _by(restyled),
        "hardly-changed": _by(hardly_changed),
        "repainted": _by(repainted),
        "other-colours": _by(other_colours),
        "black-and-white": _by(in_black_and_white),
        "at-night": _by(at_night),
        "as-jpeg": _as_jpeg,
    },
    lies={
        "blank": Lie(_by(lambda image, _: Image.new("RGB", image.size, (90, 80, 70))), _INVALID),
        "unrelated": Lie(_unrelated, _WRONG),
        "shuffled": Lie(_by(_other_scene), _WRONG),
        "noise": Lie(_by(lambda image, rng: noise(rng, image.size)), _WRONG),
        "mirrored": Lie(_by(lambda image, rng: restyled(ImageOps.mirror(image), rng)), _WRONG),
        "wrong-size": Lie(_by(_half_size), _INVALID),
        "garbage": Lie(_garbage, _INVALID),
        "copy": Lie(_by(lambda image, _: image), _WRONG),
        "copy-as-jpeg": Lie(_copied_as_jpeg, _WRONG),
        "copy-brighter": Lie(
            _by(lambda image, rng: ImageEnhance.Brightness(image).enhance(rng.uniform(0.7, 1.3))),
            _WRONG,
        ),
        "copy-grey": Lie(_by(lambda image, _: ImageOps.grayscale(image).convert("RGB")), _WRONG),
        "copy-negative": Lie(_by(lambda image, _: ImageOps.invert(image)), _WRONG),
        "copy-blurred": Lie(
            _by(lambda image, rng: image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2.5)))),
            _WRONG,
        ),
        "copy-of-few-colours": Lie(_by(lambda image, _: ImageOps.posterize(image, 3)), _WRONG),
    },
)

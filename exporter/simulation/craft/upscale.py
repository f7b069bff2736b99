"""`upscale`: larger with edges that are found anew, and lies about that."""

from collections.abc import Callable
from random import Random
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from exporter.model import Outcome
from exporter.simulation.craft.painting import (
    as_floats,
    as_image,
    delivered,
    encoded,
    noise,
    png,
    recalled,
    sent,
    sharpened,
    texture,
)
from exporter.simulation.craft.product import Craft, Lie, Maker, Product
from exporter.simulation.pictures import picture
from exporter.simulation.workload import Job

SCALE: Final = 4
_Upscaler = Callable[[Image.Image, Random], Image.Image]
_Filter = Image.Resampling


def larger(image: Image.Image, by: Image.Resampling = _Filter.BICUBIC) -> Image.Image:
    """Plainly interpolated."""
    return image.resize((image.width * SCALE, image.height * SCALE), by)


def crisp(image: Image.Image, rng: Random) -> Image.Image:
    """Edges as steep as the picture's own size allows: each dot is that of most around it."""
    return larger(image).filter(ImageFilter.ModeFilter(rng.choice((5, 7))))


def painted(image: Image.Image, rng: Random) -> Image.Image:
    """As a diffusion model does it: texture invented, a slight shift of colour, an autoencoder."""
    big = larger(image).filter(ImageFilter.MedianFilter(7))
    strewn = as_floats(big) + texture(rng, big.size, 128) * rng.uniform(3, 6)
    shift = np.asarray([rng.uniform(-8, 8) for _ in range(3)], dtype=np.float32)
    return recalled(as_image((strewn - 128) * rng.uniform(0.9, 1.05) + 128 + shift), 2)


def modest(image: Image.Image, _rng: Random) -> Image.Image:
    """Hardly more than interpolated: edges made a little steeper where they are steep already."""
    soft = as_floats(larger(image))
    low = as_floats(larger(image).filter(ImageFilter.MinFilter(5)))
    high = as_floats(larger(image).filter(ImageFilter.MaxFilter(5)))
    nearer = np.where(soft - low < high - soft, low, high)
    return as_image(0.5 * soft + 0.5 * nearer)


def _by(upscaler: _Upscaler) -> Maker:
    def make(job: Job, rng: Random) -> Product:
        return delivered(job, upscaler(sent(job), rng), rng)

    return make


def _plainly(by: Image.Resampling) -> Maker:
    return _by(lambda image, _rng: larger(image, by))


def _as_jpeg(job: Job, rng: Random) -> Product:
    return delivered(job, encoded(crisp(sent(job), rng), "JPEG", quality=90), rng)


def _plain_as_jpeg(job: Job, rng: Random) -> Product:
    return delivered(job, encoded(larger(sent(job)), "JPEG", quality=rng.randint(60, 95)), rng)


def _in_linear_light(image: Image.Image, _rng: Random) -> Image.Image:
    """Interpolated as careful programs do it, by the light that the levels stand for."""
    size = (image.width * SCALE, image.height * SCALE)
    bands = []
    for band in image.split():
        light = Image.fromarray((np.asarray(band, dtype=np.float32) / 255) ** _GAMMA)
        wide = np.asarray(light.resize(size, _Filter.BICUBIC))
        bands.append(np.clip(wide, 0, 1) ** (1 / _GAMMA) * 255)
    return as_image(np.stack(bands, axis=-1))


def _strewn(image: Image.Image, rng: Random) -> Image.Image:
    """Interpolated, with a little noise for detail."""
    wide = as_floats(larger(image))
    generator = np.random.default_rng(rng.getrandbits(63))
    return as_image(wide + generator.normal(0, 2, wide.shape).astype(np.float32))


def _unrelated(job: Job, rng: Random) -> Product:
    width, height = sent(job).size
    other = picture("something else", rng.getrandbits(31), width * SCALE, height * SCALE)
    return delivered(job, other, rng)


def _cut_out(image: Image.Image, rng: Random) -> Image.Image:
    """A part of the picture, which is larger and yet not all of it."""
    side = (image.width // 2, image.height // 2)
    left, top = rng.randint(0, side[0]), rng.randint(0, side[1])
    part = image.crop((left, top, left + side[0], top + side[1]))
    return crisp(part.resize(image.size, _Filter.BICUBIC), rng)


def _garbage(job: Job, rng: Random) -> Product:
    whole = png(larger(sent(job)))
    return delivered(job, whole[:33] + rng.randbytes(len(whole) // 4), rng)


def _twice(image: Image.Image, _rng: Random) -> Image.Image:
    middle = image.resize((image.width * 2, image.height * 2), _Filter.BICUBIC)
    return middle.resize((image.width * SCALE, image.height * SCALE), _Filter.BILINEAR)


_GAMMA: Final = 2.2
_WRONG: Final = Outcome.WRONG_ANSWER
_INVALID: Final = Outcome.INVALID_ARTEFACT

CRAFT: Final = Craft(
    pipeline="upscale",
    honest={
        "crisp": _by(crisp),
        "painted": _by(painted),
        "modest": _by(modest),
        "as-jpeg": _as_jpeg,
    },
    lies={
        "blank": Lie(
            _by(lambda image, _: larger(Image.new("RGB", image.size, (70, 80, 90)))), _INVALID
        ),
        "unrelated": Lie(_unrelated, _WRONG),
        "part": Lie(_by(_cut_out), _WRONG),
        "noise": Lie(_by(lambda image, rng: noise(rng, larger(image).size)), _WRONG),
        "not-larger": Lie(_by(lambda image, _: image), _INVALID),
        "twice-as-large": Lie(_by(lambda image, _: larger(image).reduce(2)), _INVALID),
        "garbage": Lie(_garbage, _INVALID),
        "nearest": Lie(_plainly(_Filter.NEAREST), _WRONG),
        "bilinear": Lie(_plainly(_Filter.BILINEAR), _WRONG),
        "bicubic": Lie(_plainly(_Filter.BICUBIC), _WRONG),
        "lanczos": Lie(_plainly(_Filter.LANCZOS), _WRONG),
        "hamming": Lie(_plainly(_Filter.HAMMING), _WRONG),
        "twice-interpolated": Lie(_by(_twice), _WRONG),
        "bicubic-as-jpeg": Lie(_plain_as_jpeg, _WRONG),
        "in-linear-light": Lie(_by(_in_linear_light), _WRONG),
        "strewn-with-noise": Lie(_by(_strewn), _WRONG),
        "smoothed": Lie(
            _by(lambda image, _: larger(image).filter(ImageFilter.MedianFilter(5))), _WRONG
        ),
        "bicubic-sharpened": Lie(_by(lambda image, _: sharpened(larger(image), 80)), _WRONG),
    },
)

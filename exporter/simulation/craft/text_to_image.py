"""`text-to-image`: pictures of many looks, drawn from prompt and seed, and lies about them.

What is painted follows from the prompt and the seed by chance only: nothing here can read.
"""

from collections.abc import Callable
from random import Random
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from exporter.model import Outcome
from exporter.simulation.craft.painting import (
    as_floats,
    as_image,
    delivered,
    encoded,
    noise,
    png,
    texture,
)
from exporter.simulation.craft.product import BadInput, Craft, Lie, Maker, Product
from exporter.simulation.pictures import picture
from exporter.simulation.workload import Job

_Size = tuple[int, int]
_Painter = Callable[[Random, _Size], Image.Image]
_SMALLEST, _LARGEST = 16, 2048


def scenery(rng: Random, size: _Size) -> Image.Image:
    """Sky, hills one behind the other, a few things: like a photograph."""
    width, height = size
    image = as_image(128 + rng.uniform(25, 45) * texture(rng, size, 3))
    draw = ImageDraw.Draw(image)
    for number in range(rng.randint(3, 6)):
        base = height * (0.4 + 0.12 * number)
        waves = [(rng.uniform(2, 11) / width, rng.uniform(0, 6.3)) for _ in range(3)]
        crest = [
            (x, base + height * 0.03 * sum(np.sin(often * x + at) for often, at in waves))
            for x in range(0, width + 8, 8)
        ]
        tone = rng.randint(20, 160)
        draw.polygon([*crest, (width, height), (0, height)], fill=(tone, tone + 20, tone // 2))
    return as_image(as_floats(image) + rng.uniform(4, 10) * texture(rng, size, 150))


def ink(rng: Random, size: _Size) -> Image.Image:
    """A few strokes on white paper."""
    image = Image.new("RGB", size, (250, 250, 248))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(6, 25)):
        points = [(rng.random() * size[0], rng.random() * size[1]) for _ in range(2)]
        for _ in range(3):
            x, y = points[-1]
            reach = size[0] * 0.08
            points.append((x + rng.uniform(-reach, reach), y + rng.uniform(-reach, reach)))
        draw.line(points, fill=(20, 20, 25), width=max(2, size[0] // 130), joint="curve")
    return image.filter(ImageFilter.GaussianBlur(0.7))


def at_night(rng: Random, size: _Size) -> Image.Image:
    """Dark, with a few lights."""
    image = as_image(14 + 4 * texture(rng, size, 6))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(8, 40)):
        x, y, reach = rng.random() * size[0], rng.random() * size[1], rng.uniform(0.006, 0.03)
        box = (x - reach * size[0], y - reach * size[0], x + reach * size[0], y + reach * size[0])
        draw.ellipse(box, fill=(rng.randint(120, 255), rng.randint(100, 220), 90))
    return as_image(as_floats(image.filter(ImageFilter.GaussianBlur(1))))


def pattern(rng: Random, size: _Size) -> Image.Image:
    """Fur, leaves, sand: fine texture everywhere, in larger lights and shades."""
    fine = 30 * texture(rng, size, rng.randint(40, 90)) + 12 * texture(rng, size, 128)
    return as_image(120 + fine * rng.uniform(0.7, 1) + 14 * texture(rng, size, 7))


def in_fog(rng: Random, size: _Size) -> Image.Image:
    """A thing or two behind much fog: hardly any contrast."""
    fog = as_floats(scenery(rng, size))
    return as_image(190 + (fog - fog.mean()) * rng.uniform(0.12, 0.25))


def flat(rng: Random, size: _Size) -> Image.Image:
    """Like a poster: a few large shapes of one colour each."""
    image = Image.new("RGB", size, tuple(rng.randbytes(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(3, 9)):
        x, y = rng.random() * size[0], rng.random() * size[1]
        reach = rng.uniform(0.08, 0.3) * size[0]
        red, green, blue = rng.randbytes(3)
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=(red, green, blue))
    return image


def _clouds(rng: Random, size: _Size) -> Image.Image:
    """A soft play of colours: what a broken model may give, and a cheap liar."""
    return as_image(128 + 25 * texture(rng, size, 2))


def _gradient(rng: Random, size: _Size) -> Image.Image:
    start, end = (np.frombuffer(rng.randbytes(3), np.uint8).astype(np.float32) for _ in range(2))
    end = np.where(np.abs(end - start) < 60, (start + 128) % 256, end)  # noqa: PLR2004 - in sight
    way = np.linspace(0, 1, size[0], dtype=np.float32)[None, :, None]
    return as_image(np.broadcast_to(start + (end - start) * way, (size[1], size[0], 3)))


def _asked(job: Job) -> _Size:
    sides = (job.fields.get("width", 1024), job.fields.get("height", 576))
    if not all(isinstance(side, int) and _SMALLEST <= side <= _LARGEST for side in sides):
        raise BadInput(f"width and height must be {_SMALLEST} to {_LARGEST}")
    return sides[0], sides[1]


def _by(painter: _Painter) -> Maker:
    def make(job: Job, rng: Random) -> Product:
        return delivered(job, painter(rng, _asked(job)), rng)

    return make


def _drawn(job: Job, rng: Random) -> Product:
    prompt = f"{job.model}: {job.fields.get('prompt', '')}"
    seed = job.fields.get("seed")
    number = seed if isinstance(seed, int) else rng.getrandbits(31)
    return delivered(job, picture(prompt, number, *_asked(job)), rng)


def _as_jpeg(job: Job, rng: Random) -> Product:
    return delivered(job, encoded(scenery(rng, _asked(job)), "JPEG", quality=88), rng)


def _as_webp(job: Job, rng: Random) -> Product:
    return delivered(job, encoded(scenery(rng, _asked(job)), "WEBP", quality=85), rng)


def _garbage(job: Job, rng: Random) -> Product:
    whole = png(noise(rng, _asked(job)))
    return delivered(job, whole[:33] + rng.randbytes(5000), rng)


def _page(job: Job, rng: Random) -> Product:
    return delivered(job, b"<!doctype html><title>Sorry</title><p>Come back later.\n", rng)


def _half_size(rng: Random, size: _Size) -> Image.Image:
    return scenery(rng, (max(8, size[0] // 2), max(8, size[1] // 2)))


_INVALID: Final = Outcome.INVALID_ARTEFACT

CRAFT: Final = Craft(
    pipeline="text-to-image",
    honest={
        "drawn": _drawn,
        "scenery": _by(scenery),
        "ink": _by(ink),
        "at-night": _by(at_night),
        "pattern": _by(pattern),
        "in-fog": _by(in_fog),
        "flat": _by(flat),
        "as-jpeg": _as_jpeg,
        "as-webp": _as_webp,
    },
    lies={
        "blank": Lie(_by(lambda _, size: Image.new("RGB", size, (12, 12, 12))), _INVALID),
        "noise": Lie(_by(noise), _INVALID),
        "gradient": Lie(_by(_gradient), _INVALID),
        "clouds": Lie(_by(_clouds), _INVALID),
        "wrong-size": Lie(_by(_half_size), _INVALID),
        "garbage": Lie(_garbage, _INVALID),
        "page": Lie(_page, _INVALID),
    },
)

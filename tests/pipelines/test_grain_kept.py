import io
import random

import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from exporter.pipelines.drawing import grain, grained, scene
from exporter.pipelines.grain_kept import grain_kept
from tests.pipelines.pictures import encoded

RNG = random.Random(1)
CLEAN = scene(RNG, 256, 256)
SENT = grained(CLEAN, grain(RNG, 256, 256))


def recoded(quality: int) -> Image.Image:
    return Image.open(io.BytesIO(encoded(SENT, "JPEG", quality=quality)))


@pytest.mark.parametrize(
    "copy",
    [
        SENT,
        recoded(90),
        recoded(50),
        ImageEnhance.Brightness(SENT).enhance(0.6),
        ImageOps.grayscale(SENT),
        ImageOps.invert(SENT),
        SENT.filter(ImageFilter.GaussianBlur(0.8)),
        SENT.filter(ImageFilter.MedianFilter(3)),
        SENT.resize((128, 128), Image.Resampling.BICUBIC).resize((256, 256)),
    ],
)
def test_a_copy_has_kept_the_grain(copy: Image.Image) -> None:
    assert grain_kept(CLEAN, SENT, copy) > 0.6


@pytest.mark.parametrize(
    "other",
    [
        CLEAN,
        grained(CLEAN, grain(random.Random(2), 256, 256)),
        SENT.reduce(4).resize((256, 256), Image.Resampling.NEAREST),
        Image.new("RGB", (256, 256), "red"),
        scene(random.Random(3), 256, 256),
    ],
)
def test_what_was_made_without_it_has_not(other: Image.Image) -> None:
    assert grain_kept(CLEAN, SENT, other) < 0.25

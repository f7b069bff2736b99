import random

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from exporter.pipelines.drawing import scene
from exporter.pipelines.interpolation import WINDOW, novelty

SCENE = scene(random.Random(1), 128, 96)


def found(answer: Image.Image, scale: int = 1, sent: Image.Image = SCENE) -> float:
    score = novelty(sent, answer, scale)
    assert score is not None
    return score


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("by", [Image.Resampling(number) for number in range(6)])
def test_no_interpolation_is_new(by: Image.Resampling, scale: int) -> None:
    larger = SCENE.resize((SCENE.width * scale, SCENE.height * scale), by)
    assert found(larger, scale) < 0.025


def test_neither_blur_nor_contrast_is_new() -> None:
    assert found(SCENE) < 0.001
    assert found(SCENE.filter(ImageFilter.GaussianBlur(1))) < 0.02
    assert found(ImageEnhance.Contrast(SCENE).enhance(0.5)) < 0.02


def test_neither_a_tone_curve_nor_a_filter_in_linear_light_is_new() -> None:
    larger = SCENE.resize((SCENE.width * 4, SCENE.height * 4), Image.Resampling.BICUBIC)
    gamma = [round(255 * (level / 255) ** (1 / 1.2)) for level in range(256)] * 3
    assert found(larger.point(gamma), 4) < 0.05
    assert found(_in_linear_light(SCENE, 4), 4) < 0.025


def _in_linear_light(image: Image.Image, scale: int) -> Image.Image:
    """Enlarged as careful programs do it: levels become light, and light levels again."""
    size = (image.width * scale, image.height * scale)
    bands = []
    for band in image.split():
        light = (np.asarray(band, dtype=np.float32) / 255) ** 2.2
        wide = Image.fromarray(light).resize(size, Image.Resampling.BICUBIC)
        levels = np.clip(np.asarray(wide), 0, 1) ** (1 / 2.2) * 255
        bands.append(Image.fromarray(np.rint(levels).astype(np.uint8)))
    return Image.merge("RGB", bands)


def test_another_picture_is_new_and_so_are_edges_found_anew() -> None:
    assert found(scene(random.Random(2), 128, 96)) > 0.7
    assert found(SCENE.filter(ImageFilter.ModeFilter(5))) > 0.1


def test_of_a_large_picture_the_middle_is_looked_at() -> None:
    side = WINDOW + 64
    sent = scene(random.Random(3), side, side)
    framed = Image.new("RGB", sent.size, "black")
    framed.paste(sent.crop((32, 32, side - 32, side - 32)), (32, 32))
    assert found(framed, sent=sent) < 0.001


def test_sizes_that_do_not_fit_have_no_number() -> None:
    assert novelty(SCENE, SCENE, 2) is None
    assert novelty(SCENE.resize((6, 6)), SCENE.resize((6, 6))) is None


def test_plain_pictures_have_numbers_too() -> None:
    plain = Image.new("RGB", (64, 64), "red")
    assert novelty(plain, plain) == pytest.approx(0, abs=1e-3)
    assert found(plain, sent=SCENE.resize((64, 64))) == pytest.approx(0, abs=1e-3)

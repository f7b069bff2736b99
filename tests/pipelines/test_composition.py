import random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from exporter.pipelines.composition import edges, structure
from exporter.pipelines.drawing import scene

SIZES = [(64, 64), (512, 512), (1024, 576)]


def noise(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    count = size[0] * size[1] * len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, size, random.Random(1).randbytes(count))


def slope(size: tuple[int, int]) -> Image.Image:
    down, across = np.mgrid[0 : size[1], 0 : size[0]]
    rising = 40 + 150 * (across / size[0] * 0.7 + down / size[1] * 0.3)
    return Image.fromarray(rising.astype(np.uint8))


def strokes(size: tuple[int, int]) -> Image.Image:
    paper = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(paper)
    for share in (0.2, 0.5, 0.7):
        ends = (size[0] * share, size[1] * 0.1, size[0] * 0.5, size[1] * share)
        draw.line(ends, fill="black", width=max(2, size[0] // 100))
    return paper


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_noise_has_no_structure(size: tuple[int, int], mode: str) -> None:
    assert structure(noise(size, mode)) < 0.08


@pytest.mark.parametrize("size", SIZES)
def test_a_slope_has_no_edges(size: tuple[int, int]) -> None:
    assert edges(slope(size)) < 0.02


@pytest.mark.parametrize("size", SIZES)
def test_a_scene_and_a_few_strokes_have_both(size: tuple[int, int]) -> None:
    for image in (scene(random.Random(2), *size), strokes(size)):
        assert structure(image) > 0.3
        assert edges(image) > 0.5


def test_what_is_dim_and_foggy_still_has_both() -> None:
    foggy = scene(random.Random(3), 512, 512).point(lambda level: 180 + level // 10)
    assert structure(foggy) > 0.3
    assert edges(foggy) > 0.2


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 3), (3, 3), (4096, 1)])
def test_the_smallest_and_narrowest_pictures_have_numbers_too(size: tuple[int, int]) -> None:
    for image in (Image.new("RGB", size, "blue"), noise(size)):
        assert -1 <= structure(image) <= 1
        assert edges(image) >= 0

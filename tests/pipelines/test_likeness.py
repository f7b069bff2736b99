import random

import numpy as np
import pytest
from PIL import Image, ImageOps

from exporter.pipelines.drawing import scene
from exporter.pipelines.likeness import colours, greys, kinship, likeness, mean_error, pearson

SCENE = scene(random.Random(1), 192, 128)
PLAIN = Image.new("RGB", (192, 128), "red")


def test_correlation_is_that_of_the_textbook() -> None:
    first = np.asarray([1, 2, 3, 4], dtype=np.float32)
    assert pearson(first, first * 7 + 3) == pytest.approx(1)
    assert pearson(first, -first) == pytest.approx(-1)
    assert pearson(first, np.asarray([1, -1, -1, 1], dtype=np.float32)) == pytest.approx(0)
    # Deviations (-1.5, -0.5, 0.5, 1.5) and (-1.5, 0.5, -0.5, 1.5): 4 of 5.
    assert pearson(first, np.asarray([1, 3, 2, 4], dtype=np.float32)) == pytest.approx(0.8)


def test_a_plain_picture_correlates_with_nothing() -> None:
    assert pearson(greys(PLAIN), greys(SCENE)) is None
    assert pearson(greys(PLAIN), greys(PLAIN)) is None
    grey = Image.new("L", (192, 128), 90)
    assert likeness(grey, SCENE, (16, 16)) is None
    assert kinship(grey, SCENE) is None


def test_arrays_have_the_size_that_is_asked_for() -> None:
    assert greys(SCENE, (16, 8)).shape == (8, 16)
    assert colours(SCENE, (16, 8)).shape == (8, 16, 3)
    assert greys(SCENE).shape == (128, 192)


@pytest.mark.parametrize(
    "changed",
    [
        SCENE,
        ImageOps.grayscale(SCENE),
        ImageOps.invert(SCENE),
        SCENE.resize((96, 64)),
        Image.merge("RGB", SCENE.split()[::-1]),
    ],
)
def test_a_composition_is_known_in_any_colours(changed: Image.Image) -> None:
    score = kinship(SCENE, changed)
    assert score is not None
    assert score > 0.6


def test_a_mirrored_composition_is_another_one() -> None:
    score = kinship(SCENE, ImageOps.mirror(SCENE))
    assert score is not None
    assert score < 0.35


def test_the_error_is_a_share_of_the_full_range() -> None:
    black, white = (colours(Image.new("RGB", (4, 4), name)) for name in ("black", "white"))
    assert mean_error(black, white) == 1
    assert mean_error(black, black) == 0

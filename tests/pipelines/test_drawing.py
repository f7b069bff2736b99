import io
import random

import numpy as np
import pytest
from PIL import Image

from exporter.pipelines.drawing import GRAIN, grain, grained, png, scene
from exporter.pipelines.likeness import colours, kinship


def test_the_same_state_draws_the_same_picture_and_another_one_another() -> None:
    first, again, other = (scene(random.Random(seed), 128, 96) for seed in (1, 1, 2))
    assert first.size == (128, 96)
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("size", [(64, 64), (128, 64), (512, 512)])
def test_two_drawings_have_nothing_in_common(size: tuple[int, int]) -> None:
    drawn = [scene(random.Random(seed), *size) for seed in range(8)]
    for one in range(8):
        for other in range(one):
            likeness = kinship(drawn[one], drawn[other])
            assert likeness is not None
            assert likeness < 0.35


def test_a_drawing_is_full_of_colours_and_edges() -> None:
    pixels = colours(scene(random.Random(3), 256, 256))
    assert pixels.std(axis=(0, 1)).min() > 40
    assert np.abs(np.diff(pixels, axis=1)).mean() > 3


def test_the_file_holds_the_very_picture() -> None:
    drawn = scene(random.Random(4), 64, 64)
    with Image.open(io.BytesIO(png(drawn))) as again:
        assert again.format == "PNG"
        assert again.tobytes() == drawn.tobytes()


def test_grain_is_as_strong_as_it_says_and_alike_in_all_colours() -> None:
    noise = grain(random.Random(5), 128, 128)
    assert abs(float(noise.mean())) < 0.05
    assert float(noise.std()) == pytest.approx(1, abs=0.05)
    plain = Image.new("RGB", (128, 128), (128, 128, 128))
    strewn = colours(grained(plain, noise))
    assert float(strewn.std()) == pytest.approx(GRAIN, rel=0.05)
    assert (strewn[..., 0] == strewn[..., 2]).all()

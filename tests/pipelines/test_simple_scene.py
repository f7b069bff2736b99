import random

import numpy as np
import pytest
from numpy.typing import NDArray

from exporter.pipelines.simple_scene import COLOURS, FORMS, Content, contents, picture


def near(image: NDArray[np.int32], colour: str) -> NDArray[np.bool_]:
    """Where a picture has a colour, whatever its shade."""
    found: NDArray[np.bool_] = np.abs(image - np.array(COLOURS[colour])).max(axis=2) <= 12
    return found


@pytest.mark.parametrize("size", [512, 128, 301])
@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_one_colour_lies_whole_on_a_ground_of_another(form: str, size: int) -> None:
    for seed in range(5):
        drawn = picture(random.Random(seed), Content("red", form, "blue"), size)
        assert (drawn.size, drawn.mode) == ((size, size), "RGB")
        image = np.asarray(drawn, np.int32)
        inside, outside = near(image, "red"), near(image, "blue")
        edge = np.concatenate((outside[0], outside[-1], outside[:, 0], outside[:, -1]))
        assert edge.all()
        assert 0.06 < inside.mean() < 0.5
        assert (inside | outside).mean() > 0.9
        # Wider or taller than half of the side, and less than three quarters of it.
        reach = max(np.ptp(np.nonzero(inside.any(axis=axis))[0]) for axis in (0, 1))
        assert 0.36 < reach / size < 0.76


def test_place_size_and_shade_are_drawn() -> None:
    rng = random.Random(4)
    shown = Content("yellow", "heart", "purple")
    assert len({picture(rng, shown, 128).tobytes() for _ in range(100)}) == 100
    once, again = (picture(random.Random(7), shown, 128) for _ in range(2))
    assert once == again


def test_colours_that_are_taken_for_each_other_do_not_meet_and_flags_are_not_drawn() -> None:
    drawn = set(contents())
    pairs = {(one.colour, one.ground) for one in drawn}
    assert not pairs & {("red", "orange"), ("orange", "yellow"), ("purple", "blue"), ("red", "red")}
    assert {(ground, colour) for colour, ground in pairs} == pairs
    assert Content("red", "circle", "green") not in drawn
    assert Content("green", "circle", "red") in drawn
    assert {one.form for one in drawn} == set(FORMS)
    for pair in pairs:
        first, second = (np.array(COLOURS[colour]) for colour in pair)
        assert np.linalg.norm(first - second) > 120

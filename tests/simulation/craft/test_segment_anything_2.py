import io
import json
import random

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from exporter.simulation.craft.cutting import GRID, grown, hanging_together
from exporter.simulation.craft.product import BadInput
from exporter.simulation.craft.segment_anything_2 import CRAFT
from exporter.simulation.workload import Job

WIDE = Image.new("RGB", (300, 200), "#204080")
ImageDraw.Draw(WIDE).rectangle((40, 30, 119, 129), fill="#e0c040")
ImageDraw.Draw(WIDE).rectangle((180, 30, 259, 129), fill="#e0c040")
LEFT = np.zeros((200, 300), np.bool_)
LEFT[30:130, 40:120] = True


def job(image: Image.Image | bytes | None = WIDE, /, **fields: str) -> Job:
    file = io.BytesIO()
    if isinstance(image, Image.Image):
        image.save(file, "PNG")
    data = image if isinstance(image, bytes) else file.getvalue()
    told = {"point_coords": "[[60, 50]]", "point_labels": "[1]", "multimask_output": "false"}
    return Job(
        pipeline="segment-anything-2",
        model="maker/model",
        fields=told | fields,
        files={} if image is None else {"image": data},
        via="direct",
    )


def masks(way: str, asked: Job | None = None) -> NDArray[np.bool_]:
    product = CRAFT.honest[way](asked or job(), random.Random(1))
    assert product.media == ()
    text = product.document["masks"].replace("True", "true").replace("False", "false")
    return np.array(json.loads(text)) > 0


def alike(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    return float((first & second).sum() / (first | second).sum())


def test_it_cuts_out_what_is_at_the_point_and_not_what_looks_the_same() -> None:
    (mask,) = masks("exact")
    assert mask.shape == (200, 300)
    assert alike(mask, LEFT) > 0.97
    (other,) = masks("exact", job(point_coords="[[200.5, 100]]"))
    assert alike(other, np.roll(LEFT, 140, axis=1)) > 0.97
    (ground,) = masks("exact", job(point_coords="[[150, 180]]"))
    assert not (ground & LEFT)[35:125, 45:115].any()


@pytest.mark.parametrize("way", CRAFT.honest)
def test_every_way_is_near_the_truth_but_most_miss_it_a_little(way: str) -> None:
    (exact,) = masks("exact")
    assert max(alike(mask, LEFT) for mask in masks(way)) > 0.85
    same = any(np.array_equal(mask, exact) for mask in masks(way))
    assert same == (way in {"exact", "words", "generous"})


def test_numbers_are_written_as_python_writes_them() -> None:
    plain = CRAFT.honest["exact"](job(), random.Random(1)).document
    words = CRAFT.honest["words"](job(), random.Random(1)).document
    assert plain["masks"].startswith("[[[0.0, 0.0, ")
    assert words["masks"].startswith("[[[False, False, ")
    assert np.array(json.loads(plain["logits"])).shape == (1, GRID, GRID)
    (score,) = json.loads(plain["scores"])
    assert 0.5 < score < 1


def test_three_masks_are_given_where_they_are_asked_for_the_surest_first() -> None:
    asked = job(multimask_output="true")
    assert len(masks("exact", asked)) == 3
    assert len(masks("generous")) == 3
    scores = json.loads(CRAFT.honest["exact"](asked, random.Random(1)).document["scores"])
    assert scores == sorted(scores, reverse=True)
    areas = sorted(mask.sum() for mask in masks("exact", asked))
    assert areas[0] < LEFT.sum() * 0.9 < areas[1] < LEFT.sum() * 1.1 < areas[2]


@pytest.mark.parametrize("image", [None, b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"<svg/>"])
def test_without_a_picture_it_refuses(image: bytes | None) -> None:
    with pytest.raises(BadInput):
        CRAFT.honest["exact"](job(image), random.Random(1))


@pytest.mark.parametrize(
    "fields",
    [
        {"point_coords": ""},
        {"point_coords": "here"},
        {"point_coords": "[60, 50]"},
        {"point_coords": "[[60, 50], [70, 50]]"},
        {"point_coords": "[[300, 50]]"},
        {"point_coords": "[[-1, 50]]"},
        {"point_coords": "[[60]]"},
        {"point_labels": "[0]"},
        {"point_labels": "1"},
    ],
)
def test_without_one_point_on_the_picture_it_refuses(fields: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        CRAFT.honest["exact"](job(WIDE, **fields), random.Random(1))


@pytest.mark.parametrize("way", CRAFT.honest)
def test_the_same_draw_gives_the_same_answer(way: str) -> None:
    assert np.array_equal(masks(way), masks(way))


def test_what_hangs_together_is_reached_around_corners() -> None:
    maze = np.ones((40, 40), np.bool_)
    maze[10, :39] = maze[20, 1:] = False
    reached = hanging_together(maze, (0, 0))
    assert np.array_equal(reached, maze)
    maze[10, 39] = False
    assert np.array_equal(hanging_together(maze, (0, 0)).sum(axis=1), [40] * 10 + [0] * 30)


def test_a_mask_grows_and_shrinks_by_steps() -> None:
    square = np.zeros((30, 30), np.bool_)
    square[10:20, 10:20] = True
    assert grown(square, 2).sum() == 14**2
    assert grown(square, -2).sum() == 6**2


def test_a_plain_picture_is_no_reason_to_break_down() -> None:
    plain = Image.new("RGB", (64, 48), "grey")
    for way in CRAFT.honest:
        assert masks(way, job(plain, point_coords="[[3, 3]]")).shape[1:] == (48, 64)

import io
import json
import random
import time

import msgspec
import numpy as np
import pytest
from PIL import Image

from exporter.model import Outcome
from exporter.pipelines import Answer, Verdict, one_shape
from exporter.pipelines.job import RESPONSE_LIMIT, Expectation
from exporter.pipelines.masks import Mask, overlap
from exporter.pipelines.one_shape import Shape
from exporter.pipelines.segment_anything_2 import KIND, MaskExpectation, prove
from exporter.settings import SegmentAnything2
from tests.pipelines.crafted import read

SIZE = 200
HALF_SQUARE = Shape(((0.1, 0.2), (0.6, 0.2), (0.1, 0.7)), (0.2, 0.3))
"""A triangle: half of a square whose sides have half of the picture's."""
RIGHT = one_shape.mask(HALF_SQUARE, SIZE, SIZE)


def expectation(exempt: tuple[str, ...] = ()) -> MaskExpectation:
    return MaskExpectation(shape=HALF_SQUARE, size=SIZE, min_cover=0.01, min_iou=0.7, exempt=exempt)


def body(*masks: Mask, scores: tuple[float, ...] | None = None, logits: object = "[]") -> bytes:
    sure = scores or tuple(0.9 - 0.1 * number for number in range(len(masks)))
    lists = [mask.astype(np.float32).tolist() for mask in masks]
    return msgspec.json.encode({"masks": str(lists), "scores": str(list(sure)), "logits": logits})


def verdict(*masks: Mask, exempt: tuple[str, ...] = ()) -> Verdict:
    return prove(expectation(exempt), Answer(body=body(*masks)))


def scores(found: Verdict) -> dict[str, float | None]:
    return {check.name: check.score for check in found.proof}


def part(share: float) -> Mask:
    """So much of the triangle, from the top."""
    rows = np.flatnonzero(np.cumsum(RIGHT.sum(axis=1)) <= share * RIGHT.sum())
    mask = np.zeros_like(RIGHT)
    mask[rows] = RIGHT[rows]
    return mask


def test_a_job_sends_a_picture_of_its_own_and_a_point_as_text() -> None:
    settings = SegmentAnything2(size=160, multimask_output=True, min_iou=0.8, min_cover=0.02)
    rng = random.Random(1)
    jobs = [KIND.make(settings, "maker/model", rng) for _ in range(30)]
    assert len({job.request.body for job in jobs}) == 30
    for job in jobs:
        fields, files = read(job.request)
        asked = job.expectation
        assert isinstance(asked, MaskExpectation)
        assert (asked.min_iou, asked.min_cover, asked.size) == (0.8, 0.02, 160)
        points = fields.pop("point_coords")
        assert fields == {
            "model_id": "maker/model",
            "point_labels": "[1]",
            "multimask_output": "true",
            "return_logits": "false",
        }
        assert isinstance(points, str)
        ((column, row),) = json.loads(points)
        assert one_shape.mask(asked.shape, 160, 160)[row, column]
        with Image.open(io.BytesIO(files["image"])) as image:
            assert (image.format, image.size, image.mode) == ("PNG", (160, 160), "RGB")
        assert job.request.path == "/segment-anything-2"
        assert not job.request.stream
        assert job.unit == "megapixel"
        assert job.units == pytest.approx(0.0256)
        assert len(msgspec.json.encode(asked)) < 10_000
    assert KIND.fee_units(settings) == 25_600
    assert KIND.media_urls(b"anything") == []
    single = KIND.make(SegmentAnything2(), "m", random.Random(1))
    assert read(single.request)[0]["multimask_output"] == "false"


def test_the_right_mask_is_good() -> None:
    found = verdict(RIGHT)
    assert found.outcome is Outcome.OK
    assert scores(found) == {
        "size": 1,
        "cover": round(float(RIGHT.mean()), 4),
        "iou": 1,
        "score": 0.9,
    }
    assert RIGHT.mean() == pytest.approx(0.125, rel=0.02)
    assert found.unique
    (artefact,) = found.artefacts
    assert (artefact.kind, artefact.width, artefact.height) == ("mask", SIZE, SIZE)
    assert msgspec.json.decode(found.response) == {
        "masks": [f"{SIZE}x{SIZE}, {RIGHT.mean():.4f} of it"],
        "scores": [0.9],
    }


def test_the_same_mask_in_other_words_is_the_same_artefact() -> None:
    words = msgspec.json.encode(
        {"masks": str(RIGHT.tolist()), "scores": "[0.5]", "logits": [[[0.5]]]}
    )
    first, second = verdict(RIGHT), prove(expectation(), Answer(body=words))
    other = verdict(part(0.9))
    assert {one.outcome for one in (first, second, other)} == {Outcome.OK}
    assert first.artefacts[0].sha256 == second.artefacts[0].sha256
    assert first.artefacts[0].sha256 != other.artefacts[0].sha256


def test_a_mask_must_overlap_by_so_much() -> None:
    assert verdict(part(0.72)).outcome is Outcome.OK
    found = verdict(part(0.5))
    assert found.outcome is Outcome.WRONG_ANSWER
    assert found.message.startswith("the mask and the shape at the point (40, 60) have 0.")
    assert found.message.endswith("at least 0.70 is expected")
    (evidence,) = found.evidence
    assert evidence.startswith("the shape covers 0.12")
    assert evidence.endswith("of the picture, the mask 0.062")


def test_the_best_of_three_masks_counts() -> None:
    found = verdict(part(0.3), RIGHT, ~RIGHT)
    assert found.outcome is Outcome.OK
    assert scores(found)["score"] == pytest.approx(0.8)
    assert "of 3 masks number 2 fits best" in found.evidence
    assert verdict(part(0.3), part(0.5), ~RIGHT).outcome is Outcome.WRONG_ANSWER


@pytest.mark.parametrize("value", [False, True])
def test_a_mask_of_nothing_or_everything_is_blank(value: bool) -> None:
    found = verdict(np.full_like(RIGHT, value))
    assert found.outcome is Outcome.INVALID_ARTEFACT
    assert f"the mask is {'full' if value else 'empty'}" in found.message


@pytest.mark.parametrize("size", [(100, 100), (SIZE, 199), (199, SIZE), (400, 400), (1, 1)])
def test_a_mask_of_another_size_is_none_of_this_picture(size: tuple[int, int]) -> None:
    found = verdict(one_shape.mask(HALF_SQUARE, *size))
    assert found.outcome is Outcome.INVALID_ARTEFACT
    assert found.message == (
        f"a picture of 200x200 pixels was sent, the masks have {size[0]}x{size[1]}"
    )
    assert scores(found) == {"size": 0}


@pytest.mark.parametrize(
    ("exempt", "mask"),
    [
        ("size", one_shape.mask(HALF_SQUARE, 256, 256)),
        ("iou", part(0.5)),
    ],
)
def test_a_model_can_be_exempt_from_each_check(exempt: str, mask: Mask) -> None:
    assert verdict(mask).outcome is not Outcome.OK
    found = verdict(mask, exempt=(exempt,))
    assert found.outcome is Outcome.OK
    assert any(line.startswith(f"exempt from {exempt}") for line in found.evidence)


def test_who_is_exempt_from_cover_or_size_has_to_overlap_nevertheless() -> None:
    blank = verdict(np.zeros_like(RIGHT), exempt=("cover",))
    assert blank.outcome is Outcome.WRONG_ANSWER
    other = verdict(~one_shape.mask(HALF_SQUARE, 256, 128), exempt=("size",))
    assert other.outcome is Outcome.WRONG_ANSWER


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html>a mask</html>",
        b"\xff\xfe\x00",
        b'{"masks": "", "scores": "", "logits": ""}',
        b'{"masks": null, "scores": null, "logits": null}',
        b'{"masks": "[[[1.0]]]", "scores": "[0.5]"}',
        b'{"masks": "[[[1.0]]]", "scores": "[0.5]", "logits": null}',
        b'{"masks": "[[[1.0]]]", "logits": "[]"}',
        b'{"masks": "[[[1.0]]]", "scores": "[0.5, 0.4]", "logits": "[]"}',
        b'{"masks": "[[[nan]]]", "scores": "[0.5]", "logits": "[]"}',
        b'{"masks": "[[[1.0]]]", "scores": "[nan]", "logits": "[]"}',
        b'{"masks": {"url": "/a.png"}, "scores": "[0.5]", "logits": "[]"}',
        b'{"masks": "\\ud800[[[1.0]]]", "scores": "[0.5]", "logits": "[]"}',
        b'{"masks": ' + b"[" * 200_000,
        b"[" * 200_000,
        b'{"masks": "' + b"[" * 200_000 + b'", "scores": "[0.5]", "logits": "[]"}',
        b'{"masks": ' + b"[" * 900 + b"1" + b"]" * 900 + b', "scores": "[0.5]", "logits": "[]"}',
    ],
)
def test_another_form_is_no_answer(answer: bytes) -> None:
    found = prove(expectation(), Answer(body=answer))
    assert found.outcome is Outcome.INVALID_RESPONSE
    assert 0 < len(found.message) < 500
    assert len(found.response.encode()) <= RESPONSE_LIMIT


def test_eight_megabytes_of_logits_do_not_hold_up_the_proof() -> None:
    answer = body(RIGHT, logits="[[[" + "-12.345678, " * 700_000 + "1]]]")
    started = time.process_time()
    assert prove(expectation(), Answer(body=answer)).outcome is Outcome.OK
    assert time.process_time() - started < 2


def test_what_is_asked_for_by_default_fits_into_the_largest_answer() -> None:
    logits = "-12.345678329467773, " * 256 * 256
    for size, many in ((256, 3), (1024, 1), (512, 3)):
        numbers = "0.0, " * size * size
        assert many * (len(numbers) + len(logits)) < 8 * 2**20


def test_what_another_pipeline_expects_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        prove(Expectation(), Answer(body=b"{}"))


def test_no_disc_and_no_box_around_the_point_comes_near_a_shape() -> None:
    """By brute force, where the drawing counts."""
    columns, rows = np.meshgrid(np.arange(64), np.arange(64))
    for seed in range(25):
        drawn = one_shape.shape(random.Random(seed))
        inside = one_shape.mask(drawn, 64, 64)
        column, row = one_shape.pixel(drawn, 64)
        right, down = np.abs(columns - column), np.abs(rows - row)
        discs = [right**2 + down**2 <= reach**2 for reach in range(1, 40)]
        boxes = [
            (right <= wide) & (down <= tall) for wide in range(0, 64, 3) for tall in range(0, 64, 3)
        ]
        assert max(overlap(guess, inside) for guess in discs + boxes) < 0.57


def test_shapes_are_of_middling_size_and_the_point_is_well_inside() -> None:
    for seed in range(100):
        drawn = one_shape.shape(random.Random(seed))
        inside = one_shape.mask(drawn, 256, 256)
        assert 0.055 < inside.mean() < 0.185
        edge = np.concatenate((inside[:8].ravel(), inside[-8:].ravel(), inside[:, :8].ravel()))
        assert not edge.any()
        column, row = one_shape.pixel(drawn, 256)
        assert inside[row - 5 : row + 6, column - 5 : column + 6].all()


def test_the_shape_has_a_colour_that_is_clearly_another() -> None:
    for seed in range(30):
        rng = random.Random(seed)
        drawn = one_shape.shape(rng)
        pixels = np.asarray(one_shape.picture(rng, drawn, 128), np.float64)
        inside = one_shape.mask(drawn, 128, 128)
        apart = np.linalg.norm(pixels[inside].mean(axis=0) - pixels[~inside].mean(axis=0))
        assert apart > 90
        assert pixels[~inside].std(axis=0).max() > 3


def test_an_earlier_mask_hardly_ever_fits_another_job() -> None:
    masks = [one_shape.mask(one_shape.shape(random.Random(seed)), 64, 64) for seed in range(400)]
    flat = np.array([mask.ravel() for mask in masks], np.float64)
    common = flat @ flat.T
    areas = flat.sum(axis=1)
    overlaps = common / (areas[:, None] + areas[None, :] - common)
    np.fill_diagonal(overlaps, 0)
    assert (overlaps >= 0.7).sum() / (400 * 399) < 0.001

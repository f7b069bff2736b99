import time

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from exporter.pipelines.job import InvalidResponse
from exporter.pipelines.masks import NUMBERS, overlap, read_masks, read_scores

RING = np.array([[1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1]], np.bool_)


def text(lists: object) -> msgspec.Raw:
    """Lists as Python writes them, in a JSON text."""
    return msgspec.Raw(msgspec.json.encode(str(lists)))


def plain(json: str) -> msgspec.Raw:
    return msgspec.Raw(json.encode())


@pytest.mark.parametrize(
    "lists",
    [
        RING.tolist(),
        RING.astype(np.uint8).tolist(),
        RING.astype(np.float32).tolist(),
        (RING.astype(np.float64) * 255).tolist(),
        np.where(RING, 3.25e-3, -17.5).tolist(),
    ],
)
@pytest.mark.parametrize("around", ["{}", "[{}]", "[[{}]]", " \n [ {} ]\t"])
@pytest.mark.parametrize("quoted", [True, False])
def test_every_form_of_a_mask_is_read(lists: object, around: str, quoted: bool) -> None:
    written = around.format(lists)
    raw = msgspec.Raw(msgspec.json.encode(written))
    if not quoted:
        raw = plain(written.replace("True", "true").replace("False", "false"))
    found = read_masks(raw)
    assert found.dtype == np.bool_
    assert np.array_equal(found, RING[None])


@given(arrays(np.bool_, array_shapes(min_dims=3, max_dims=3, max_side=3)))
def test_what_python_writes_is_what_is_read(masks: np.ndarray) -> None:
    assert np.array_equal(read_masks(text(masks.tolist())), masks)
    assert np.array_equal(read_masks(text(masks.astype(np.float32).tolist())), masks)


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (text(""), "lists of rows"),
        (text("a mask"), "lists of rows"),
        (text([]), "lists of rows"),
        (text([1.0, 0.0]), "lists of rows"),
        (text([[]]), "masks of one size"),
        (text([[[]]]), "masks of one size"),
        (text([[[], []]]), "masks of one size"),
        (text([[[1.0, 0.0], [1.0]]]), "rows of 1 to 2 numbers"),
        (text([[[1.0], [0.0]], [[1.0]]]), "1 to 2 rows"),
        (text([[[1.0]]] * 4), "4 masks, 1 to 3"),
        (text([[[[1.0]]], [[[1.0]]]]), "batch of 2"),
        (text([[[[[1.0]]]]]), "lists of rows"),
        (text("[[[1.0, nan]]]"), "no list of numbers"),
        (text("[[[1.0, inf]]]"), "no list of numbers"),
        (text("[[[1.0, Infinity]]]"), "no list of numbers"),
        (text("[[[1e999]]]"), "out of range"),
        (text("[[[" + "9" * 5000 + "]]]"), "out of range"),
        (text("[[[None]]]"), "no list of numbers"),
        (text("[[['1.0']]]"), "no list of numbers"),
        (text('[[["1.0"]]]'), "got `str`"),
        (text("[[[1.0], null]]"), "got `null`"),
        (text("[[[1.0], 1.0]]"), "got `float`"),
        (text("[[[1.0, [1.0]]]]"), "got `array`"),
        (text("[[[1.0]]"), "no list of numbers"),
        (text("[[[1.0]]]]"), "no list of numbers"),
        (text("[[1. 0.]\n [0. 1.]]"), "no list of numbers"),
        (text("[[[１.0]]]"), "no list of numbers"),  # noqa: RUF001 - a full-width digit
        (text("__import__('os')"), "lists of rows"),
        (text("[[[" + "[" * 500_000), "lists of rows"),
        (text("[[[1.0," + "[" * 500_000), "got `array`"),
        (text("[" + " " * 500_000 + "[[1.0]]]"), "lists of rows"),
        (plain("7"), "lists of rows"),
        (plain("null"), "lists of rows"),
        (plain('{"a": [[1.0]]}'), "lists of rows"),
    ],
)
def test_anything_else_is_refused_with_a_reason(raw: msgspec.Raw, complaint: str) -> None:
    with pytest.raises(InvalidResponse, match="`masks`") as refused:
        read_masks(raw)
    assert complaint in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("unit", ["0,", "[],", "[0],", "[[0]],", "1e300,", "True, "])
def test_millions_of_numbers_are_refused_at_once(unit: str) -> None:
    body = "[[[" + unit * (NUMBERS + 1) + "0]]]"
    started = time.process_time()
    with pytest.raises(InvalidResponse):
        read_masks(plain(body))
    assert time.process_time() - started < 2


def test_the_largest_masks_are_read_in_time() -> None:
    mask = np.zeros((1024, 1024), np.float32)
    mask[5:900, 300:] = 1
    raw = text([mask.tolist()])
    started = time.process_time()
    assert np.array_equal(read_masks(raw)[0], mask > 0)
    assert time.process_time() - started < 5


def test_scores_are_a_list_of_numbers() -> None:
    assert read_scores(text([0.9829, 0.5])) == (0.9829, 0.5)
    assert read_scores(plain("[1, -0.5e-1]")) == (1.0, -0.05)


@pytest.mark.parametrize(
    "raw",
    [
        text(""),
        text(0.5),
        text([[0.5]]),
        text([0.5] * 17),
        text("[nan]"),
        text("[1e999]"),
        text(["0.5"]),
        text("[True]"),
        text("high"),
        plain("null"),
    ],
)
def test_other_scores_are_refused(raw: msgspec.Raw) -> None:
    with pytest.raises(InvalidResponse, match="`scores`"):
        read_scores(raw)


def test_overlap_is_intersection_over_union() -> None:
    none, every = np.zeros((3, 4), np.bool_), np.ones((3, 4), np.bool_)
    assert overlap(RING, RING) == 1
    assert overlap(RING, ~RING) == 0
    assert overlap(RING, every) == pytest.approx(10 / 12)
    assert overlap(every, RING) == pytest.approx(10 / 12)
    assert overlap(none, none) == 0
    assert overlap(none, RING) == 0

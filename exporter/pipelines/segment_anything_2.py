"""`segment-anything-2`: a picture with one shape and a point on it; the answer is its mask.

The proof: the mask has the picture's size and overlaps with the shape, which is known exactly, by
at least so much. Shape and point are drawn so that nothing upright or round about the point does,
and so that the mask of another job practically never does.
"""

import hashlib
import random
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from exporter.model import Artefact, Outcome
from exporter.pipelines import one_shape
from exporter.pipelines.drawing import png
from exporter.pipelines.findings import Findings
from exporter.pipelines.job import Answer, Expectation, InvalidResponse, Kind, Prepared, Verdict
from exporter.pipelines.masks import Mask, overlap, read_masks, read_scores
from exporter.pipelines.multipart import form_request
from exporter.pipelines.one_shape import Shape
from exporter.pipelines.response import decode, record

if TYPE_CHECKING:
    # Worker processes import this module, and need neither the settings nor what those import.
    from exporter.settings import SegmentAnything2

NAME: Final = "segment-anything-2"
UNIT: Final = "megapixel"


class MaskExpectation(Expectation, frozen=True, kw_only=True):
    """What is to be cut out."""

    shape: Shape
    size: int
    """Pixels of each side of the picture that was sent."""
    min_cover: float
    min_iou: float


class _Masks(msgspec.Struct):
    """Texts with lists in them; the logits are not looked at, but the API promises them."""

    masks: msgspec.Raw
    scores: msgspec.Raw
    logits: msgspec.Raw


class _Cut(msgspec.Struct, frozen=True):
    masks: NDArray[np.bool_]
    scores: tuple[float, ...]


def make(parameters: "SegmentAnything2", model: str, rng: random.Random) -> Prepared:
    """Make a job: a new shape, a picture of it, a point on it."""
    shape = one_shape.shape(rng)
    size = parameters.size
    picture = one_shape.picture(rng, shape, size)
    column, row = one_shape.pixel(shape, size)
    return Prepared(
        request=form_request(
            NAME,
            {
                "model_id": model,
                "point_coords": f"[[{column}, {row}]]",
                "point_labels": "[1]",
                "multimask_output": parameters.multimask_output,
                "return_logits": False,
            },
            ("image", "image.png", png(picture), "image/png"),
        ),
        unit=UNIT,
        units=fee_units(parameters) / 1e6,
        expectation=MaskExpectation(
            exempt=tuple(parameters.exempt),
            shape=shape,
            size=size,
            min_cover=parameters.min_cover,
            min_iou=parameters.min_iou,
        ),
    )


def fee_units(parameters: "SegmentAnything2") -> float:
    """Pixels of the picture that is sent."""
    return float(parameters.size**2)


def media_urls(body: bytes) -> list[str]:  # noqa: ARG001 - masks come in the answer itself
    """None: masks come in the answer itself. What is wrong with them, the proof says."""
    return []


def prove(expectation: Expectation, answer: Answer) -> Verdict:
    """Judge the masks."""
    if not isinstance(expectation, MaskExpectation):
        raise TypeError("a segment-anything-2 job expects a mask")
    try:
        cut = _read(answer.body)
    except InvalidResponse as error:
        return Verdict(
            outcome=Outcome.INVALID_RESPONSE,
            message=str(error),
            response=record({"body": answer.body[:2048].decode("utf-8", "replace")}),
        )
    return _judge(expectation, cut)


def _read(body: bytes) -> _Cut:
    found = decode(body, _Masks)
    if bytes(found.logits)[:1] not in (b'"', b"["):
        raise InvalidResponse("`logits` is neither a text nor a list")
    masks, scores = read_masks(found.masks), read_scores(found.scores)
    if len(scores) != len(masks):
        raise InvalidResponse(f"there are {len(masks)} masks, but {len(scores)} scores")
    return _Cut(masks, scores)


def _judge(expectation: MaskExpectation, cut: _Cut) -> Verdict:
    findings = Findings(expectation.exempt)
    _, height, width = cut.masks.shape
    size = expectation.size
    fits = findings.check(
        "size",
        float((width, height) == (size, size)),
        f"a picture of {size}x{size} pixels was sent, the masks have {width}x{height}",
        at_least=1.0,
        outcome=Outcome.INVALID_ARTEFACT,
    )
    best = _judge_overlap(findings, expectation, cut) if fits else cut.masks[0]
    bits = np.packbits(best).tobytes()
    return findings.verdict(
        artefacts=(
            Artefact(
                kind="mask",
                bytes=len(bits),
                # Of the pixels: the same mask is the same, however its numbers are written.
                sha256=hashlib.sha256(b"%d %d " % (width, height) + bits).hexdigest(),
                width=width,
                height=height,
            ),
        ),
        response=record(
            {
                "masks": [f"{width}x{height}, {mask.mean():.4f} of it" for mask in cut.masks],
                "scores": list(cut.scores),
            }
        ),
    )


def _judge_overlap(findings: Findings, expectation: MaskExpectation, cut: _Cut) -> Mask:
    """Judge the mask that fits best, and give it: a part of the object is a good offer, too."""
    _, height, width = cut.masks.shape
    shape = one_shape.mask(expectation.shape, width, height)
    overlaps = [overlap(mask, shape) for mask in cut.masks]
    chosen = max(range(len(overlaps)), key=overlaps.__getitem__)
    best: Mask = cut.masks[chosen]
    cover = float(best.mean())
    findings.check(
        "cover",
        min(cover, 1 - cover),
        f"the mask is {'full' if cover > 1 / 2 else 'empty'}: {cover:.4f} of the picture is in "
        f"it, at least {expectation.min_cover:.4f} in it and out of it are expected",
        at_least=expectation.min_cover,
        outcome=Outcome.INVALID_ARTEFACT,
    )
    column, row = one_shape.pixel(expectation.shape, expectation.size)
    findings.check(
        "iou",
        overlaps[chosen],
        f"the mask and the shape at the point ({column}, {row}) have "
        f"{overlaps[chosen]:.2f} of their pixels in common (intersection over union), "
        f"at least {expectation.min_iou:.2f} is expected",
        at_least=expectation.min_iou,
    )
    findings.report("score", cut.scores[chosen])
    findings.note(f"the shape covers {shape.mean():.3f} of the picture, the mask {cover:.3f}")
    if len(overlaps) > 1:
        findings.note(f"of {len(overlaps)} masks number {chosen + 1} fits best")
    return best


KIND: Final = Kind(
    name=NAME,
    make=make,
    fee_units=fee_units,
    media_urls=media_urls,
    prove=prove,
    checks=("size", "cover", "iou"),
)

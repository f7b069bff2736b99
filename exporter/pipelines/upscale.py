"""`upscale`: a small picture that was drawn for the job, to be made larger with finer detail.

The proof: shrunk again, the answer is the picture that was sent; and it has detail that no plain
interpolation of that picture has (`exporter.pipelines.interpolation`).
"""

import functools
import random
from typing import TYPE_CHECKING, Final

from PIL import Image

from exporter.model import Outcome
from exporter.pipelines.drawing import png, scene
from exporter.pipelines.findings import Findings, number
from exporter.pipelines.interpolation import novelty
from exporter.pipelines.job import (
    Answer,
    Expectation,
    InvalidArtefact,
    Kind,
    Media,
    Prepared,
    Verdict,
)
from exporter.pipelines.likeness import colours, mean_error, pearson
from exporter.pipelines.multipart import form_request
from exporter.pipelines.picture_answer import judged, media_urls
from exporter.pipelines.still import entropy, still

if TYPE_CHECKING:
    # Worker processes import this module, and need neither the settings nor what those import.
    from exporter.settings import Upscale

NAME: Final = "upscale"
UNIT: Final = "megapixel-step"
PROMPT: Final = "a colourful patchwork of many shapes, sharp edges, fine detail"
_SEEDS: Final = 2**63


class UpscaledExpectation(Expectation, frozen=True, kw_only=True):
    """What the picture must be."""

    width: int
    """Of the picture that was sent."""
    height: int
    scale: int
    drawing: int
    """The seed of the picture that was sent: it is drawn again for the proof."""
    seed: int
    min_entropy: float
    min_likeness: float
    min_detail: float


def make(parameters: "Upscale", model: str, rng: random.Random) -> Prepared:
    """Make a job: a new picture and a new seed."""
    width, height, scale = parameters.width, parameters.height, parameters.scale
    drawing, seed = rng.randrange(_SEEDS), rng.randrange(2**31)
    fields: dict[str, str | float | bool] = {
        "model_id": model,
        "prompt": PROMPT,
        "num_inference_steps": parameters.num_inference_steps,
        "seed": seed,
    }
    sent = png(_drawn(drawing, width, height))
    return Prepared(
        request=form_request(NAME, fields, ("image", "image.png", sent, "image/png")),
        unit=UNIT,
        units=width * height * scale**2 / 1e6 * parameters.num_inference_steps,
        expectation=UpscaledExpectation(
            exempt=tuple(parameters.exempt),
            width=width,
            height=height,
            scale=scale,
            drawing=drawing,
            seed=seed,
            min_entropy=parameters.min_entropy,
            min_likeness=parameters.min_likeness,
            min_detail=parameters.min_detail,
        ),
    )


def fee_units(parameters: "Upscale") -> float:
    """Pixels of the picture that is sent."""
    return float(parameters.width * parameters.height)


def prove(expectation: Expectation, answer: Answer) -> Verdict:
    """Judge the answer and its picture."""
    if not isinstance(expectation, UpscaledExpectation):
        raise TypeError("an upscale job expects an upscaled picture")
    return judged(answer, expectation.seed, functools.partial(_judge, expectation))


def _drawn(seed: int, width: int, height: int) -> Image.Image:
    rng = random.Random(seed)  # noqa: S311 - the seed is drawn from the system's randomness
    return scene(rng, width, height)


def _judge(expectation: UpscaledExpectation, media: Media) -> Verdict:
    scale = expectation.scale
    asked = (expectation.width * scale, expectation.height * scale)
    findings = Findings(expectation.exempt)
    try:
        picture, image = still(findings, media, asked)
    except InvalidArtefact as error:
        return Verdict(outcome=Outcome.INVALID_ARTEFACT, message=str(error))
    entropy(findings, picture.artefact, expectation.min_entropy)
    if not findings.failed:
        _compare(findings, expectation, image)
    return findings.verdict(artefacts=(picture.artefact,))


def _compare(findings: Findings, expectation: UpscaledExpectation, image: Image.Image) -> None:
    sent = _drawn(expectation.drawing, expectation.width, expectation.height)
    shrunk, given = colours(image, sent.size), colours(sent)
    alike = pearson(shrunk, given)
    findings.check(
        "likeness",
        alike,
        "the picture, shrunk again, is not the one that was sent: they correlate by "
        f"{number(alike)}, at least {expectation.min_likeness:.2f} is expected",
        at_least=expectation.min_likeness,
    )
    findings.report("error", mean_error(shrunk, given))
    asked = (sent.width * expectation.scale, sent.height * expectation.scale)
    if image.size != asked:
        image = image.resize(asked, Image.Resampling.BICUBIC)
    detail = novelty(sent, image, expectation.scale)
    findings.check(
        "detail",
        detail,
        "the picture was merely interpolated: a filter of the one that was sent leaves "
        f"{number(detail)} of the contrast unexplained, at least {expectation.min_detail:.3f} is "
        "expected",
        at_least=expectation.min_detail,
    )


KIND: Final = Kind(
    name=NAME,
    make=make,
    fee_units=fee_units,
    media_urls=media_urls,
    prove=prove,
    checks=("size", "entropy", "likeness", "detail"),
)

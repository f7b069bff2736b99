"""`image-to-image`: a picture that was drawn for the job, to be made anew in another style.

The proof: the answer still shows the composition that was sent (`likeness.kinship`), and yet was
made anew. The sent picture has a fine grain all over. Whoever gives it back, coded anew, tinted,
brightened or sharpened, gives the grain back, too; a model, which sees and paints through an
autoencoder, cannot. And no linear filter of the sent picture, such as a blur, makes the answer.
"""

import functools
import random
from typing import TYPE_CHECKING, Final

from PIL import Image

from exporter.model import Outcome
from exporter.pipelines import prompts
from exporter.pipelines.drawing import grained_scene, png
from exporter.pipelines.findings import Findings, number
from exporter.pipelines.grain_kept import grain_kept
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
from exporter.pipelines.likeness import kinship
from exporter.pipelines.multipart import form_request
from exporter.pipelines.picture_answer import judged, media_urls
from exporter.pipelines.still import entropy, still

if TYPE_CHECKING:
    # Worker processes import this module, and need neither the settings nor what those import.
    from exporter.settings import ImageToImage

NAME: Final = "image-to-image"
UNIT: Final = "megapixel-step"
_SEEDS: Final = 2**63


class RestyledExpectation(Expectation, frozen=True, kw_only=True):
    """What the picture must be."""

    width: int
    height: int
    drawing: int
    """The seed of the picture that was sent: it is drawn again for the proof."""
    seed: int
    min_entropy: float
    min_likeness: float
    max_copied: float
    min_novelty: float


def make(parameters: "ImageToImage", model: str, rng: random.Random) -> Prepared:
    """Make a job: a new picture, a new wish and a new seed."""
    width, height = parameters.width, parameters.height
    drawing, seed = rng.randrange(_SEEDS), rng.randrange(2**31)
    _, sent = grained_scene(drawing, width, height)
    fields: dict[str, str | float | bool] = {
        "model_id": model,
        "prompt": prompts.restyling(rng),
        "strength": parameters.strength,
        "guidance_scale": parameters.guidance_scale,
        "image_guidance_scale": parameters.image_guidance_scale,
        "num_inference_steps": parameters.num_inference_steps,
        "num_images_per_prompt": 1,
        "seed": seed,
    }
    return Prepared(
        request=form_request(NAME, fields, ("image", "image.png", png(sent), "image/png")),
        unit=UNIT,
        units=width * height / 1e6 * parameters.num_inference_steps,
        expectation=RestyledExpectation(
            exempt=tuple(parameters.exempt),
            width=width,
            height=height,
            drawing=drawing,
            seed=seed,
            min_entropy=parameters.min_entropy,
            min_likeness=parameters.min_likeness,
            max_copied=parameters.max_copied,
            min_novelty=parameters.min_novelty,
        ),
    )


def fee_units(parameters: "ImageToImage") -> float:
    """Pixels of the one picture."""
    return float(parameters.width * parameters.height)


def prove(expectation: Expectation, answer: Answer) -> Verdict:
    """Judge the answer and its picture."""
    if not isinstance(expectation, RestyledExpectation):
        raise TypeError("an image-to-image job expects a restyled picture")
    return judged(answer, expectation.seed, functools.partial(_judge, expectation))


def _judge(expectation: RestyledExpectation, media: Media) -> Verdict:
    asked = (expectation.width, expectation.height)
    findings = Findings(expectation.exempt)
    try:
        picture, image = still(findings, media, asked)
    except InvalidArtefact as error:
        return Verdict(outcome=Outcome.INVALID_ARTEFACT, message=str(error))
    entropy(findings, picture.artefact, expectation.min_entropy)
    if not findings.failed:
        _compare(findings, expectation, image)
    return findings.verdict(artefacts=(picture.artefact,))


def _compare(findings: Findings, expectation: RestyledExpectation, image: Image.Image) -> None:
    size = (expectation.width, expectation.height)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    clean, sent = grained_scene(expectation.drawing, *size)
    alike = kinship(clean, image)
    findings.check(
        "likeness",
        alike,
        f"the picture has nothing to do with the one that was sent: they correlate by "
        f"{number(alike)}, at least {expectation.min_likeness:.2f} is expected",
        at_least=expectation.min_likeness,
    )
    kept = grain_kept(clean, sent, image)
    findings.check(
        "copied",
        kept,
        f"the picture is the one that was sent: the grain of the two correlates by {kept:.2f}, "
        f"at most {expectation.max_copied:.2f} is expected of one that was made anew",
        at_most=expectation.max_copied,
    )
    new = novelty(sent, image)
    findings.check(
        "novelty",
        new,
        "the picture is the one that was sent, but for a blur or the like: a filter of it leaves "
        f"{number(new)} of the contrast unexplained, at least {expectation.min_novelty:.2f} is "
        "expected",
        at_least=expectation.min_novelty,
    )


KIND: Final = Kind(
    name=NAME,
    make=make,
    fee_units=fee_units,
    media_urls=media_urls,
    prove=prove,
    checks=("size", "entropy", "likeness", "copied", "novelty"),
)

"""`text-to-image`: one picture, made from a text that was never used before.

The proof: one still picture of the size asked for, decodable, not blank, and neither noise nor a
plain gradient (`exporter.pipelines.composition`). What it shows is not checked; that it was never
shown before is found by its fingerprint (`exporter.pipelines.seen`).
"""

import functools
import random
from typing import TYPE_CHECKING, Final

import msgspec

from exporter.model import Outcome
from exporter.pipelines import prompts
from exporter.pipelines.composition import edges, structure
from exporter.pipelines.findings import Findings
from exporter.pipelines.job import (
    Answer,
    Expectation,
    InvalidArtefact,
    Kind,
    Media,
    Prepared,
    Request,
    Verdict,
)
from exporter.pipelines.picture_answer import judged, media_urls
from exporter.pipelines.still import entropy, still

if TYPE_CHECKING:
    # Worker processes import this module, and need neither the settings nor what those import.
    from exporter.settings import TextToImage

NAME: Final = "text-to-image"
UNIT: Final = "megapixel-step"


class PictureExpectation(Expectation, frozen=True, kw_only=True):
    """What the picture must be."""

    width: int
    height: int
    seed: int
    min_entropy: float
    """Bits of the grey histogram under which it is blank."""
    min_structure: float
    min_edges: float


def make(parameters: "TextToImage", model: str, rng: random.Random) -> Prepared:
    """Make a job: a new description and a new seed."""
    seed = rng.randrange(2**31)
    body = msgspec.json.encode(
        {
            "model_id": model,
            "prompt": prompts.picture(rng),
            "width": parameters.width,
            "height": parameters.height,
            "num_inference_steps": parameters.num_inference_steps,
            "guidance_scale": parameters.guidance_scale,
            "num_images_per_prompt": 1,
            "seed": seed,
        }
    )
    return Prepared(
        request=Request(
            path=f"/{NAME}",
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            body=body,
            summary=body.decode(),
        ),
        unit=UNIT,
        units=parameters.width * parameters.height / 1e6 * parameters.num_inference_steps,
        expectation=PictureExpectation(
            exempt=tuple(parameters.exempt),
            width=parameters.width,
            height=parameters.height,
            seed=seed,
            min_entropy=parameters.min_entropy,
            min_structure=parameters.min_structure,
            min_edges=parameters.min_edges,
        ),
    )


def fee_units(parameters: "TextToImage") -> float:
    """Pixels of the one picture."""
    return float(parameters.width * parameters.height)


def prove(expectation: Expectation, answer: Answer) -> Verdict:
    """Judge the answer and its picture."""
    if not isinstance(expectation, PictureExpectation):
        raise TypeError("a text-to-image job expects a picture")
    return judged(answer, expectation.seed, functools.partial(_judge, expectation))


def _judge(expectation: PictureExpectation, media: Media) -> Verdict:
    asked = (expectation.width, expectation.height)
    findings = Findings(expectation.exempt)
    try:
        picture, image = still(findings, media, asked)
    except InvalidArtefact as error:
        return Verdict(outcome=Outcome.INVALID_ARTEFACT, message=str(error))
    entropy(findings, picture.artefact, expectation.min_entropy)
    found = structure(image)
    findings.check(
        "structure",
        found,
        "nothing is to be seen but noise or a plain gradient: neighbouring parts, less the smooth "
        f"surface beneath, correlate by {found:.2f}, at least {expectation.min_structure:.2f} is "
        "expected",
        at_least=expectation.min_structure,
        outcome=Outcome.INVALID_ARTEFACT,
    )
    found = edges(image)
    findings.check(
        "edges",
        found,
        f"nothing is to be seen but smooth gradients: the sharpest bends are {found:.3f} of the "
        f"contrast, at least {expectation.min_edges:.3f} is expected",
        at_least=expectation.min_edges,
        outcome=Outcome.INVALID_ARTEFACT,
    )
    return findings.verdict(artefacts=(picture.artefact,))


KIND: Final = Kind(
    name=NAME,
    make=make,
    fee_units=fee_units,
    media_urls=media_urls,
    prove=prove,
    checks=("size", "entropy", "structure", "edges"),
)

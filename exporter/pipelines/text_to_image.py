"""`text-to-image`: one picture, made from a text that was never used before.

The proof: one picture of the size asked for, decodable, not blank.
"""

import random
from typing import TYPE_CHECKING, Final

import msgspec

from exporter.model import Artefact, Outcome
from exporter.pipelines import prompts
from exporter.pipelines.data_url import is_data_url
from exporter.pipelines.job import (
    Answer,
    Expectation,
    InvalidArtefact,
    InvalidResponse,
    Prepared,
    Request,
    Verdict,
)
from exporter.pipelines.picture import inspect
from exporter.pipelines.response import decode, excerpt, record

if TYPE_CHECKING:
    # Worker processes import this module, and need neither the settings nor what those import.
    from exporter.settings import TextToImage as TextToImageSettings

NAME: Final = "text-to-image"
UNIT: Final = "megapixel-step"
URL_LIMIT = 2048
_PIXELS_SPARE = 4
"""Pictures up to so many times the size asked for are decoded, to be told apart in the record."""


class PictureExpectation(Expectation, frozen=True, kw_only=True):
    """What the picture must be."""

    width: int
    height: int
    seed: int
    min_entropy: float
    """Bits of the grey histogram under which it is blank."""


class _Image(msgspec.Struct):
    url: str
    seed: int | None = None
    nsfw: bool | None = None


class _Images(msgspec.Struct):
    images: list[_Image] | None


class TextToImage:
    """Makes `text-to-image` jobs with the parameters of the settings."""

    name: Final = NAME

    def __init__(self, settings: "TextToImageSettings") -> None:
        self._settings = settings

    def prepare(self, model: str, rng: random.Random) -> Prepared:
        """Make a job: a new description and a new seed."""
        settings = self._settings
        seed = rng.randrange(2**31)
        body = msgspec.json.encode(
            {
                "model_id": model,
                "prompt": prompts.picture(rng),
                "width": settings.width,
                "height": settings.height,
                "num_inference_steps": settings.num_inference_steps,
                "guidance_scale": settings.guidance_scale,
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
            units=settings.width * settings.height / 1e6 * settings.num_inference_steps,
            expectation=PictureExpectation(
                width=settings.width,
                height=settings.height,
                seed=seed,
                min_entropy=settings.min_entropy,
            ),
        )

    def fee_units(self, model: str) -> float:  # noqa: ARG002 - the same for every model
        """Pixels of the one picture."""
        return float(self._settings.width * self._settings.height)

    def media_urls(self, body: bytes) -> list[str]:
        """The picture's URL, perhaps relative or a `data:` URL; none if it was filtered."""
        image = _read(body)
        return [] if image.nsfw else [image.url]


def prove(expectation: Expectation, answer: Answer) -> Verdict:
    """Judge the answer and its picture."""
    if not isinstance(expectation, PictureExpectation):
        raise TypeError("a text-to-image job expects a picture")
    try:
        image = _read(answer.body)
    except InvalidResponse as error:
        return Verdict(
            outcome=Outcome.INVALID_RESPONSE,
            message=str(error),
            response=record({"body": answer.body[:1024].decode("utf-8", "replace")}),
        )
    response = _response(image)
    if image.nsfw:
        return Verdict(
            outcome=Outcome.NSFW_FILTERED,
            message="the picture was withheld as not safe for work",
            response=response,
        )
    if len(answer.media) != 1:
        return Verdict(
            outcome=Outcome.TESTER_ERROR,
            message=f"one picture was to be fetched, {len(answer.media)} were handed to the proof",
            response=response,
        )
    verdict = _judge(expectation, answer.media[0].body, answer.media[0].content_type)
    evidence = verdict.evidence + _seed_evidence(expectation, image)
    return msgspec.structs.replace(verdict, response=response, evidence=evidence)


def _read(body: bytes) -> _Image:
    images = decode(body, _Images).images
    if not images:
        raise InvalidResponse("the answer has no image")
    if len(images) > 1:
        raise InvalidResponse(f"one image was asked for, the answer has {len(images)}")
    image = images[0]
    if not image.url.strip():
        raise InvalidResponse("the image has an empty URL")
    if len(image.url) > URL_LIMIT and not is_data_url(image.url):
        raise InvalidResponse(
            f"the image's URL is longer than {URL_LIMIT} characters; it begins {excerpt(image.url)}"
        )
    return image


def _judge(expectation: PictureExpectation, data: bytes, claimed: str | None) -> Verdict:
    asked = (expectation.width, expectation.height)
    try:
        picture = inspect(data, max_pixels=_PIXELS_SPARE * asked[0] * asked[1])
    except InvalidArtefact as error:
        return Verdict(outcome=Outcome.INVALID_ARTEFACT, message=str(error))
    artefact = picture.artefact
    complaint = _complaint(expectation, artefact, picture.frames)
    return Verdict(
        outcome=Outcome.INVALID_ARTEFACT if complaint else Outcome.OK,
        message=complaint or "",
        evidence=_claim_evidence(artefact.kind, claimed),
        artefacts=(artefact,),
        proof={
            "size": float((artefact.width, artefact.height) == asked),
            "entropy": artefact.entropy or 0.0,
        },
    )


def _complaint(expectation: PictureExpectation, artefact: Artefact, frames: int) -> str | None:
    width, height = expectation.width, expectation.height
    if (artefact.width, artefact.height) != (width, height):
        return (
            f"a picture of {width}x{height} pixels was asked for, "
            f"this one has {artefact.width}x{artefact.height}"
        )
    if frames > 1:
        return f"a still picture was asked for, this one has {frames} frames"
    entropy = artefact.entropy or 0.0
    if entropy < expectation.min_entropy:
        return (
            f"the picture is blank: its grey histogram has {entropy:.2f} bits of entropy, "
            f"at least {expectation.min_entropy:.2f} are expected"
        )
    return None


def _claim_evidence(kind: str, claimed: str | None) -> tuple[str, ...]:
    claim = (claimed or "").partition(";")[0].strip().lower()
    if claim in ("", kind):
        return ()
    return (f"the media was declared {excerpt(claim, 60)}, its content is {kind}",)


def _seed_evidence(expectation: PictureExpectation, image: _Image) -> tuple[str, ...]:
    if image.seed in (None, expectation.seed):
        return ()
    return (f"the answer names the seed {str(image.seed)[:20]}, {expectation.seed} was asked for",)


def _response(image: _Image) -> str:
    url = image.url[:64] + "…" if is_data_url(image.url) else image.url
    return record({"images": [{"url": url, "seed": image.seed, "nsfw": image.nsfw}]})

"""`image-to-text`: a captioner is shown a picture drawn for this job, and must say what is on it.

The proof: the caption names the form or its colour, by any of many words, and names more that is
there than that is not. So neither a caption that always says the same nor one that says everything
does; how often one is right by luck stands in `docs/pipelines.md`. Two honest captions may be
equal, so none is taken for a replay.
"""

import hashlib
import random
from typing import TYPE_CHECKING, Final

import msgspec

from exporter.model import Artefact, Outcome
from exporter.pipelines import captions, simple_scene
from exporter.pipelines.drawing import png
from exporter.pipelines.findings import Findings
from exporter.pipelines.job import Answer, Expectation, InvalidResponse, Kind, Prepared, Verdict
from exporter.pipelines.multipart import form_request
from exporter.pipelines.response import decode, excerpt, record
from exporter.pipelines.simple_scene import Content

if TYPE_CHECKING:
    # Worker processes import this module, and need neither the settings nor what those import.
    from exporter.settings import ImageToText

NAME: Final = "image-to-text"
UNIT: Final = "megapixel"


class CaptionExpectation(Expectation, frozen=True, kw_only=True):
    """What the caption is to tell."""

    shown: Content
    prompt: str
    max_characters: int
    min_words: int
    min_share: float


class _Caption(msgspec.Struct):
    text: str


def make(parameters: "ImageToText", model: str, rng: random.Random) -> Prepared:
    """Make a job: a new picture."""
    shown = simple_scene.content(rng)
    picture = simple_scene.picture(rng, shown, parameters.size)
    return Prepared(
        request=form_request(
            NAME,
            {"model_id": model, "prompt": parameters.prompt},
            ("image", "image.png", png(picture), "image/png"),
        ),
        unit=UNIT,
        units=fee_units(parameters) / 1e6,
        expectation=CaptionExpectation(
            exempt=tuple(parameters.exempt),
            shown=shown,
            prompt=parameters.prompt,
            max_characters=parameters.max_characters,
            min_words=parameters.min_words,
            min_share=parameters.min_share,
        ),
    )


def fee_units(parameters: "ImageToText") -> float:
    """Pixels of the picture that is sent."""
    return float(parameters.size**2)


def media_urls(body: bytes) -> list[str]:  # noqa: ARG001 - a text has no media
    """None: a text has no media. What is wrong with it, the proof says."""
    return []


def prove(expectation: Expectation, answer: Answer) -> Verdict:
    """Judge the caption."""
    if not isinstance(expectation, CaptionExpectation):
        raise TypeError("an image-to-text job expects a caption")
    try:
        text = _read(answer.body)
    except InvalidResponse as error:
        return Verdict(
            outcome=Outcome.INVALID_RESPONSE,
            message=str(error),
            response=record({"body": answer.body[:2048].decode("utf-8", "replace")}),
            unique=False,
        )
    return _judge(expectation, text)


def _read(body: bytes) -> str:
    text = decode(body, _Caption).text
    if not any(letter.isprintable() and not letter.isspace() for letter in text):
        raise InvalidResponse("the caption is an empty text")
    return text


def _judge(expectation: CaptionExpectation, text: str) -> Verdict:
    findings = Findings(expectation.exempt)
    findings.check(
        "length",
        len(text),
        f"the caption has {len(text)} characters, "
        f"at most {expectation.max_characters} are expected",
        at_most=expectation.max_characters,
    )
    _judge_words(findings, expectation, text[: expectation.max_characters])
    findings.note(
        f"the picture shows {expectation.shown}; the caption begins {excerpt(text)}"
        if findings.failed
        else f"the picture shows {expectation.shown}"
    )
    data = text.encode()
    return findings.verdict(
        artefacts=(
            Artefact(kind="text", bytes=len(data), sha256=hashlib.sha256(data).hexdigest()),
        ),
        response=record({"text": text}),
        unique=False,
    )


def _judge_words(findings: Findings, expectation: CaptionExpectation, text: str) -> None:
    found = captions.named(text, expectation.shown, expectation.prompt)
    right = _list(found.right)
    findings.check(
        "words",
        found.found,
        f"the picture shows {expectation.shown}; of that the caption names {right}, at least "
        f"{expectation.min_words} of it is expected, the form or its colour among them",
        at_least=expectation.min_words,
    )
    if found.share is not None:
        findings.check(
            "share",
            found.share,
            f"the picture shows {expectation.shown}; the caption names of that {right}, but also "
            f"{_list(found.wrong)}: {found.share:.2f} of what it names is right, "
            f"at least {expectation.min_share:.2f} is expected",
            at_least=expectation.min_share,
        )


def _list(things: tuple[str, ...]) -> str:
    return ", ".join(things) or "nothing"


KIND: Final = Kind(
    name=NAME,
    make=make,
    fee_units=fee_units,
    media_urls=media_urls,
    prove=prove,
    checks=("length", "words", "share"),
)

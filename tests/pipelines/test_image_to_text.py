import io
import random
import time

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from exporter.model import Outcome
from exporter.pipelines import Answer, Verdict
from exporter.pipelines.image_to_text import KIND, CaptionExpectation, prove
from exporter.pipelines.job import RESPONSE_LIMIT, Expectation
from exporter.pipelines.simple_scene import COLOURS, Content
from exporter.settings import ImageToText
from tests.pipelines.crafted import read

GOOD = "a picture of a red star on a blue background"


def expectation(min_words: int = 1, exempt: tuple[str, ...] = ()) -> CaptionExpectation:
    return CaptionExpectation(
        shown=Content("red", "star", "blue"),
        prompt="a picture of",
        max_characters=200,
        min_words=min_words,
        min_share=0.65,
        exempt=exempt,
    )


def verdict(body: bytes) -> Verdict:
    return prove(expectation(), Answer(body=body))


def said(text: object, **others: object) -> Verdict:
    return verdict(msgspec.json.encode({"text": text, **others}))


def scores(found: Verdict) -> dict[str, float | None]:
    return {check.name: check.score for check in found.proof}


def test_a_job_sends_a_picture_of_its_own_with_model_and_prompt() -> None:
    settings = ImageToText(size=200, prompt="What is this?", min_words=2)
    rng = random.Random(1)
    jobs = [KIND.make(settings, "maker/model", rng) for _ in range(50)]
    assert len({job.request.body for job in jobs}) == 50
    for job in jobs:
        fields, files = read(job.request)
        assert fields == {"model_id": "maker/model", "prompt": "What is this?"}
        asked = job.expectation
        assert isinstance(asked, CaptionExpectation)
        assert (asked.min_words, asked.prompt) == (2, "What is this?")
        with Image.open(io.BytesIO(files["image"])) as image:
            assert (image.format, image.size) == ("PNG", (200, 200))
            corner = np.array(image.getpixel((0, 0)))
        assert np.abs(corner - COLOURS[asked.shown.ground]).max() <= 12
        assert job.request.path == "/image-to-text"
        assert not job.request.stream
        assert job.unit == "megapixel"
        assert job.units == pytest.approx(0.04)
    assert KIND.fee_units(settings) == 40_000
    assert KIND.media_urls(b"anything") == []


def test_a_prompt_may_be_empty() -> None:
    job = KIND.make(ImageToText(prompt=""), "m", random.Random(1))
    assert read(job.request)[0] == {"model_id": "m", "prompt": ""}


def test_a_true_caption_is_good_and_others_may_say_the_same() -> None:
    found = said(GOOD, more=["of", {"anything": None}])
    assert found.outcome is Outcome.OK
    assert scores(found) == {"length": len(GOOD), "words": 3, "share": 1}
    assert not found.unique
    assert found.evidence == ("the picture shows a red star on blue ground",)
    assert msgspec.json.decode(found.response) == {"text": GOOD}
    (artefact,) = found.artefacts
    assert (artefact.kind, artefact.bytes) == ("text", len(GOOD))


def test_a_caption_that_names_nothing_of_the_picture_is_told_what_there_was() -> None:
    found = said("a picture of a cat")
    assert found.outcome is Outcome.WRONG_ANSWER
    assert found.message == (
        "the picture shows a red star on blue ground; of that the caption names nothing, at least "
        "1 of it is expected, the form or its colour among them"
    )
    assert "the caption begins 'a picture of a cat'" in found.evidence[-1]
    assert scores(found) == {"length": 18, "words": 0}


def test_a_caption_that_names_more_wrong_than_right_is_told_what() -> None:
    found = said("a green star on a pink background")
    assert found.outcome is Outcome.WRONG_ANSWER
    assert found.message == (
        "the picture shows a red star on blue ground; the caption names of that star, but also "
        "green, pink: 0.20 of what it names is right, at least 0.65 is expected"
    )


@pytest.mark.parametrize(
    ("caption", "outcome"),
    [
        ("a red thing", Outcome.OK),
        ("a star", Outcome.OK),
        ("a red kite", Outcome.OK),
        ("a red ball in the sky", Outcome.OK),
        ("a close up of a starfish with a white border", Outcome.OK),
        ("a blue background", Outcome.WRONG_ANSWER),
        ("red and blue and green and yellow", Outcome.WRONG_ANSWER),
        ("a red or a green or a yellow thing", Outcome.WRONG_ANSWER),
        ("a star, a heart, a circle", Outcome.WRONG_ANSWER),
        ("a picture of", Outcome.WRONG_ANSWER),
        ("ein roter Stern", Outcome.WRONG_ANSWER),
        ("xkcd 0451 %%%", Outcome.WRONG_ANSWER),
        ("rеd ѕtаr", Outcome.WRONG_ANSWER),  # noqa: RUF001 - Cyrillic letters that look the same
    ],
)
def test_captions_are_told_apart(caption: str, outcome: Outcome) -> None:
    assert said(caption).outcome is outcome


def test_more_can_be_asked_for() -> None:
    def found(caption: str, min_words: int) -> Outcome:
        body = msgspec.json.encode({"text": caption})
        return prove(expectation(min_words), Answer(body=body)).outcome

    assert found("a red thing", 2) is Outcome.WRONG_ANSWER
    assert found("a red thing on blue", 2) is Outcome.OK
    assert found("a red thing on blue", 3) is Outcome.WRONG_ANSWER
    assert found(GOOD, 3) is Outcome.OK


def test_a_text_that_has_no_end_is_no_caption() -> None:
    assert said(GOOD + " " * 156).outcome is Outcome.OK
    found = said(GOOD + " " * 157)
    assert found.outcome is Outcome.WRONG_ANSWER
    assert found.message == "the caption has 201 characters, at most 200 are expected"


@pytest.mark.parametrize(
    ("exempt", "caption"),
    [
        ("length", GOOD + " and so on" * 50),
        ("words", "ein roter Stern auf blauem Grund"),
        ("share", "a star, a heart and a green ball"),
    ],
)
def test_a_model_can_be_exempt_from_each_check(exempt: str, caption: str) -> None:
    answer = Answer(body=msgspec.json.encode({"text": caption}))
    assert prove(expectation(), answer).outcome is Outcome.WRONG_ANSWER
    found = prove(expectation(exempt=(exempt,)), answer)
    assert found.outcome is Outcome.OK
    assert any(line.startswith(f"exempt from {exempt}") for line in found.evidence)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"a red star"',
        b'{"text": null}',
        b'{"text": ["a red star"]}',
        b'{"text": {"text": "a red star"}}',
        b'{"text": 7}',
        b'{"text": NaN}',
        b'{"text": ""}',
        b'{"text": " \\n\\t "}',
        b'{"text": "\\u200b\\u202e\\u0000"}',
        b'{"text": "\\ud800"}',
        b'{"text": "a red star"',
        b'{"caption": "a red star"}',
        b"\xff\xfe\x00",
        b"<html>a red star</html>",
        b'{"text": ' + b"[" * 100_000,
        b"[" * 100_000,
    ],
)
def test_another_form_is_no_answer(body: bytes) -> None:
    found = verdict(body)
    assert found.outcome is Outcome.INVALID_RESPONSE
    assert found.message
    assert len(found.response.encode()) <= RESPONSE_LIMIT


@pytest.mark.parametrize("unit", ["red star ", "\u0301", "\U0001f534", "s" * 50, "\ufdfa", "\x00"])
def test_megabytes_of_text_are_judged_at_once(unit: str) -> None:
    text = unit * (4_000_000 // len(unit)) + "."
    started = time.process_time()
    found = said(text)
    assert time.process_time() - started < 5
    assert found.outcome is Outcome.WRONG_ANSWER
    assert len(found.response.encode()) <= RESPONSE_LIMIT
    assert len(found.message) < 500
    assert sum(map(len, found.evidence)) < 2000


@given(st.text(max_size=300))
def test_any_text_gets_a_verdict(text: str) -> None:
    assert said(text).outcome in {Outcome.OK, Outcome.WRONG_ANSWER, Outcome.INVALID_RESPONSE}


def test_what_another_pipeline_expects_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        prove(Expectation(), Answer(body=b"{}"))

import io
import random
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from pydantic import ValidationError

from exporter.model import Outcome
from exporter.pipelines import Answer, Media, Prepared, Verdict
from exporter.pipelines.image_to_video import KIND, FilmExpectation, prove
from exporter.pipelines.text_to_image import PictureExpectation
from exporter.pipelines.upscale import UpscaledExpectation
from exporter.settings import ImageToVideo, Pipelines
from exporter.simulation.craft.film_file import film_file
from tests.pipelines.crafted import read
from tests.pipelines.pictures import answer, encoded

PARAMETERS = ImageToVideo(width=320, height=256)
OK_CHECKS = ["size", "frames", "seconds", "entropy", "likeness", "copied", "motion", "continuity"]


def job(seed: int = 1, **changes: Any) -> Prepared:
    return KIND.make(PARAMETERS.model_copy(update=changes), "maker/model", random.Random(seed))


def sent(prepared: Prepared) -> Image.Image:
    _, files = read(prepared.request)
    return Image.open(io.BytesIO(files["image"]))


JOB = job()
SENT = sent(JOB)


def panned(image: Image.Image, frames: int = 14, step: int = 2) -> list[Image.Image]:
    """What a camera sees that goes to the right, with the edge repeated."""
    pixels = np.asarray(image)
    wide = np.pad(pixels, ((0, 0), (0, frames * step), (0, 0)), mode="edge")
    return [Image.fromarray(wide[:, at * step : at * step + image.width]) for at in range(frames)]


def softened(image: Image.Image) -> Image.Image:
    """Without the grain, as an autoencoder gives it back."""
    return image.filter(ImageFilter.MedianFilter(7))


def film(frames: Sequence[Image.Image], rate: int = 6) -> bytes:
    return film_file(frames, rate).data


GOOD_FRAMES = panned(softened(SENT))
GOOD = film(GOOD_FRAMES)


def verdict(media: bytes, prepared: Prepared = JOB) -> Verdict:
    return prove(prepared.expectation, answer(media, "video/mp4"))


def scores(found: Verdict) -> dict[str, float | None]:
    return {check.name: check.score for check in found.proof}


def test_a_job_sends_a_picture_drawn_for_it() -> None:
    fields, files = read(JOB.request)
    seed = fields.pop("seed")
    assert fields == {
        "model_id": "maker/model",
        "width": "320",
        "height": "256",
        "fps": "6",
        "motion_bucket_id": "127",
        "noise_aug_strength": "0.02",
        "num_inference_steps": "25",
    }
    assert set(files) == {"image"}
    assert (SENT.format, SENT.size, SENT.mode) == ("PNG", (320, 256), "RGB")
    assert isinstance(JOB.expectation, FilmExpectation)
    assert str(JOB.expectation.seed) == seed
    assert JOB.request.path == "/image-to-video"
    assert (JOB.unit, JOB.units) == ("video-second", None)
    assert len({job(seed).request.body for seed in range(5)}) == 5


def test_it_is_paid_by_25_frames_and_a_gateway_pays_for_the_default_at_prices_that_were_seen() -> (
    None
):
    assert KIND.fee_units(PARAMETERS) == 320 * 256 * 25
    price, most = 3.4e6, 2e13
    default = KIND.fee_units(ImageToVideo())
    assert default is not None
    assert default * price < most


def test_a_film_that_begins_with_the_picture_made_anew_and_moves_is_good() -> None:
    good = verdict(GOOD)
    assert (good.outcome, good.message, good.evidence) == (Outcome.OK, "", ())
    assert list(scores(good)) == OK_CHECKS
    (artefact,) = good.artefacts
    assert (artefact.kind, artefact.width, artefact.height) == ("video/mp4", 320, 256)
    assert artefact.bytes == len(GOOD)
    assert artefact.fingerprint is not None
    assert good.unique


def test_the_work_is_that_of_the_frames_whatever_time_they_are_shown_for() -> None:
    assert verdict(GOOD).units == pytest.approx(14 / 6)
    slow = verdict(film(GOOD_FRAMES, 3))
    assert slow.outcome is Outcome.OK
    assert scores(slow)["seconds"] == pytest.approx(14 / 3, abs=0.01)
    assert slow.units == pytest.approx(14 / 6)


@pytest.mark.parametrize(
    ("media", "complaint"),
    [
        (b"", "the media file is empty"),
        (b"<!doctype html><p>Sorry", "no MP4 or WebM film"),
        (encoded(softened(SENT)), "no MP4 or WebM film"),
        (encoded(SENT, "GIF", save_all=True, append_images=[softened(SENT)]), "no MP4 or WebM"),
        (GOOD[: len(GOOD) // 2], "the film cannot be decoded"),
        (
            film([one.reduce(2) for one in GOOD_FRAMES]),
            "a film of 320x256 pixels was asked for, this one has 160x128",
        ),
        (film([one.resize((1280, 1024)) for one in GOOD_FRAMES]), "1280x1024 pixels, more than"),
        (film(GOOD_FRAMES[:11]), "the film has 11 frames, at least 12 are expected"),
        (film(GOOD_FRAMES[:1]), "the film has 1 frames, at least 12 are expected"),
        (film(GOOD_FRAMES * 22), "308 frames by its header, more than 300 are not decoded"),
        (film(GOOD_FRAMES, 60), "the film lasts 0.23 s, 0.33 to 300.00 s are expected at 6 frames"),
        (film([Image.new("RGB", (320, 256), "red")] * 14), "blank"),
    ],
)
def test_what_is_no_such_film_is_an_invalid_artefact(media: bytes, complaint: str) -> None:
    bad = verdict(media)
    assert bad.outcome is Outcome.INVALID_ARTEFACT
    assert complaint in bad.message


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        (
            panned(softened(sent(job(2)))),
            "does not begin with the picture that was sent: they correlate by",
        ),
        (panned(SENT), "begins with the very picture that was sent: the grain of the two"),
        ([SENT] * 14, "begins with the very picture that was sent: the grain of the two"),
        ([softened(SENT)] * 14, "nothing moves: no frame differs from the first one by more"),
        (
            [softened(sent(job(seed))) for seed in range(1, 15)],
            "the frames have nothing to do with each other: one correlates with the next by",
        ),
        (
            [softened(SENT)] + [Image.effect_noise((320, 256), 90).convert("RGB")] * 3,
            "the film has 4 frames",
        ),
    ],
)
def test_a_film_that_is_no_answer_is_told_from_one(
    frames: list[Image.Image], complaint: str
) -> None:
    bad = verdict(film(frames))
    assert bad.outcome in (Outcome.WRONG_ANSWER, Outcome.INVALID_ARTEFACT)
    assert complaint in bad.message


def test_a_film_that_goes_dark_after_its_first_frame_has_no_continuity() -> None:
    dark = verdict(film([softened(SENT)] + [Image.new("RGB", (320, 256))] * 13))
    assert dark.outcome is Outcome.WRONG_ANSWER
    assert "one correlates with the next by no number at all" in dark.message


@pytest.mark.parametrize(
    ("check", "frames", "rate"),
    [
        ("size", [one.resize((400, 320)) for one in GOOD_FRAMES], 6),
        ("frames", GOOD_FRAMES[:10], 6),
        ("seconds", GOOD_FRAMES, 60),
        ("likeness", panned(softened(sent(job(2)))), 6),
        ("copied", panned(SENT), 6),
        ("motion", [softened(SENT)] * 14, 6),
        ("continuity", [softened(sent(job(seed))) for seed in range(1, 15)], 6),
    ],
)
def test_a_model_can_be_exempted_from_each_check(
    check: str, frames: list[Image.Image], rate: int
) -> None:
    media = film(frames, rate)
    strict, lenient = verdict(media), verdict(media, job(exempt=[check]))
    assert strict.outcome is not Outcome.OK
    assert lenient.outcome is Outcome.OK
    assert lenient.evidence[0].startswith(f"exempt from {check} by the settings: ")


def test_each_threshold_is_a_setting() -> None:
    changes: list[tuple[dict[str, Any], str]] = [
        ({"min_frames": 15}, "frames"),
        ({"fps": 12, "duration_tolerance": 1.0, "min_frames": 14, "max_frames": 20}, "seconds"),
        ({"min_entropy": 8.0}, "entropy"),
        ({"min_likeness": 0.9999}, "likeness"),
        ({"max_copied": 0.001}, "copied"),
        ({"min_motion": 200.0}, "motion"),
        ({"min_continuity": 0.9999}, "continuity"),
    ]
    for change, failing in changes:
        media = film(GOOD_FRAMES, 5) if failing == "seconds" else GOOD
        found = verdict(media, job(**change))
        assert [check.name for check in found.proof if not check.passed] == [failing], change


@pytest.mark.parametrize(
    "values",
    [
        {"width": 520},
        {"width": 192},
        {"height": 1088},
        {"fps": 0},
        {"min_frames": 1},
        {"min_frames": 200, "max_frames": 100},
        {"duration_tolerance": 0.5},
        {"min_motion": -1},
        {"exempt": ["still"]},
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Pipelines.model_validate({"image-to-video": {"defaults": values}})


def test_a_film_declared_something_else_is_good_and_it_is_noted() -> None:
    odd = prove(JOB.expectation, answer(GOOD, "image/png"))
    assert odd.outcome is Outcome.OK
    assert odd.evidence == ("the media was declared 'image/png', its content is video/mp4",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b'{"images":[]}',
        b'{"images":null}',
        b'{"frames":[[{"url":"/a.png"}]]}',
        b'{"images":[{"url":NaN}]}',
        b'{"images":[{"url":["/a.mp4"]}]}',
        b'{"images":[{"url":"/a.mp4"},{"url":"/b.mp4"}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_is_an_invalid_response(body: bytes) -> None:
    assert prove(JOB.expectation, answer(b"", body=body)).outcome is Outcome.INVALID_RESPONSE


def test_a_film_that_was_withheld_is_told() -> None:
    body = msgspec.json.encode({"images": [{"url": "/a.mp4", "nsfw": True}]})
    assert KIND.media_urls(body) == []
    assert prove(JOB.expectation, Answer(body=body)).outcome is Outcome.NSFW_FILTERED


def test_a_film_that_was_not_fetched_is_the_testers_error() -> None:
    body = b'{"images":[{"url":"/a.mp4"}]}'
    assert KIND.media_urls(body) == ["/a.mp4"]
    assert prove(JOB.expectation, Answer(body=body)).outcome is Outcome.TESTER_ERROR
    two = (Media(url="/a.mp4", content_type=None, body=GOOD),) * 2
    assert prove(JOB.expectation, Answer(body=body, media=two)).outcome is Outcome.TESTER_ERROR


@pytest.mark.parametrize(
    "other",
    [
        PictureExpectation(
            width=64, height=64, seed=7, min_entropy=0.1, min_structure=0.1, min_edges=0.1
        ),
        UpscaledExpectation(
            width=64,
            height=64,
            scale=4,
            drawing=1,
            seed=7,
            min_entropy=0.1,
            min_likeness=0.1,
            min_detail=0.1,
        ),
    ],
)
def test_an_expectation_of_another_pipeline_is_an_error(
    other: PictureExpectation | UpscaledExpectation,
) -> None:
    with pytest.raises(TypeError, match="expects a film"):
        prove(other, answer(b""))


@settings(deadline=None, max_examples=30)  # each example draws a picture and decodes a film
@given(st.integers(0, len(GOOD)), st.binary(min_size=1, max_size=30))
def test_the_proof_never_raises(place: int, damage: bytes) -> None:
    damaged = GOOD[:place] + damage + GOOD[place + len(damage) :]
    found = verdict(damaged)
    assert found.outcome in (Outcome.OK, Outcome.WRONG_ANSWER, Outcome.INVALID_ARTEFACT)
    assert found.message.isprintable()

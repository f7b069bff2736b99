import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from exporter.model import Outcome
from exporter.pipelines import Prepared, Verdict
from exporter.pipelines.text_to_image import PictureExpectation
from exporter.pipelines.upscale import KIND, UpscaledExpectation, prove
from exporter.settings import Upscale
from tests.pipelines.crafted import read
from tests.pipelines.pictures import answer, encoded, picture

PARAMETERS = Upscale(width=128, height=64, num_inference_steps=10)
PLAIN = [
    Image.Resampling.NEAREST,
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
]


def job(seed: int = 1, parameters: Upscale = PARAMETERS) -> Prepared:
    return KIND.make(parameters, "maker/model", random.Random(seed))


def sent(prepared: Prepared) -> Image.Image:
    _, files = read(prepared.request)
    return Image.open(io.BytesIO(files["image"]))


JOB = job()
SENT = sent(JOB)


def larger(
    image: Image.Image, by: Image.Resampling = Image.Resampling.BICUBIC, scale: int = 4
) -> Image.Image:
    return image.resize((image.width * scale, image.height * scale), by)


def crisp(image: Image.Image, scale: int = 4) -> Image.Image:
    """Larger, with steep edges that no interpolation gives."""
    return larger(image, scale=scale).filter(ImageFilter.ModeFilter(5))


GOOD = encoded(crisp(SENT))


def verdict(media: bytes, prepared: Prepared = JOB) -> Verdict:
    return prove(prepared.expectation, answer(media))


def test_a_job_sends_a_small_picture_drawn_for_it() -> None:
    fields, files = read(JOB.request)
    seed = fields.pop("seed")
    assert set(fields) == {"model_id", "prompt", "num_inference_steps"}
    assert fields["model_id"] == "maker/model"
    assert fields["num_inference_steps"] == "10"
    assert set(files) == {"image"}
    assert (SENT.format, SENT.size, SENT.mode) == ("PNG", (128, 64), "RGB")
    assert isinstance(JOB.expectation, UpscaledExpectation)
    assert str(JOB.expectation.seed) == seed
    assert JOB.request.path == "/upscale"
    assert JOB.unit == "megapixel-step"
    assert JOB.units == pytest.approx(512 * 256 / 1e6 * 10)
    assert len({job(seed).request.body for seed in range(5)}) == 5


def test_it_is_paid_by_the_pixels_that_are_sent() -> None:
    assert KIND.fee_units(PARAMETERS) == 128 * 64


def test_a_picture_with_new_detail_is_good_and_what_was_found_is_told() -> None:
    good = verdict(GOOD)
    assert (good.outcome, good.message) == (Outcome.OK, "")
    assert [check.name for check in good.proof] == [
        "size", "still", "entropy", "likeness", "error", "detail",
    ]  # fmt: skip
    assert good.unique


@pytest.mark.parametrize("by", PLAIN)
def test_plain_interpolation_is_caught(by: Image.Resampling) -> None:
    plain = verdict(encoded(larger(SENT, by)))
    assert plain.outcome is Outcome.WRONG_ANSWER
    assert "merely interpolated" in plain.message
    assert "at least 0.070" in plain.message


def test_plain_interpolation_recoded_as_jpeg_is_caught() -> None:
    assert "merely interpolated" in verdict(encoded(larger(SENT), "JPEG", quality=85)).message


def test_an_interpolation_exempted_from_detail_is_good_and_marked() -> None:
    lenient = job(1, PARAMETERS.model_copy(update={"exempt": ["detail"]}))
    plain = verdict(encoded(larger(SENT)), lenient)
    assert plain.outcome is Outcome.OK
    assert "exempt from detail by the settings" in plain.evidence[0]


def test_another_scale_can_be_asked_for() -> None:
    twice = job(1, PARAMETERS.model_copy(update={"scale": 2}))
    assert verdict(encoded(crisp(SENT, 2)), twice).outcome is Outcome.OK
    assert "256x128 pixels was asked for" in verdict(GOOD, twice).message


def test_another_size_is_compared_where_the_model_is_exempt_from_it() -> None:
    lenient = job(1, PARAMETERS.model_copy(update={"exempt": ["size"]}))
    twice = crisp(SENT).reduce(2)
    assert verdict(encoded(twice), lenient).outcome is Outcome.OK
    strange = picture(size=(256, 128))
    assert verdict(encoded(strange), lenient).outcome is Outcome.WRONG_ANSWER


def test_a_good_answer_to_another_job_is_none_to_this_one() -> None:
    other = verdict(encoded(crisp(sent(job(2)))))
    assert other.outcome is Outcome.WRONG_ANSWER
    assert "shrunk again, is not the one that was sent" in other.message


@pytest.mark.parametrize(
    ("media", "complaint"),
    [
        (b"", "the media file is empty"),
        (encoded(SENT), "512x256 pixels was asked for, this one has 128x64"),
        (encoded(larger(SENT, scale=9)), "more than 524288"),
        (encoded(Image.new("RGB", (512, 256), "red")), "blank"),
        (GOOD[:5000], "cannot be decoded"),
        (encoded(crisp(SENT), save_all=True, append_images=[crisp(SENT)]), "has 2 frames"),
    ],
)
def test_what_is_no_such_picture_is_an_invalid_artefact(media: bytes, complaint: str) -> None:
    bad = verdict(media)
    assert bad.outcome is Outcome.INVALID_ARTEFACT
    assert complaint in bad.message


@pytest.mark.parametrize(
    "body", [b"", b"null", b'{"images":[null]}', b'{"images":[{"url":1e999}]}', b"[" * 100_000]
)
def test_what_is_no_answer_is_an_invalid_response(body: bytes) -> None:
    assert prove(JOB.expectation, answer(b"", body=body)).outcome is Outcome.INVALID_RESPONSE


def test_an_expectation_of_another_pipeline_is_an_error() -> None:
    other = PictureExpectation(
        width=64, height=64, seed=7, min_entropy=0.1, min_structure=0.1, min_edges=0.1
    )
    with pytest.raises(TypeError, match="upscaled picture"):
        prove(other, answer(b""))


@settings(deadline=None, max_examples=40)  # each example draws and decodes a picture
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=8))
def test_the_proof_never_raises(place: int, damage: bytes) -> None:
    damaged = GOOD[:place] + damage + GOOD[place + len(damage) :]
    known = (Outcome.OK, Outcome.WRONG_ANSWER, Outcome.INVALID_ARTEFACT)
    assert verdict(damaged).outcome in known

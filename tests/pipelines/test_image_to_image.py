import io
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from exporter.model import Outcome
from exporter.pipelines import Answer, Prepared, Verdict
from exporter.pipelines.image_to_image import KIND, RestyledExpectation, prove
from exporter.pipelines.text_to_image import PictureExpectation
from exporter.settings import ImageToImage
from tests.pipelines.crafted import read
from tests.pipelines.pictures import answer, encoded, picture

PARAMETERS = ImageToImage(width=320, height=256, num_inference_steps=10, strength=0.4)


def job(seed: int = 1, parameters: ImageToImage = PARAMETERS) -> Prepared:
    return KIND.make(parameters, "maker/model", random.Random(seed))


def sent(prepared: Prepared) -> Image.Image:
    _, files = read(prepared.request)
    return opened(files["image"])


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


JOB = job()
SENT = sent(JOB)


def verdict(media: bytes, prepared: Prepared = JOB) -> Verdict:
    return prove(prepared.expectation, answer(media))


def scores(found: Verdict) -> dict[str, float | None]:
    return {check.name: check.score for check in found.proof}


def softened(image: Image.Image) -> Image.Image:
    """Painted anew, in flat patches of 4x4 pixels."""
    small = image.resize((image.width // 4, image.height // 4), Image.Resampling.BOX)
    return small.resize(image.size, Image.Resampling.NEAREST)


def test_a_job_sends_a_picture_drawn_for_it_with_a_wish() -> None:
    fields, files = read(JOB.request)
    prompt, seed = fields.pop("prompt"), fields.pop("seed")
    assert fields == {
        "model_id": "maker/model",
        "strength": "0.4",
        "guidance_scale": "7.5",
        "image_guidance_scale": "1.5",
        "num_inference_steps": "10",
        "num_images_per_prompt": "1",
    }
    assert set(files) == {"image"}
    assert (SENT.format, SENT.size, SENT.mode) == ("PNG", (320, 256), "RGB")
    assert "turn it into" in str(prompt)
    assert isinstance(JOB.expectation, RestyledExpectation)
    assert str(JOB.expectation.seed) == seed
    assert JOB.request.path == "/image-to-image"
    assert JOB.unit == "megapixel-step"
    assert JOB.units == pytest.approx(0.08192 * 10)
    assert len({job(seed).request.body for seed in range(5)}) == 5


def test_it_is_paid_by_the_pixels() -> None:
    assert KIND.fee_units(PARAMETERS) == 320 * 256


def test_a_picture_made_anew_is_good() -> None:
    good = verdict(encoded(softened(SENT)))
    assert (good.outcome, good.message) == (Outcome.OK, "")
    found = scores(good)
    assert list(found) == ["size", "still", "entropy", "likeness", "copied", "novelty"]
    assert good.artefacts[0].fingerprint is not None
    assert good.unique


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_picture_that_was_sent_is_no_answer(kind: str) -> None:
    copy = verdict(encoded(SENT, kind))
    assert copy.outcome is Outcome.WRONG_ANSWER
    assert "the picture is the one that was sent: the grain" in copy.message
    found = scores(copy)["copied"]
    assert found is not None
    assert found > 0.6


def test_a_blurred_copy_is_no_answer_either() -> None:
    blurred = verdict(encoded(SENT.filter(ImageFilter.GaussianBlur(2))))
    assert blurred.outcome is Outcome.WRONG_ANSWER
    assert "but for a blur" in blurred.message


def test_a_good_answer_to_another_job_is_none_to_this_one() -> None:
    other = verdict(encoded(softened(sent(job(2)))))
    assert other.outcome is Outcome.WRONG_ANSWER
    assert "nothing to do with the one that was sent" in other.message
    assert "at least 0.35" in other.message


def test_a_model_can_be_exempted_from_each_check() -> None:
    lenient = job(1, PARAMETERS.model_copy(update={"exempt": ["copied", "novelty"]}))
    exempted = verdict(encoded(SENT), lenient)
    assert exempted.outcome is Outcome.OK
    assert [one.split(":")[0] for one in exempted.evidence] == [
        "exempt from copied by the settings",
        "exempt from novelty by the settings",
    ]


def test_another_size_is_compared_where_the_model_is_exempt_from_it() -> None:
    lenient = job(1, PARAMETERS.model_copy(update={"exempt": ["size"]}))
    larger = softened(SENT).resize((400, 320), Image.Resampling.NEAREST)
    assert verdict(encoded(larger), lenient).outcome is Outcome.OK
    strange = picture(size=(400, 320))
    assert verdict(encoded(strange), lenient).outcome is Outcome.WRONG_ANSWER


@pytest.mark.parametrize(
    ("media", "complaint"),
    [
        (b"", "the media file is empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a PNG, JPEG or WebP"),
        (encoded(picture(size=(160, 128))), "320x256 pixels was asked for, this one has 160x128"),
        (encoded(picture(size=(1280, 1024))), "has 1280x1024 pixels, more than 327680"),
        (encoded(Image.new("RGB", (320, 256), "red")), "blank"),
        (encoded(softened(SENT))[:5000], "cannot be decoded"),
        (
            encoded(picture(size=(320, 256)), save_all=True, append_images=[SENT]),
            "this one has 2 frames",
        ),
    ],
)
def test_what_is_no_such_picture_is_an_invalid_artefact(media: bytes, complaint: str) -> None:
    bad = verdict(media)
    assert bad.outcome is Outcome.INVALID_ARTEFACT
    assert complaint in bad.message


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"{}", b'{"images":[]}', b'{"images":[{"url":NaN}]}', b"[" * 100_000],
)
def test_what_is_no_answer_is_an_invalid_response(body: bytes) -> None:
    assert prove(JOB.expectation, answer(b"", body=body)).outcome is Outcome.INVALID_RESPONSE


def test_two_pictures_are_one_too_many() -> None:
    body = msgspec.json.encode({"images": [{"url": "/a.png"}, {"url": "/b.png"}]})
    found = prove(JOB.expectation, Answer(body=body))
    assert found.outcome is Outcome.INVALID_RESPONSE


def test_an_expectation_of_another_pipeline_is_an_error() -> None:
    other = PictureExpectation(
        width=64, height=64, seed=7, min_entropy=0.1, min_structure=0.1, min_edges=0.1
    )
    with pytest.raises(TypeError, match="restyled picture"):
        prove(other, answer(b""))


@settings(deadline=None, max_examples=40)  # each example draws and decodes a picture
@given(st.integers(0, 20_000), st.binary(min_size=1, max_size=8))
def test_the_proof_never_raises(place: int, damage: bytes) -> None:
    whole = encoded(picture(size=(320, 256)))
    damaged = whole[:place] + damage + whole[place + len(damage) :]
    assert verdict(damaged).outcome in (Outcome.WRONG_ANSWER, Outcome.INVALID_ARTEFACT)

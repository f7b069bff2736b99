import random
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from exporter.model import Outcome
from exporter.pipelines import Answer, InvalidResponse, Verdict
from exporter.pipelines.text_to_image import KIND, PictureExpectation, prove
from exporter.settings import TextToImage
from tests.pipelines.pictures import answer, encoded, picture

EXPECTED = PictureExpectation(
    width=64, height=64, seed=7, min_entropy=0.1, min_structure=0.12, min_edges=0.05
)
PARAMETERS = TextToImage(width=640, height=320, num_inference_steps=5)
GOOD = encoded(picture())


def verdict(media: bytes, content_type: str = "image/png") -> Verdict:
    return prove(EXPECTED, answer(media, content_type))


def images(*entries: object) -> bytes:
    return msgspec.json.encode({"images": list(entries)})


def test_a_job_is_new_every_time_and_names_its_model() -> None:
    rng = random.Random(1)
    jobs = [KIND.make(PARAMETERS, "maker/model", rng) for _ in range(200)]
    sent: dict[str, Any] = msgspec.json.decode(jobs[0].request.body)
    prompt, seed = sent.pop("prompt"), sent.pop("seed")
    assert sent == {
        "model_id": "maker/model",
        "width": 640,
        "height": 320,
        "num_inference_steps": 5,
        "guidance_scale": 2.0,
        "num_images_per_prompt": 1,
    }
    assert jobs[0].expectation == PictureExpectation(
        width=640, height=320, seed=seed, min_entropy=0.1, min_structure=0.12, min_edges=0.05
    )
    assert len(prompt) > 30
    assert jobs[0].request.path == "/text-to-image"
    assert jobs[0].request.headers["Content-Type"] == "application/json"
    assert jobs[0].unit == "megapixel-step"
    assert jobs[0].units == pytest.approx(0.2048 * 5)
    assert len({job.request.body for job in jobs}) == 200
    assert len({msgspec.json.decode(job.request.body)["prompt"] for job in jobs}) > 195


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        (GOOD, "image/png"),
        (encoded(picture(), "JPEG"), "image/jpeg"),
        (encoded(picture(), "WEBP"), "image/webp"),
        (encoded(picture(mode="RGBA")), "image/png"),
        (encoded(picture(mode="P")), "image/png"),
        (encoded(picture(mode="L")), "image/png"),
        (encoded(picture(mode="CMYK"), "JPEG"), "image/jpeg"),
    ],
)
def test_an_honest_picture_is_good(media: bytes, kind: str) -> None:
    good = verdict(media, kind)
    assert (good.outcome, good.message, good.evidence) == (Outcome.OK, "", ())
    artefact = good.artefacts[0]
    assert (artefact.kind, artefact.width, artefact.height) == (kind, 64, 64)
    assert artefact.bytes == len(media)
    assert re.fullmatch("[0-9a-f]{64}", artefact.fingerprint or "")
    found = {check.name: check.score for check in good.proof}
    assert list(found) == ["size", "still", "entropy", "structure", "edges"]
    assert (found["size"], found["still"], found["entropy"]) == (1.0, 1.0, artefact.entropy)


def test_a_picture_of_16_bits_is_not_taken_for_blank() -> None:
    deep = picture(mode="L").convert("I").point(lambda value: value * 257).convert("I;16")
    assert verdict(encoded(deep)).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("media", "complaint"),
    [
        (b"", "the media file is empty"),
        (b"<html>not found</html>", "not a PNG, JPEG or WebP picture; it begins '<html>"),
        (encoded(picture(), "GIF"), "not a PNG, JPEG or WebP"),
        (encoded(picture(), "BMP"), "not a PNG, JPEG or WebP"),
        (encoded(picture(), "TIFF"), "not a PNG, JPEG or WebP"),
        (encoded(picture(), "PDF"), "not a PNG, JPEG or WebP"),
        (GOOD[: len(GOOD) // 2], "cannot be decoded"),
        (GOOD[:40], "cannot be decoded|not a PNG"),
        (encoded(picture(), "JPEG")[:500], "cannot be decoded"),
        (encoded(picture(size=(32, 64))), "64x64 pixels was asked for, this one has 32x64"),
        (encoded(picture(size=(256, 256))), "has 256x256 pixels, more than 16384"),
        (encoded(Image.new("RGB", (64, 64), "black")), "blank: .* 0.00 bits"),
        (encoded(Image.new("RGB", (64, 64), "white"), "JPEG"), "blank"),
        (encoded(Image.new("1", (64, 64))), "blank"),
    ],
)
def test_what_is_no_such_picture_is_an_invalid_artefact(media: bytes, complaint: str) -> None:
    bad = verdict(media)
    assert bad.outcome is Outcome.INVALID_ARTEFACT
    assert re.search(complaint, bad.message)


def test_noise_that_nobody_sees_is_blank() -> None:
    hidden = picture(mode="RGBA")
    hidden.putalpha(0)
    assert "blank" in verdict(encoded(hidden)).message


def test_a_film_is_no_still_picture() -> None:
    film = encoded(picture(), "PNG", save_all=True, append_images=[picture(2), picture(3)])
    assert verdict(film).message == "a still picture was asked for, this one has 3 frames"


def test_a_bomb_is_refused_by_its_header_before_it_is_decoded() -> None:
    header = bytearray(GOOD)
    header[16:24] = (200_000).to_bytes(4, "big") * 2
    assert verdict(bytes(header)).outcome is Outcome.INVALID_ARTEFACT


def test_the_content_counts_and_a_false_type_is_evidence() -> None:
    good = verdict(GOOD, "text/html; charset=utf-8")
    assert good.outcome is Outcome.OK
    assert good.evidence == ("the media was declared 'text/html', its content is image/png",)


def test_another_seed_than_asked_for_is_evidence() -> None:
    body = images({"url": "/a.png", "seed": 8, "nsfw": False})
    good = prove(EXPECTED, answer(GOOD, body=body))
    assert good.outcome is Outcome.OK
    assert good.evidence == ("the answer names the seed 8, 7 was asked for",)


def test_a_withheld_picture_is_not_fetched_and_told_apart() -> None:
    body = images({"url": "/a.png", "seed": 7, "nsfw": True})
    assert KIND.media_urls(body) == []
    assert prove(EXPECTED, Answer(body=body)).outcome is Outcome.NSFW_FILTERED


def test_a_proof_without_the_picture_is_the_testers_error() -> None:
    assert prove(EXPECTED, Answer(body=images({"url": "/a.png"}))).outcome is Outcome.TESTER_ERROR


def test_a_data_url_is_given_on_and_cut_in_the_record() -> None:
    url = "data:image/png;base64," + "A" * 100_000
    assert KIND.media_urls(images({"url": url})) == [url]
    good = prove(EXPECTED, answer(GOOD, body=images({"url": url})))
    assert len(good.response) < 200


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "the answer is empty"),
        (b"null", "the answer is `null`"),
        (b"7", "promised form"),
        (b"{}", "promised form: .*`images`"),
        (b'{"images":null}', "no image"),
        (b'{"images":[]}', "no image"),
        (b'{"images":[null]}', "promised form"),
        (b'{"images":[{"seed":1}]}', "promised form: .*`url`"),
        (b'{"images":[{"url":5}]}', "promised form"),
        (b'{"images":[{"url":"/a","nsfw":"no"}]}', "promised form"),
        (b'{"images":[{"url":"/a","seed":NaN}]}', "not JSON"),
        (b'{"images":[{"url":" "}]}', "empty URL"),
        (images({"url": "/" + "a" * 3000}), "longer than 2048"),
        (images({"url": "/a"}, {"url": "/a"}), "one image was asked for, the answer has 2"),
        (b"[" * 100_000, "promised form|nested too deeply"),
        (b'{"x":' + b"[" * 100_000, "nested too deeply"),
        (b"<html>", "not JSON .*; it begins '<html>'"),
        (b'{"images":[{"url":"/a', "not JSON"),
        (b'{"images":[{"url":"\xff"}]}', "not JSON"),
    ],
)
def test_what_is_no_answer_is_an_invalid_response(body: bytes, complaint: str) -> None:
    with pytest.raises(InvalidResponse, match=complaint):
        KIND.media_urls(body)
    invalid = prove(EXPECTED, answer(GOOD, body=body))
    assert invalid.outcome is Outcome.INVALID_RESPONSE
    assert re.search(complaint, invalid.message)


@given(st.binary(max_size=120), st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=8))
def test_the_proof_never_raises(body: bytes, place: int, damage: bytes) -> None:
    damaged = GOOD[:place] + damage + GOOD[place + len(damage) :]
    assert prove(EXPECTED, answer(damaged)).outcome in (Outcome.OK, Outcome.INVALID_ARTEFACT)
    assert prove(EXPECTED, answer(body)).outcome is Outcome.INVALID_ARTEFACT
    assert prove(EXPECTED, answer(GOOD, body=body)).outcome is Outcome.INVALID_RESPONSE

import io
import random

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from exporter.simulation.craft.film_file import film_file
from exporter.simulation.craft.image_to_video import CRAFT, FRAMES
from exporter.simulation.craft.product import BadInput
from exporter.simulation.craft.setting_in_motion import Camera, moving, shifted
from exporter.simulation.pictures import picture
from exporter.simulation.workload import Job

FILE = picture("a harbour", 1, 256, 128)
PICTURE = Image.open(io.BytesIO(FILE)).convert("RGB")
STANDING = Camera(pan=(0, 0), zoom=1)


def job(file: bytes | None = FILE, /, **fields: str) -> Job:
    told = {"width": "256", "height": "128", "fps": "6", "seed": "7"}
    return Job(
        pipeline="image-to-video",
        model="maker/model",
        fields=told | fields,
        files={} if file is None else {"image": file},
        via="direct",
    )


def frames(data: bytes) -> list[NDArray[np.float64]]:
    with av.open(io.BytesIO(data), "r") as film:
        return [frame.to_ndarray(format="gray").astype(float) for frame in film.decode(video=0)]


def made(way: str, asked: Job | None = None, seed: int = 1) -> bytes:
    product = CRAFT.honest[way](asked or job(), random.Random(seed))
    (image,) = product.document["images"]
    assert (image["url"], image["nsfw"]) == ("", False)
    (media,) = product.media
    return media.data


def alike(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    return float(np.corrcoef(np.ravel(first), np.ravel(second))[0, 1])


@pytest.mark.parametrize("way", CRAFT.honest)
def test_a_film_begins_with_the_picture_and_moves_away_from_it(way: str) -> None:
    shown = frames(made(way))
    assert len(shown) >= 14
    assert shown[0].shape == (128, 256)
    near = alike(shown[0], np.asarray(PICTURE.convert("L")))
    assert near > 0.9
    assert alike(shown[-1], shown[0]) < 0.99999
    assert np.abs(shown[-1] - shown[0]).max() > 2


def test_the_names_of_the_ways_are_true() -> None:
    strong, moved, gentle, hardly = (
        alike(film[0], film[-1])
        for film in (frames(made(way)) for way in ("strong", "moving", "gentle", "hardly-moving"))
    )
    assert strong < moved < gentle < hardly
    assert len(frames(made("moving"))) == FRAMES == 25
    assert len(frames(made("few-frames"))) == 14
    assert len(frames(made("smooth"))) == 97
    assert len(made("roughly-coded")) < len(made("moving")) / 5


@pytest.mark.parametrize("way", CRAFT.honest)
def test_the_same_job_and_the_same_chance_give_the_same_film(way: str) -> None:
    assert made(way) == made(way)
    assert made(way) != made(way, seed=2)


def test_a_film_has_the_rate_size_and_seed_asked_for() -> None:
    asked = job(width="192", height="128", fps="10", seed="99")
    product = CRAFT.honest["few-frames"](asked, random.Random(1))
    assert product.document["images"][0]["seed"] == 99
    with av.open(io.BytesIO(product.media[0].data), "r") as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height) == (192, 128)
        assert stream.average_rate == 10
        assert stream.codec_context.name == "h264"


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (job(None), "image cannot be read"),
        (job(b"no picture"), "image cannot be read"),
        (job(FILE[:60]), "image cannot be read"),
        (job(width="9000"), "width must be 64 to 1024"),
        (job(height="no"), "height must be a whole number"),
        (job(fps="0"), "fps must be 1 to 60"),
    ],
)
def test_what_cannot_be_done_is_bad_input(asked: Job, complaint: str) -> None:
    for maker in (*CRAFT.honest.values(), CRAFT.lies["still"].make, CRAFT.lies["slides"].make):
        with pytest.raises(BadInput, match=complaint):
            maker(asked, random.Random(1))


def test_a_camera_that_stands_sees_the_picture_itself() -> None:
    stood = np.asarray(shifted(PICTURE, STANDING, 1.0), float)
    assert np.abs(stood - np.asarray(PICTURE)).max() <= 1


def test_a_camera_that_goes_right_sees_what_was_there() -> None:
    right = np.asarray(shifted(PICTURE, Camera(pan=(20, 0), zoom=1), 0.5), float)
    assert np.abs(right[:, :-20] - np.asarray(PICTURE)[:, 10:-10]).max() <= 1


def test_nothing_wanders_in_the_first_frame_and_much_later() -> None:
    film = list(
        moving(PICTURE, random.Random(1), frames=9, camera=STANDING, sway=9, flicker=0, latent=8)
    )
    pixels = [np.asarray(image, float) for image in film]
    assert np.abs(pixels[0] - np.asarray(PICTURE)).max() <= 2
    assert np.abs(pixels[-1] - pixels[0]).mean() > 2


def test_lies_are_what_they_are_called() -> None:
    told = {
        name: CRAFT.lies[name].make(job(), random.Random(1)).media[0].data for name in CRAFT.lies
    }
    assert np.ptp(frames(told["blank"])[0]) < 3
    still = frames(told["still"])
    assert alike(still[0], still[-1]) > 0.999
    assert frames(told["wrong-size"])[0].shape == (64, 128)
    assert (len(frames(told["too-short"])), len(frames(told["one-frame"]))) == (5, 1)
    slides = frames(told["slides"])
    assert alike(slides[0], slides[1]) < 0.5
    noise = frames(told["noise"])
    assert abs(alike(noise[1], noise[2])) < 0.1
    zoomed = frames(told["zoomed-copy"])
    assert alike(zoomed[0], zoomed[-1]) < 0.9
    for name in ("garbage", "cut-off"):
        with pytest.raises(av.error.InvalidDataError):
            frames(told[name])
    assert Image.open(io.BytesIO(told["picture"])).format == "PNG"
    assert told["page"].startswith(b"<!doctype html>")


def test_a_film_without_frames_is_none() -> None:
    with pytest.raises(ValueError, match="a film has frames"):
        film_file([], 6)

import io
import random
from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image

from exporter.simulation.craft import CRAFTS
from exporter.simulation.craft.painting import as_floats, delivered, recalled, sent, texture
from exporter.simulation.craft.product import BadInput
from exporter.simulation.craft.upscale import SCALE
from exporter.simulation.pictures import picture
from exporter.simulation.workload import Job

FILE = picture("a harbour", 1, 96, 64)


def job(pipeline: str, file: bytes = FILE, fields: Mapping[str, object] | None = None) -> Job:
    return Job(
        pipeline=pipeline, model="m", fields=fields or {}, files={"image": file}, via="direct"
    )


def made(pipeline: str, way: str, order: Job, seed: int = 1) -> Image.Image:
    product = CRAFTS[pipeline].honest[way](order, random.Random(seed))
    assert product.document["images"][0]["url"] == ""
    (media,) = product.media
    with Image.open(io.BytesIO(media.data)) as image:
        return image.convert("RGB")


@pytest.mark.parametrize("pipeline", ["image-to-image", "upscale"])
@pytest.mark.parametrize("file", [b"", b"no picture", FILE[:60], FILE[:-400]])
def test_what_is_no_picture_is_bad_input(pipeline: str, file: bytes) -> None:
    craft = CRAFTS[pipeline]
    for maker in (*craft.honest.values(), *(lie.make for lie in craft.lies.values())):
        with pytest.raises(BadInput, match="image cannot be read"):
            maker(job(pipeline, file), random.Random(1))


def test_a_picture_that_is_too_large_is_bad_input() -> None:
    file = io.BytesIO()
    Image.new("1", (4096, 4096)).save(file, "PNG")
    with pytest.raises(BadInput, match="too large"):
        sent(job("upscale", file.getvalue()))


@pytest.mark.parametrize("fields", [{}, {"width": "512"}, {"width": 8}, {"height": 9000}])
def test_a_picture_of_a_size_that_nobody_makes_is_bad_input(fields: dict[str, object]) -> None:
    order = job("text-to-image", fields=fields)
    if fields:
        with pytest.raises(BadInput, match="width and height"):
            made("text-to-image", "scenery", order)
    else:
        assert made("text-to-image", "scenery", order).size == (1024, 576)


@pytest.mark.parametrize("way", CRAFTS["text-to-image"].honest)
def test_a_picture_has_the_size_asked_for_and_two_differ(way: str) -> None:
    orders = [
        job("text-to-image", fields={"width": 96, "height": 64, "prompt": "a", "seed": seed})
        for seed in (1, 2)
    ]
    first, second = (made("text-to-image", way, order, seed) for seed, order in enumerate(orders))
    assert first.size == (96, 64)
    assert first.tobytes() != second.tobytes()


@pytest.mark.parametrize("way", CRAFTS["image-to-image"].honest)
def test_a_picture_made_anew_is_as_large_as_the_one_that_came(way: str) -> None:
    assert made("image-to-image", way, job("image-to-image")).size == (96, 64)


@pytest.mark.parametrize("way", CRAFTS["upscale"].honest)
def test_an_upscaled_picture_is_larger(way: str) -> None:
    assert made("upscale", way, job("upscale")).size == (96 * SCALE, 64 * SCALE)


def test_the_answer_names_the_seed_that_was_asked_for() -> None:
    image = Image.new("RGB", (8, 8))
    asked = delivered(job("upscale", fields={"seed": "77"}), image, random.Random(1))
    drawn = delivered(job("upscale"), image, random.Random(1))
    assert asked.document["images"][0]["seed"] == 77
    assert 0 <= drawn.document["images"][0]["seed"] < 2**31


def test_an_autoencoder_keeps_slow_waves_and_loses_fine_ones() -> None:
    flat = Image.new("RGB", (30, 20), (10, 120, 240))
    assert recalled(flat, 2).size == (30, 20)
    assert np.abs(as_floats(recalled(flat, 2)) - as_floats(flat)).max() <= 1
    fine = Image.fromarray((np.indices((32, 32)).sum(0) % 2 * 255).astype(np.uint8))
    assert as_floats(recalled(fine.convert("RGB"), 2)).std() < 5
    assert as_floats(recalled(fine.convert("RGB"), 8)).std() > 120


def test_texture_is_as_strong_as_it_says() -> None:
    field = texture(random.Random(1), (64, 48), 9)
    assert field.shape == (48, 64, 3)
    assert float(field.mean()) == pytest.approx(0, abs=1e-3)
    assert float(field.std()) == pytest.approx(1, abs=1e-3)

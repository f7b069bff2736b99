import io
import random

import pytest
from PIL import Image, ImageDraw

from exporter.simulation.craft.image_to_text import CRAFT
from exporter.simulation.craft.looking import Sight, look
from exporter.simulation.craft.product import BadInput
from exporter.simulation.workload import Job

BOX = (60, 40, 160, 140)
DISC = Image.new("RGB", (256, 192), "#1644d0")
ImageDraw.Draw(DISC).ellipse(BOX, fill="#ffd800")


def file_of(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def job(image: bytes | None, prompt: str | None = "a picture of") -> Job:
    return Job(
        pipeline="image-to-text",
        model="maker/model",
        fields={"model_id": "maker/model"} | ({} if prompt is None else {"prompt": prompt}),
        files={} if image is None else {"image": image},
        via="direct",
    )


def caption(way: str, image: Image.Image = DISC, prompt: str | None = "a picture of") -> str:
    product = CRAFT.honest[way](job(file_of(image), prompt), random.Random(1))
    assert product.media == ()
    text = product.document["text"]
    assert isinstance(text, str)
    return text


def drawn(points: list[tuple[int, int]], colour: str = "#d01020") -> Image.Image:
    image = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(image).polygon(points, fill=colour)
    return image


def test_it_tells_what_it_sees() -> None:
    assert caption("plain") == "a picture of a yellow circle on a blue background"
    assert caption("plain", prompt=None) == "a yellow circle on a blue background"
    assert caption("shouted") == "**YELLOW CIRCLE** — *Blue*"
    turned = Image.new("RGB", (200, 200), "#ff82c8")
    ImageDraw.Draw(turned).rectangle(BOX, fill="#108030")
    assert caption("there-is", turned) == (
        "there is a green square in the middle of a pink background"
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_it_reads_the_usual_files(kind: str) -> None:
    assert look(file_of(DISC, kind)) == Sight("yellow", "circle", "blue")


@pytest.mark.parametrize(
    ("form", "points"),
    [
        ("triangle", [(100, 30), (170, 160), (30, 160)]),
        ("arrow", [(30, 85), (100, 85), (100, 40), (170, 100), (100, 160), (100, 115), (30, 115)]),
        (
            "star",
            [
                (100, 20), (119, 74), (176, 75), (131, 110), (147, 165),
                (100, 132), (53, 165), (69, 110), (24, 75), (81, 74),
            ],
        ),
    ],
)  # fmt: skip
def test_it_knows_the_form_by_its_outline(form: str, points: list[tuple[int, int]]) -> None:
    assert look(file_of(drawn(points))) == Sight("red", form, "white")


@pytest.mark.parametrize(
    ("shade", "colour"),
    [
        ("#f07800", "orange"),
        ("#7a1aa0", "purple"),
        ("#ff78b8", "pink"),
        ("#000000", "black"),
        ("#808080", "grey"),
    ],
)
def test_it_knows_colours_by_their_hue(shade: str, colour: str) -> None:
    points = [(40, 40), (160, 40), (160, 160), (40, 160)]
    assert look(file_of(drawn(points, shade))) == Sight(colour, "square", "white")


@pytest.mark.parametrize("way", CRAFT.honest)
def test_where_nothing_stands_out_it_tells_that(way: str) -> None:
    assert "nothing" in caption(way, Image.new("RGB", (64, 64), "red"))


@pytest.mark.parametrize("image", [None, b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"<svg/>"])
def test_without_a_picture_it_refuses(image: bytes | None) -> None:
    with pytest.raises(BadInput):
        CRAFT.honest["plain"](job(image), random.Random(1))


@pytest.mark.parametrize("way", CRAFT.honest)
def test_the_same_draw_gives_the_same_answer(way: str) -> None:
    assert caption(way) == caption(way)


def test_lies_do_not_look_at_the_form() -> None:
    lies = {
        name: lie.make(job(file_of(DISC)), random.Random(1)).document["text"]
        for name, lie in CRAFT.lies.items()
    }
    assert lies["echo"] == "a picture of"
    assert lies["ground-only"] == "a blue background"
    assert "yellow" not in lies["unrelated"]
    assert "circle" not in lies["unrelated"]
    assert "circle" in lies["wrong-colours"]
    assert "yellow" not in lies["wrong-colours"]
    assert len(lies["endless"]) > 100_000

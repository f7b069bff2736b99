"""Pictures that can be told in one short sentence: a coloured form on a ground of another colour.

Colours and forms are those that image captioners name without fail. Colours that are easily taken
for each other never meet, and what looks like a flag is left out: a captioner that says "the flag
of Vietnam" is right, and names neither red nor a star.
"""

import math
from collections.abc import Callable, Iterable
from random import Random
from typing import Final

import msgspec
from PIL import Image, ImageDraw

_RGB = tuple[int, int, int]
_Point = tuple[float, float]

COLOURS: Final[dict[str, _RGB]] = {
    "red": (220, 22, 30),
    "orange": (255, 130, 0),
    "yellow": (255, 222, 10),
    "green": (16, 150, 54),
    "blue": (24, 70, 220),
    "purple": (125, 20, 165),
    "pink": (255, 125, 190),
}
"""Each as it is drawn, give or take a shade. White, black, grey and brown are not among them:
captioners see borders and photographs in them that are not there."""

_ALIKE: Final = {
    frozenset(pair)
    for pair in (
        ("red", "orange"),
        ("red", "pink"),
        ("orange", "yellow"),
        ("orange", "pink"),
        ("pink", "purple"),
        ("purple", "blue"),
    )
}
_FLAGS: Final = {
    ("red", "circle", "green"),
    ("yellow", "circle", "blue"),
    ("yellow", "star", "red"),
    ("green", "star", "red"),
    ("yellow", "moon", "red"),
    ("yellow", "moon", "green"),
}
_SHADE: Final = 12
"""How far each channel of a colour may be from its standard."""
_FINER: Final = 3
_REACH: Final = (0.24, 0.36)
"""Half the form's extent, as a share of the picture's side."""
_MARGIN: Final = 0.04
_STEPS: Final = 90
"""Corners that make a curve."""


class Content(msgspec.Struct, frozen=True):
    """What a picture shows."""

    colour: str
    form: str
    ground: str
    """The colour behind the form."""

    def __str__(self) -> str:
        article = "an" if self.colour[0] in "aeiou" else "a"
        return f"{article} {self.colour} {self.form} on {self.ground} ground"


def contents() -> list[Content]:
    """Everything that may be drawn."""
    return [
        Content(colour, form, ground)
        for colour in COLOURS
        for form in FORMS
        for ground in _grounds(colour, form)
    ]


def content(rng: Random) -> Content:
    """Draw what is to be shown: every form and every colour of it is equally likely."""
    colour = rng.choice(list(COLOURS))
    form = rng.choice(list(FORMS))
    return Content(colour, form, rng.choice(_grounds(colour, form)))


def picture(rng: Random, shown: Content, size: int) -> Image.Image:
    """Draw it, RGB, square; the form's place and extent and both shades are drawn from `rng`."""
    reach = rng.uniform(*_REACH) * size
    room = reach + _MARGIN * size
    x, y = (rng.uniform(room, size - room) for _ in range(2))
    image = Image.new("RGB", (size, size), _shade(rng, shown.ground))
    # Only the form is drawn finer and shrunk, for smooth edges; the ground is plain.
    side = math.ceil(2 * reach)
    mask = Image.new("L", (side * _FINER, side * _FINER))
    scale = reach * _FINER
    corners = [(scale * (1 + right), scale * (1 + down)) for right, down in FORMS[shown.form]()]
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    corner = (round(x - reach), round(y - reach))
    image.paste(_shade(rng, shown.colour), corner, mask.reduce(_FINER))
    return image


def _grounds(colour: str, form: str) -> list[str]:
    return [
        ground
        for ground in COLOURS
        if ground != colour
        and frozenset((colour, ground)) not in _ALIKE
        and (colour, form, ground) not in _FLAGS
    ]


def _shade(rng: Random, colour: str) -> _RGB:
    red, green, blue = (
        min(255, max(0, channel + rng.randint(-_SHADE, _SHADE))) for channel in COLOURS[colour]
    )
    return red, green, blue


def _turn(steps: int = _STEPS) -> Iterable[float]:
    return (math.tau * step / steps for step in range(steps))


def _circle() -> list[_Point]:
    return [(math.cos(angle), math.sin(angle)) for angle in _turn()]


def _square() -> list[_Point]:
    return [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]


def _triangle() -> list[_Point]:
    return [(0, -0.85), (0.98, 0.85), (-0.98, 0.85)]


def _star() -> list[_Point]:
    return [
        (math.sin(angle) * far, -math.cos(angle) * far)
        for angle, far in zip(_turn(10), (1, 0.42) * 5, strict=True)
    ]


def _heart() -> list[_Point]:
    """A known curve: x = 16 sin³t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t."""
    points = []
    for angle in _turn():
        tall = (13, 5, 2, 1)
        up = 2 * tall[0] * math.cos(angle) - sum(
            size * math.cos(times * angle) for times, size in enumerate(tall, 1)
        )
        points.append((0.95 * math.sin(angle) ** 3, -(up + 2.5) / 16))
    return points


def _arrow() -> list[_Point]:
    return [(-1, -0.27), (0, -0.27), (0, -0.8), (1, 0), (0, 0.8), (0, 0.27), (-1, 0.27)]


def _moon() -> list[_Point]:
    """What a disc leaves of another one; both meet at the horns."""
    bite, off = 0.78, 0.45
    # Where the two rims meet: on the unit circle, and `bite` away from the other one's centre.
    horn = math.acos((1 + off**2 - bite**2) / (2 * off))
    inner = math.atan2(math.sin(horn), math.cos(horn) - off)
    outside = [horn + (math.tau - 2 * horn) * step / _STEPS for step in range(_STEPS + 1)]
    inside = [-inner - (math.tau - 2 * inner) * step / _STEPS for step in range(_STEPS + 1)]
    return [
        *((math.cos(angle), math.sin(angle)) for angle in outside),
        *((off + bite * math.cos(angle), bite * math.sin(angle)) for angle in inside),
    ]


FORMS: Final[dict[str, Callable[[], list[_Point]]]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "heart": _heart,
    "arrow": _arrow,
    "moon": _moon,
}
"""Outlines between -1 and 1, right and down."""

"""What a caption names of a simple scene, and what it names that is not there.

Captioners put the same thing in many words: a circle is a ball, a dot or the sun. Each word stands
for one thing only, though: else one word for many things would be right of most pictures. A word
that is not known here says nothing, for and against; so do white, black, grey and brown.
"""

import re
from typing import Final

import msgspec

from exporter.pipelines.letters import fold, without
from exporter.pipelines.simple_scene import COLOURS, Content

COLOUR_WEIGHT: Final = 2
"""Of the form's colour, and of a colour that is not there."""
OTHER_WEIGHT: Final = 1
"""Of a form: one that is taken for another must not outweigh the right colour, for captioners see
kites, signs and bananas. Of the ground's colour: three colours at random hold both of the
picture's too often to count double."""

_SAID: Final = {
    "red": "red reddish crimson scarlet ruby vermilion maroon burgundy",
    "orange": "orange orangish orangey tangerine amber",
    "yellow": "yellow yellowish yellowy gold golden mustard",
    "green": "green greenish emerald lime olive grass grassy",
    "blue": "blue bluish blueish navy azure cobalt sapphire sky",
    "purple": "purple purplish violet lavender lilac mauve",
    "pink": "pink pinkish rose fuchsia magenta",
    "circle": "circle circled circular round rounded ball sphere spherical dot disc disk oval "
    "ellipse sun button globe orb balloon bubble frisbee ring coin plate hole",
    "square": "square squared rectangle rectangular box cube block tile",
    "triangle": "triangle triangular pyramid cone tent kite sail",
    "star": "star starred starfish pentagram",
    "heart": "heart hearted valentine",
    "arrow": "arrow arrowhead pointer cursor",
    "moon": "moon crescent lunar banana croissant",
}
VOCABULARY: Final[dict[str, str]] = {
    word: thing for thing, words in _SAID.items() for word in words.split()
}
"""Words that stand for a colour or a form, each in the singular, and what it is."""

_WORD: Final = re.compile(r"[a-z]+")


class Named(msgspec.Struct, frozen=True):
    """What of a picture a caption names."""

    right: tuple[str, ...]
    """What is there: the form's colour, the form, the ground; in this order."""
    wrong: tuple[str, ...]
    """What is not there, sorted."""
    found: int
    """The things that are right; none where the ground is all that is named, for the form is what
    the picture shows."""
    right_weight: int
    wrong_weight: int

    @property
    def share(self) -> float | None:
        """What is right as a share of everything named, by weight; `None` where nothing is."""
        named = self.right_weight + self.wrong_weight
        return self.right_weight / named if named else None


def named(caption: str, shown: Content, prompt: str = "") -> Named:
    """Read a caption of a picture. What it repeats of the prompt is not of its own."""
    own = without(fold(caption), fold(prompt)).lower()
    words = {_singular(word) for word in _WORD.findall(own)}
    things = {VOCABULARY[word] for word in words if word in VOCABULARY}
    there = {
        shown.colour: COLOUR_WEIGHT,
        shown.form: OTHER_WEIGHT,
        shown.ground: OTHER_WEIGHT,
    }
    right = tuple(thing for thing in there if thing in things)
    wrong = tuple(sorted(things.difference(there)))
    subject = shown.colour in things or shown.form in things
    return Named(
        right=right,
        wrong=wrong,
        found=len(right) if subject else 0,
        right_weight=sum(there[thing] for thing in right),
        wrong_weight=sum(COLOUR_WEIGHT if thing in COLOURS else OTHER_WEIGHT for thing in wrong),
    )


def _singular(word: str) -> str:
    for ending in ("s", "es"):
        stem = word.removesuffix(ending)
        if stem in VOCABULARY:
            return stem
    return word

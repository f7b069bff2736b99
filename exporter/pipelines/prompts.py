"""The wording of the test jobs: plain, harmless, and different every time."""

import random
from typing import Final, NamedTuple

CODE_ALPHABET: Final = "CDFGHJKMNPQRTVWXY234679"
"""No vowels, so that no word comes out, and nothing that looks like something else."""

_THINGS: Final = (
    "a lighthouse", "a red bicycle", "an old tram", "a wooden boat", "a stone bridge",
    "a windmill", "a market stall", "a hot-air balloon", "a grazing horse", "a sleeping cat",
    "a snow-covered cabin", "a field of sunflowers", "a steam locomotive", "a glass greenhouse",
    "a flock of cranes", "a mountain lake", "a desert canyon", "a rain forest", "a castle",
    "a bowl of oranges", "a grand piano", "a telescope", "a coral reef", "a potter's workshop",
    "a clock tower", "a fishing village", "an apple orchard", "a waterfall", "a vintage car",
    "a library full of books",
)  # fmt: skip
_PLACES: Final = (
    "beside a river", "on a cliff", "in a quiet valley", "at the edge of a forest",
    "under tall trees", "on a cobbled square", "near the sea", "in front of distant hills",
    "behind a low wall", "in a wide meadow", "between two houses", "along a winding road",
)  # fmt: skip
_LIGHTS: Final = (
    "at dawn", "at noon", "at dusk", "after rain", "in thick fog", "under a starry sky",
    "in autumn light", "on a bright winter day", "during a thunderstorm", "in golden light",
)  # fmt: skip
_STYLES: Final = (
    "oil painting", "detailed photograph", "watercolour", "ink drawing", "woodcut print",
    "pencil sketch", "pastel drawing", "wide-angle photograph", "impressionist painting",
)  # fmt: skip
_DETAILS: Final = (
    "three yellow flags", "a winding path", "scattered clouds", "a small blue door",
    "long shadows", "tiny figures in the distance", "patterned tiles", "many lanterns",
    "climbing ivy", "weathered planks",
)  # fmt: skip
_TECHNIQUES: Final = (
    "an oil painting", "a watercolour", "a pastel drawing", "a gouache painting", "a mural",
    "a felt collage", "a tapestry", "an acrylic painting", "a stained-glass window",
    "a coloured woodcut", "an embroidery", "a chalk drawing",
)  # fmt: skip
_GROUNDS: Final = (
    "on rough paper", "on old canvas", "with visible brush strokes", "with fine cracks",
    "with soft edges", "with bold outlines", "in warm colours", "in cool colours",
    "in faded colours", "in strong colours",
)  # fmt: skip
_OPENINGS: Final = (
    "Begin your answer with the code {code}, exactly as written.",
    "The first thing in your answer must be this code, unchanged: {code}.",
    "Start by repeating this code once, letter for letter: {code}.",
    "Answer with the code {code} first, copied exactly.",
)
_SUMS: Final = (
    "Then give the sum of {first} and {second} in digits.",
    "Next, write in digits what {first} plus {second} makes.",
    "After it, add {first} to {second} and give the result as a number.",
    "Then write the number that {first} and {second} add up to.",
)
_TASKS: Final = (
    "End with one short sentence about {topic}.",
    "Last, say in one short sentence what {topic} makes you think of.",
    "Finish with a single plain sentence that mentions {topic}.",
    "Close with one simple fact about {topic} in one sentence.",
)
ADDENDS: Final = range(12, 90)
"""Two digits each: sums that small models get right, too."""


class Question(NamedTuple):
    """What a language model is asked, and what its answer must hold."""

    text: str
    code: str
    addends: tuple[int, int]

    @property
    def total(self) -> int:
        """The sum that it must find; it stands nowhere in the question."""
        return sum(self.addends)


def picture(rng: random.Random) -> str:
    """Describe a picture with many edges and shades, which no blank one can pass for."""
    scene = " ".join(rng.choice(words) for words in (_THINGS, _PLACES, _LIGHTS))
    first, second = rng.sample(_DETAILS, 2)
    return f"{scene}, {rng.choice(_STYLES)}, with {first} and {second}"


def restyling(rng: random.Random) -> str:
    """Ask for a picture to be made anew in another technique, with all that it shows kept."""
    technique, ground = rng.choice(_TECHNIQUES), rng.choice(_GROUNDS)
    return f"turn it into {technique} of the same colourful shapes, {ground}"


def code(rng: random.Random) -> str:
    """A code such as `K7Q2-M9XD`, one of 78 thousand million."""
    letters = "".join(rng.choices(CODE_ALPHABET, k=8))
    return f"{letters[:4]}-{letters[4:]}"


def question(rng: random.Random) -> Question:
    """Ask a language model for a new code, for a sum, and for a sentence whose tokens take time."""
    nonce = code(rng)
    addends = (rng.choice(ADDENDS), rng.choice(ADDENDS))
    # A digit that codes never have: then no part of a code is ever taken for the sum.
    while set(str(sum(addends))) <= set(CODE_ALPHABET):
        addends = (rng.choice(ADDENDS), rng.choice(ADDENDS))
    opening = rng.choice(_OPENINGS).format(code=nonce)
    adding = rng.choice(_SUMS).format(first=addends[0], second=addends[1])
    task = rng.choice(_TASKS).format(topic=rng.choice(_THINGS))
    return Question(f"{opening} {adding} {task}", nonce, addends)

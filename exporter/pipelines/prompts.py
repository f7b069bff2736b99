"""The wording of the test jobs: plain, harmless, and different every time."""

import random
import string
from typing import Final

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
_OPENINGS: Final = (
    "Begin your answer with the code {code}, exactly as written.",
    "The first thing in your answer must be this code, unchanged: {code}.",
    "Start by repeating this code once, letter for letter: {code}.",
    "Answer with the code {code} first, copied exactly.",
)
_TASKS: Final = (
    "Then write one short sentence about {topic}.",
    "After it, say in one short sentence what {topic} makes you think of.",
    "Follow it with a single plain sentence that mentions {topic}.",
    "Then give one simple fact about {topic} in one sentence.",
)


def picture(rng: random.Random) -> str:
    """Describe a picture with many edges and shades, which no blank one can pass for."""
    scene = " ".join(rng.choice(words) for words in (_THINGS, _PLACES, _LIGHTS))
    first, second = rng.sample(_DETAILS, 2)
    return f"{scene}, {rng.choice(_STYLES)}, with {first} and {second}"


def code(rng: random.Random) -> str:
    """A code such as `K7Q2-M9XD`, one of 78 thousand million."""
    letters = "".join(rng.choices(CODE_ALPHABET, k=8))
    return f"{letters[:4]}-{letters[4:]}"


def question(rng: random.Random, nonce: str) -> str:
    """Ask a language model for the code, and for a sentence whose tokens can be timed."""
    opening = rng.choice(_OPENINGS).format(code=nonce)
    return f"{opening} {rng.choice(_TASKS).format(topic=rng.choice(_THINGS))}"


def squeeze(text: str) -> str:
    """Letters and digits of a text only, in upper case: what spacing and markup leave alone."""
    return "".join(letter for letter in text.upper() if letter in _KEPT)


_KEPT: Final = frozenset(string.ascii_uppercase + string.digits)

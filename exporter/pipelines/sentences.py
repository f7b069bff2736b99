"""Sentences to be spoken: plain English, grammatical, and different every time."""

import random
from typing import Final

from exporter.speech.vocabulary import (
    ARTICLES,
    BEINGS,
    DOINGS,
    PLACES,
    QUALITIES,
    RELATIONS,
    THINGS,
    TIMES,
)

_PATTERN: Final = (
    ARTICLES, QUALITIES, BEINGS, DOINGS, ARTICLES, QUALITIES, THINGS, RELATIONS, ARTICLES,
    QUALITIES, PLACES, TIMES,
)  # fmt: skip

LONGEST: Final = sum(max(map(len, words)) + 1 for words in _PATTERN)
"""Characters of the longest sentence that can be drawn; with its full stop, without the space that
follows."""


def sentence(rng: random.Random) -> str:
    """Draw a sentence of 12 or 13 words, such as a synthesiser speaks in five seconds."""
    words = " ".join(rng.choice(words) for words in _PATTERN)
    return f"{words.capitalize()}."


def sentences(rng: random.Random, count: int) -> str:
    """Draw several sentences."""
    return " ".join(sentence(rng) for _ in range(count))


def longest(count: int) -> int:
    """Characters of the longest text that `sentences` can give."""
    return count * LONGEST + count - 1

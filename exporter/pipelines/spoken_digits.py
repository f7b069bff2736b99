"""Digits that a transcript holds, however it writes them, and how far they are the ones spoken."""

import re
import unicodedata
from typing import Final

_WORDS: Final = {
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "naught": "0", "nil": "0",
    "one": "1", "won": "1",
    "two": "2", "to": "2", "too": "2",
    "three": "3", "tree": "3",
    "four": "4", "for": "4", "fore": "4",
    "five": "5", "fife": "5",
    "six": "6", "sicks": "6",
    "seven": "7",
    "eight": "8", "ate": "8",
    "nine": "9", "niner": "9", "nein": "9",
}  # fmt: skip
"""What sounds like a digit is one: a model that hears well may spell it so."""
_PARTS: Final = re.compile(r"[^\W\d_]+|\d")
_TEN: Final = 10


def digits_in(text: str) -> str:
    """The digits that a text holds, in order, as figures.

    Each figure counts, of any script and in groups of any kind (`4,192`, `29-74`), and each English
    word for a digit. Other numbers in words (`twenty`) are none.
    """
    return "".join(_digit(part) for part in _PARTS.findall(text))


def in_order(spoken: str, heard: str) -> int:
    """How many of the spoken digits were heard in order: their longest common subsequence."""
    best = [0] * (len(heard) + 1)
    for digit in spoken:
        before = 0
        for place, other in enumerate(heard, 1):
            here = best[place]
            best[place] = before + 1 if digit == other else max(here, best[place - 1])
            before = here
    return best[-1]


def _digit(part: str) -> str:
    word = _WORDS.get(part.casefold())
    if word is not None:
        return word
    # Scripts without spaces write several digits as one word.
    return "".join(_figure(character) for character in part)


def _figure(character: str) -> str:
    value = unicodedata.numeric(character, -1.0)
    return str(int(value)) if value in range(_TEN) else ""

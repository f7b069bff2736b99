"""A stranger's text as a reader sees it: compatible letters made equal, invisible ones left out."""

import string
import unicodedata
from collections.abc import Iterator
from typing import Final

_KEPT: Final = frozenset(string.ascii_letters + string.digits)
_INVISIBLE: Final = "Cf"


def fold(text: str) -> str:
    """Full-width, bold and circled letters become plain, zero-width and bidi marks vanish.

    Letters of other alphabets that only look the same (homoglyphs) stay what they are: who copies
    a code exactly does not write them. Each character is folded by itself, for normalising a whole
    text takes time in the square of its length if it is made for that.
    """
    if text.isascii():
        return text
    folded = {letter: _plain(letter) for letter in set(text)}
    return "".join([folded[letter] for letter in text])


def squeeze(text: str) -> str:
    """Letters and digits of a folded text only, in upper case."""
    return "".join([letter for letter in text if letter in _KEPT]).upper()


def places(text: str, phrase: str) -> Iterator[tuple[int, int]]:
    """Start and end of every occurrence of a phrase; spacing, case and markup do not matter."""
    wanted = squeeze(phrase)
    kept = [at for at, letter in enumerate(text) if letter in _KEPT]
    squeezed = squeeze(text)
    at = squeezed.find(wanted) if wanted else -1
    while at >= 0:
        end = at + len(wanted)
        yield kept[at], kept[end - 1] + 1
        at = squeezed.find(wanted, end)


def without(text: str, phrase: str) -> str:
    """The text with spaces in the place of a phrase, so that nothing else moves."""
    letters = list(text)
    for start, end in places(text, phrase):
        letters[start:end] = " " * (end - start)
    return "".join(letters)


def _plain(letter: str) -> str:
    if unicodedata.category(letter) == _INVISIBLE:
        return ""
    return unicodedata.normalize("NFKC", letter)

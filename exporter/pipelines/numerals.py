"""Numbers as a text states them: in digits or in English words."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

_SMALL: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS: Final = (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_NO_MORE: Final = rf"(?!-(?:{'|'.join(_SMALL[1:10])}))"
"""What is not followed by the ones: `eighty` in `eighty-five` is no 80."""
_DIGITS: Final = re.compile("[0-9]{1,6}")
_ANY_WORD: Final = re.compile("|".join((*_SMALL, *_TENS[2:], "hundred")), re.IGNORECASE)
_HUNDRED: Final = 100
_LARGEST: Final = 199


def words(number: int) -> str:
    """A number from 0 to 199 in words, such as `one hundred and twelve`. Raises `ValueError`."""
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"only numbers up to {_LARGEST} have words here")
    hundreds, rest = divmod(number, _HUNDRED)
    if not hundreds:
        return _below_hundred(rest)
    return "one hundred" + (f" and {_below_hundred(rest)}" if rest else "")


def stated(text: str, number: int) -> Iterator[int]:
    """Where a text states a number up to 199, and not another one that only holds its digits."""
    # Part of 1.85 or 1,085 is not 85; the same number written as 85.0 is.
    digits = rf"(?<![0-9])(?<![0-9][.,])0{{0,2}}{number}(?:[.,]0{{1,3}})?(?![0-9])(?![.,][0-9])"
    spelt = words(number).replace("one hundred", "(?:(?:one|an?) )?hundred")
    spelt = spelt.replace(" and ", " (?:and )?").replace("-", " ").replace(" ", r"[\s-]{1,3}")
    pattern = rf"{digits}|(?<![a-z])(?<!hundred )(?<!hundred and ){spelt}(?![a-z]){_NO_MORE}"
    return (found.start() for found in re.finditer(pattern, text, re.IGNORECASE))


def all_stated(text: str, among: Iterable[int]) -> set[int]:
    """Which of these numbers, each up to 199, a text states."""
    in_digits = {int(found) for found in _DIGITS.findall(text)}
    in_words = _ANY_WORD.search(text) is not None
    likely = [number for number in among if in_words or number in in_digits]
    return {number for number in likely if any(stated(text, number))}


def _below_hundred(number: int) -> str:
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_SMALL[ones]}" if ones else "")

"""How the simulated language models word their answers."""

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from exporter.simulation.language import Understood

_SMALL: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_TWENTY: Final = 20
_HUNDRED: Final = 100
_MARKS: Final = "�§¤¶#@%&~^|<>{}[]\\/=+*"
_GARBAGE_LENGTH: Final = 120


def remark(topic: str) -> str:
    """A sentence about it."""
    return f"To me {topic} is a quiet sight that people like to remember."


def plain(asked: "Understood") -> str:
    """Everything in its order, in sentences."""
    if asked.total is None:
        return f"{asked.code}. {remark(asked.topic)}"
    return f"{asked.code}. The sum is {asked.total}. {remark(asked.topic)}"


def markdown(asked: "Understood") -> str:
    """With emphasis and a list."""
    return f"**{asked.code}**\n\n- Sum: **{asked.total}**\n- *{remark(asked.topic)}*\n"


def chatty(asked: "Understood") -> str:
    """With a greeting and an offer."""
    return (
        f"Sure, here you go!\n\n`{asked.code}`\n\nThe result of that addition is {asked.total}. "
        f"{remark(asked.topic)} Let me know if I can help you with anything else!"
    )


def worked(asked: "Understood") -> str:
    """With the sum worked out."""
    if asked.addends is None:
        return plain(asked)
    first, second = asked.addends
    tens, ones = first // 10 * 10 + second // 10 * 10, first % 10 + second % 10
    steps = f"{first} + {second}: the tens make {tens}, the ones {ones}, so {tens} + {ones}"
    return f"{asked.code}\n\n{steps} = {asked.total}\n\n{remark(asked.topic)}"


def short(asked: "Understood") -> str:
    """Nothing but what was asked for."""
    return f"{asked.code} {asked.total}"


def in_words(asked: "Understood") -> str:
    """With the sum in words."""
    if asked.total is None:
        return plain(asked)
    return f"{asked.code}: {_spelt(asked.total).capitalize()}. {remark(asked.topic)}"


def headed(asked: "Understood") -> str:
    """With the role that some runners leave in the text."""
    return f"assistant\n\n{plain(asked)}"


def thoughts(asked: "Understood") -> str:
    """What a model says to itself about the question before it answers."""
    numbers = " and ".join(str(number) for number in asked.addends or ())
    return f"I am to begin with {asked.code}, then add {numbers}. That is easy."


def thinking(asked: "Understood") -> str:
    """The thoughts in tags, then the answer."""
    return f"<think>\n{thoughts(asked)}\n</think>\n\n{plain(asked)}"


def garbage(question: str) -> str:
    """Marks without meaning, others for every question."""
    state = zlib.crc32(question.encode())
    letters = []
    for _ in range(_GARBAGE_LENGTH):
        state = (state * 1103515245 + 12345) % 2**31
        letters.append(_MARKS[(state >> 8) % len(_MARKS)])
    return "".join(letters)


def _spelt(number: int) -> str:
    if number < _TWENTY:
        return _SMALL[number]
    if number >= _HUNDRED:
        hundreds, rest = divmod(number, _HUNDRED)
        head = f"{_SMALL[hundreds]} hundred" if hundreds < _TWENTY else str(hundreds * _HUNDRED)
        return f"{head} and {_spelt(rest)}" if rest else head
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_SMALL[ones]}" if ones else "")

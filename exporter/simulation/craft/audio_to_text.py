"""Transcripts of spoken digits, as a model of speech writes them, and such as it does not."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from exporter.model import Outcome
from exporter.simulation.craft.hearing import Heard, digits_heard, samples_of
from exporter.simulation.craft.product import BadInput, Craft, Lie, Product
from exporter.simulation.workload import Job
from exporter.speech import DIGITS, RATE

_WINDOW_SECONDS: Final = 30.0
_ERRORS: Final = 6
"""One digit in so many is lost by who hears badly."""
_MISTAKEN: Final = {0: "Oh", 2: "to", 4: "for", 8: "ate"}
_FEW: Final = 12

Piece = tuple[str, float, float | None]
Writer = Callable[[Sequence[Heard], float, Random], list[Piece]]
"""Writes down what was heard in a sound of so many seconds: texts with their times."""


def _one(text: str, heard: Sequence[Heard]) -> list[Piece]:
    return [(f" {text}", round(heard[0].start, 2), round(heard[-1].end, 2))]


def words(heard: Sequence[Heard], _seconds: float, _rng: Random) -> list[Piece]:
    """Such as `Two, nine, seven.` in one sentence."""
    return _one(", ".join(DIGITS[one.digit] for one in heard).capitalize() + ".", heard)


def figures(heard: Sequence[Heard], _seconds: float, _rng: Random) -> list[Piece]:
    """Such as `2, 9, 7` in one sentence."""
    return _one(", ".join(str(one.digit) for one in heard), heard)


def grouped(heard: Sequence[Heard], _seconds: float, rng: Random) -> list[Piece]:
    """Such as `297-4018 35`: a telephone number, in groups of any length."""
    text = ""
    for number, one in enumerate(heard):
        if number and rng.random() < 0.3:  # noqa: PLR2004 - about every third digit
            text += rng.choice(" -,.")
        text += str(one.digit)
    return _one(text + ".", heard)


def chunked(heard: Sequence[Heard], _seconds: float, rng: Random) -> list[Piece]:
    """Several sentences, the end of the last one unknown."""
    pieces: list[Piece] = []
    rest = list(heard)
    while rest:
        count = rng.randint(2, 5)
        now, rest = rest[:count], rest[count:]
        text = " ".join(DIGITS[one.digit] for one in now).capitalize()
        pieces.append((f" {text}.", round(now[0].start, 2), round(now[-1].end, 2)))
    text, start, _ = pieces[-1]
    return [*pieces[:-1], (text, start, None)]


def by_ear(heard: Sequence[Heard], _seconds: float, rng: Random) -> list[Piece]:
    """Spelt by sound, some digits lost or taken for others, never more than one in six."""
    spoken = [_MISTAKEN.get(one.digit, DIGITS[one.digit]) for one in heard]
    for place in rng.sample(range(len(heard)), len(heard) // _ERRORS):
        spoken[place] = rng.choice(("", "and", rng.choice(DIGITS)))
    return _one(" ".join(filter(None, spoken)), heard)


def with_a_tail(heard: Sequence[Heard], seconds: float, rng: Random) -> list[Piece]:
    """What models add to the silence with which a window of theirs is filled up."""
    tail = rng.choice((" Thank you.", " Thanks for watching!", " Bye.", " you"))
    end = max(_WINDOW_SECONDS, seconds)
    return [*figures(heard, seconds, rng), (tail, round(heard[-1].end, 2), round(end - 0.02, 2))]


def _honest(writer: Writer) -> Callable[[Job, Random], Product]:
    def make(job: Job, rng: Random) -> Product:
        heard, seconds = _listened(job)
        pieces = writer(heard, seconds, rng) if heard else [(" Thank you.", 0.0, None)]
        return _product(job, heard, pieces)

    return make


def _listened(job: Job) -> tuple[list[Heard], float]:
    audio = job.files.get("audio")
    if audio is None:
        raise BadInput("Field required: audio")
    samples = samples_of(audio)
    return digits_heard(samples), len(samples) / RATE


def _product(job: Job, heard: Sequence[Heard], pieces: Sequence[Piece]) -> Product:
    """The answer, with times as they were asked for."""
    text = "".join(piece[0] for piece in pieces)
    asked = str(job.fields.get("return_timestamps", "true")).lower()
    if asked in ("false", "0"):
        chunks = []
    elif asked == "word" and heard:
        chunks = [_chunk(f" {DIGITS[one.digit]}", one.start, one.end) for one in heard]
    else:
        chunks = [_chunk(*piece) for piece in pieces]
    return Product({"text": text, "chunks": chunks})


def _chunk(text: str, start: float, end: float | None) -> dict[str, Any]:
    return {"timestamp": [start, end], "text": text}


def _said(text: str) -> Callable[[Job, Random], Product]:
    """One and the same text for every sound."""

    def make(job: Job, _rng: Random) -> Product:
        return _product(job, (), [(text, 0.0, 3.0)])

    return make


def _empty(_job: Job, _rng: Random) -> Product:
    return Product({"text": "", "chunks": []})


def _unrelated(job: Job, rng: Random) -> Product:
    """Digits of another job."""
    digits = ", ".join(str(rng.randrange(10)) for _ in range(_FEW))
    return _product(job, (), [(f" {digits}.", 0.3, 9.0)])


def _half(job: Job, rng: Random) -> Product:
    """Only the first half was listened to."""
    heard, seconds = _listened(job)
    part = heard[: len(heard) // 2]
    return _product(job, part, figures(part, seconds, rng))


def _reversed(job: Job, rng: Random) -> Product:
    """The right digits in the wrong order."""
    heard, seconds = _listened(job)
    turned = [
        Heard(other.digit, one.start, one.end)
        for one, other in zip(heard, reversed(heard), strict=True)
    ]
    return _product(job, turned, figures(turned, seconds, rng))


def _noise(job: Job, rng: Random) -> Product:
    text = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz    ,.") for _ in range(80))
    return _product(job, (), [(text, 0.0, 8.0)])


def _backwards(job: Job, _rng: Random) -> Product:
    """The right text, its chunks in the right order, their times made up."""
    heard, seconds = _listened(job)
    chunks = [_chunk(f" {one.digit}", seconds - one.start, seconds - one.end - 1) for one in heard]
    return Product({"text": "".join(str(chunk["text"]) for chunk in chunks), "chunks": chunks})


def _other_chunks(job: Job, rng: Random) -> Product:
    """The right text, and chunks of another job."""
    heard, seconds = _listened(job)
    right = _product(job, heard, figures(heard, seconds, rng)).document
    return Product({"text": right["text"], "chunks": _unrelated(job, rng).document["chunks"]})


_WRONG: Final = Outcome.WRONG_ANSWER

CRAFT: Final = Craft(
    pipeline="audio-to-text",
    honest={
        "words": _honest(words),
        "figures": _honest(figures),
        "grouped": _honest(grouped),
        "chunked": _honest(chunked),
        "by-ear": _honest(by_ear),
        "with-a-tail": _honest(with_a_tail),
    },
    lies={
        "blank": Lie(_empty, Outcome.INVALID_RESPONSE),
        "constant": Lie(_said(" Thank you for watching."), _WRONG),
        "counting": Lie(_said(" zero one two three four five six seven eight nine"), _WRONG),
        "every-digit": Lie(_said(" 0 1 2 3 4 5 6 7 8 9" * 12), _WRONG),
        "unrelated": Lie(_unrelated, _WRONG),
        "half": Lie(_half, _WRONG),
        "reversed": Lie(_reversed, _WRONG),
        "noise": Lie(_noise, _WRONG),
        "times-backwards": Lie(_backwards, _WRONG),
        "other-chunks": Lie(_other_chunks, _WRONG),
    },
)

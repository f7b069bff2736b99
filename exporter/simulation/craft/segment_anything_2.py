"""Masks cut out of the picture by the colour at the point, and masks for which nobody looked."""

from collections.abc import Callable
from random import Random
from typing import Final

import numpy as np

from exporter.model import Outcome
from exporter.simulation.craft.cutting import (
    GRID,
    SURE,
    Mask,
    clouds,
    cut,
    decided,
    disc,
    distances,
    enlarged,
    grown,
    point_of,
)
from exporter.simulation.craft.painting import Floats, sent
from exporter.simulation.craft.product import Craft, Lie, Maker, Product
from exporter.simulation.workload import Job

Cutter = Callable[[Floats, Random], Floats]
"""How the mask of one model differs from the one that is right."""
Guess = Callable[[Job, Random], Mask]

_AREA: Final = (0.05, 0.25)
"""What liars think that an object covers."""
_DOUBT: Final = 1e-3


def exact(sure: Floats, _rng: Random) -> Floats:
    """As it is."""
    return sure


def tight(sure: Floats, _rng: Random) -> Floats:
    """Too small by two places all around."""
    return decided(grown(sure > 0, -2))


def loose(sure: Floats, rng: Random) -> Floats:
    """Too large by two or three places all around."""
    return decided(grown(sure > 0, rng.choice((2, 3))))


def ragged(sure: Floats, rng: Random) -> Floats:
    """The edge wanders by up to three places, in and out."""
    inner, outer = grown(sure > 0, -2), grown(sure > 0, 3)
    return np.where(outer & ~inner, SURE * clouds(rng, 48), decided(inner)).astype(np.float32)


def holes(sure: Floats, rng: Random) -> Floats:
    """With holes of a few places, and sprinkles around."""
    flawed = sure > 0
    for _ in range(rng.randint(10, 30)):
        row, column = rng.randrange(GRID), rng.randrange(GRID)
        reach = rng.randint(1, 4)
        spot = (slice(row, row + reach), slice(column, column + reach))
        flawed[spot] = ~flawed[spot]
    return decided(flawed)


def _cutter(cutter: Cutter, *, words: bool = False, generous: bool = False) -> Maker:
    def make(job: Job, rng: Random) -> Product:
        whole = cutter(cut(job), rng)
        several = generous or str(job.fields.get("multimask_output", "true")).lower() == "true"
        offers = _offers(job, whole, rng) if several else [whole]
        return _answer(job, offers, rng, words=words)

    return make


def _offers(job: Job, whole: Floats, rng: Random) -> list[Floats]:
    """The whole, a part of it, and something larger; which one is best varies."""
    near = distances(point_of(job, sent(job))) < rng.uniform(0.05, 0.12)
    offers = [whole, decided((whole > 0) & near), decided(grown(whole > 0, 12))]
    rng.shuffle(offers)
    return offers


def _guess(guess: Guess, outcome: Outcome = Outcome.WRONG_ANSWER) -> Lie:
    return Lie(lambda job, rng: _answer(job, [decided(guess(job, rng))], rng), outcome)


def _blank(_job: Job, _rng: Random) -> Mask:
    return np.zeros((GRID, GRID), np.bool_)


def _full(_job: Job, _rng: Random) -> Mask:
    return np.ones((GRID, GRID), np.bool_)


def _box(job: Job, rng: Random) -> Mask:
    right, down = point_of(job, sent(job))
    wide, tall = (rng.uniform(0.12, 0.25) for _ in range(2))
    places = (np.arange(GRID) + 0.5) / GRID
    rows, columns = np.abs(places - down) < tall, np.abs(places - right) < wide
    box: Mask = rows[:, None] & columns[None, :]
    return box


def _disc(job: Job, rng: Random) -> Mask:
    return disc(point_of(job, sent(job)), rng.uniform(*_AREA))


def _opposite(job: Job, rng: Random) -> Mask:
    """An object of some other picture: it lies elsewhere."""
    right, down = point_of(job, sent(job))
    return disc(((right + 0.5) % 1, (down + 0.5) % 1), rng.uniform(*_AREA))


def _shifted(job: Job, _rng: Random) -> Mask:
    """The right form in the wrong place."""
    return np.roll(cut(job) > 0, (GRID // 2, GRID // 2), (0, 1))


def _inverted(job: Job, _rng: Random) -> Mask:
    """All but the object."""
    return ~(cut(job) > 0)


def _noise(_job: Job, rng: Random) -> Mask:
    return np.frombuffer(rng.randbytes(GRID * GRID), np.uint8).reshape(GRID, GRID) > 127  # noqa: PLR2004 - half


def _wrong_size(job: Job, rng: Random) -> Product:
    image = sent(job)
    return _answer(job, [cut(job)], rng, size=(image.width // 2, image.height // 2))


def _garbage(job: Job, _rng: Random) -> Product:
    sent(job)
    return Product({"masks": "mask of a person", "scores": "high", "logits": "none"})


def _not_a_number(job: Job, rng: Random) -> Product:
    product = _answer(job, [cut(job)], rng)
    masks = product.document["masks"].replace("1.0", "nan")
    return Product({**product.document, "masks": masks})


def _answer(
    job: Job,
    offers: list[Floats],
    rng: Random,
    *,
    words: bool = False,
    size: tuple[int, int] | None = None,
) -> Product:
    """The runner's answer: lists as Python writes them, the mask that it likes best first."""
    width, height = size or sent(job).size
    scores = sorted((np.float32(rng.uniform(0.6, 0.99)).item() for _ in offers), reverse=True)
    masks = np.stack([enlarged(sure, width, height) for sure in offers])
    # The real ones are no round numbers, which makes the answer as long as it is.
    logits = np.stack(offers) * np.float32(rng.uniform(0.9, 1.1)) + _DOUBT * clouds(rng, 64)
    return Product(
        {
            "masks": str((masks if words else masks.astype(np.float32)).tolist()),
            "scores": str(scores),
            "logits": str(logits.astype(np.float32).tolist()),
        }
    )


CRAFT: Final = Craft(
    pipeline="segment-anything-2",
    honest={
        "exact": _cutter(exact),
        "tight": _cutter(tight),
        "loose": _cutter(loose),
        "ragged": _cutter(ragged),
        "holes": _cutter(holes),
        "words": _cutter(exact, words=True),
        "generous": _cutter(exact, generous=True),
    },
    lies={
        "blank": _guess(_blank, Outcome.INVALID_ARTEFACT),
        "full": _guess(_full, Outcome.INVALID_ARTEFACT),
        "box": _guess(_box),
        "disc": _guess(_disc),
        "unrelated": _guess(_opposite),
        "shifted": _guess(_shifted),
        "inverted": _guess(_inverted),
        "noise": _guess(_noise),
        "wrong-size": Lie(_wrong_size, Outcome.INVALID_ARTEFACT),
        "garbage": Lie(_garbage, Outcome.INVALID_RESPONSE),
        "not-a-number": Lie(_not_a_number, Outcome.INVALID_RESPONSE),
    },
)
"""Honest ones see the edge a little inside or outside of where it is; who lies marks something at
the point, or anything."""

"""A job, the simulated captioner's answer to it, and the proof: together they tell the truth."""

import random

import pytest

from exporter.model import Outcome
from exporter.pipelines import Verdict
from exporter.pipelines.image_to_text import KIND
from exporter.settings import ImageToText
from exporter.simulation.craft.image_to_text import CRAFT
from exporter.simulation.craft.product import Maker
from tests.pipelines.crafted import answered

DEFAULTS = ImageToText()
TALK = ImageToText(size=320, prompt="What colour is the star, the heart or the moon?")


def judged(maker: Maker, seed: int, settings: ImageToText = DEFAULTS) -> Verdict:
    """What the proof says of a simulated answer to a job of this seed."""
    job = KIND.make(settings, "maker/model", random.Random(seed))
    return KIND.prove(job.expectation, answered(job.request, maker, random.Random(seed + 1)))


@pytest.mark.parametrize("way", CRAFT.honest)
def test_every_honest_way_is_good(way: str) -> None:
    for seed in range(60):
        verdict = judged(CRAFT.honest[way], seed, TALK if seed % 3 == 0 else DEFAULTS)
        assert verdict.outcome is Outcome.OK, (seed, verdict)
        assert {check.name for check in verdict.proof} == set(KIND.checks)
        assert not verdict.unique


@pytest.mark.parametrize("lie", CRAFT.lies)
def test_every_lie_is_caught(lie: str) -> None:
    for seed in range(60):
        verdict = judged(CRAFT.lies[lie].make, seed, TALK if seed % 3 == 0 else DEFAULTS)
        assert verdict.outcome is CRAFT.lies[lie].outcome, (seed, verdict)


def test_the_caption_of_an_earlier_job_fits_by_luck_only() -> None:
    maker = CRAFT.honest["plain"]
    jobs = [KIND.make(DEFAULTS, "m", random.Random(seed)) for seed in range(40)]
    answers = [answered(job.request, maker, random.Random(1)) for job in jobs]
    fits = [
        KIND.prove(job.expectation, answer).outcome is Outcome.OK
        for number, job in enumerate(jobs)
        for other, answer in enumerate(answers)
        if number != other
    ]
    assert 0 < sum(fits) / len(fits) < 0.1


def test_the_proof_fails_a_captioner_that_takes_every_colour_for_another() -> None:
    """The proof of the proof: what is seen wrong is not good because it is well said."""
    wrong = sum(
        judged(CRAFT.lies["wrong-colours"].make, seed).outcome is Outcome.WRONG_ANSWER
        for seed in range(30)
    )
    assert wrong == 30

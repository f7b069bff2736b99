"""A job, the simulated runner's masks, and the proof: together they tell the truth."""

import random

import pytest

from exporter.model import Outcome
from exporter.pipelines import Verdict
from exporter.pipelines.segment_anything_2 import KIND
from exporter.settings import SegmentAnything2
from exporter.simulation.craft.product import Maker
from exporter.simulation.craft.segment_anything_2 import CRAFT
from tests.pipelines.crafted import answered

SETTINGS = (
    SegmentAnything2(),
    SegmentAnything2(size=128),
    SegmentAnything2(multimask_output=True),
    SegmentAnything2(size=320),
)


def judged(maker: Maker, seed: int) -> Verdict:
    """What the proof says of a simulated answer to a job of this seed."""
    settings = SETTINGS[seed % len(SETTINGS)]
    job = KIND.make(settings, "maker/model", random.Random(seed))
    return KIND.prove(job.expectation, answered(job.request, maker, random.Random(seed + 1)))


@pytest.mark.parametrize("way", CRAFT.honest)
def test_every_honest_way_is_good(way: str) -> None:
    for seed in range(16):
        verdict = judged(CRAFT.honest[way], seed)
        assert verdict.outcome is Outcome.OK, (seed, verdict)
        assert {check.name for check in verdict.proof} == {*KIND.checks, "score"}


@pytest.mark.parametrize("lie", CRAFT.lies)
def test_every_lie_is_caught(lie: str) -> None:
    for seed in range(12):
        verdict = judged(CRAFT.lies[lie].make, seed)
        assert verdict.outcome is CRAFT.lies[lie].outcome, (seed, verdict)


def test_the_mask_of_an_earlier_job_does_not_fit() -> None:
    maker = CRAFT.honest["exact"]
    jobs = [KIND.make(SETTINGS[1], "m", random.Random(seed)) for seed in range(12)]
    answers = [answered(job.request, maker, random.Random(1)) for job in jobs]
    for number, job in enumerate(jobs):
        for other, answer in enumerate(answers):
            right = KIND.prove(job.expectation, answer).outcome is Outcome.OK
            assert right == (number == other)

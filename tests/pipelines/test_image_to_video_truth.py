"""Jobs for films, the simulated models' answers, and the proof: together they tell the truth."""

import random

import pytest

from exporter.model import Outcome
from exporter.pipelines import Prepared, Verdict
from exporter.pipelines.image_to_video import KIND
from exporter.pipelines.seen import Seen
from exporter.settings import ImageToVideo
from exporter.simulation.craft.image_to_video import CRAFT
from exporter.simulation.craft.product import Maker
from tests.pipelines.crafted import answered

SMALL = ImageToVideo(width=256, height=256)


def job_for(seed: int, parameters: ImageToVideo = SMALL) -> Prepared:
    return KIND.make(parameters, "maker/model", random.Random(seed))


def judged(maker: Maker, seed: int, parameters: ImageToVideo = SMALL) -> Verdict:
    job = job_for(seed, parameters)
    return KIND.prove(job.expectation, answered(job.request, maker, random.Random(seed)))


@pytest.mark.parametrize("way", CRAFT.honest)
def test_every_honest_way_is_good(way: str) -> None:
    for seed, parameters in ((1, ImageToVideo()), (2, SMALL)):
        verdict = judged(CRAFT.honest[way], seed, parameters)
        assert verdict.outcome is Outcome.OK, (seed, verdict)
        assert [check.name for check in verdict.proof] == list(KIND.checks)
        assert verdict.unique
        assert len(verdict.artefacts) == 1
        assert verdict.units is not None
        assert verdict.units > 2


@pytest.mark.parametrize("lie", CRAFT.lies)
def test_every_lie_is_caught(lie: str) -> None:
    for seed, parameters in ((1, ImageToVideo()), (2, SMALL)):
        verdict = judged(CRAFT.lies[lie].make, seed, parameters)
        assert verdict.outcome is CRAFT.lies[lie].outcome, (seed, verdict)
        assert verdict.message


@pytest.mark.parametrize("size", [(1024, 576), (576, 1024), (256, 1024)])
def test_other_sizes_are_judged_alike(size: tuple[int, int]) -> None:
    parameters = ImageToVideo(width=size[0], height=size[1])
    assert judged(CRAFT.honest["few-frames"], 1, parameters).outcome is Outcome.OK
    still = judged(CRAFT.lies["still-made-anew"].make, 1, parameters)
    assert still.outcome is Outcome.WRONG_ANSWER


def test_an_earlier_film_is_known_again_in_another_coding() -> None:
    seen = Seen()
    for seed in range(6):
        earlier = judged(CRAFT.honest["moving"], seed).artefacts[0]
        assert seen.replay_of(earlier, f"job {seed}") is None
        seen.add(earlier, f"job {seed}")
    for seed in range(6):
        again = answered(job_for(seed).request, CRAFT.honest["roughly-coded"], random.Random(seed))
        verdict = KIND.prove(job_for(seed + 100).expectation, again)
        assert verdict.outcome is Outcome.WRONG_ANSWER
        assert seen.replay_of(verdict.artefacts[0], "another job") == f"job {seed}"

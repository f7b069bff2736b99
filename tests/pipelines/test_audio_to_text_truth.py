"""A job, the simulated model's answer to it, and the proof: together they tell the truth."""

import functools
import random

import pytest

from exporter.model import Outcome
from exporter.pipelines import Prepared, Verdict
from exporter.pipelines.audio_to_text import KIND
from exporter.settings import AudioToText
from exporter.simulation.craft.audio_to_text import CRAFT
from exporter.simulation.craft.product import Maker
from tests.pipelines.crafted import answered

DEFAULTS = AudioToText()


@functools.cache
def job_for(seed: int) -> Prepared:
    return KIND.make(DEFAULTS, "maker/model", random.Random(seed))


def judged(maker: Maker, seed: int, settings: AudioToText = DEFAULTS) -> Verdict:
    """What the proof says of a simulated answer to a job of this seed."""
    known = settings is DEFAULTS
    job = job_for(seed) if known else KIND.make(settings, "m", random.Random(seed))
    answer = answered(job.request, maker, random.Random(seed + 1))
    return KIND.prove(job.expectation, answer)


@pytest.mark.parametrize("way", CRAFT.honest)
def test_every_honest_way_is_good(way: str) -> None:
    for seed in range(12):
        verdict = judged(CRAFT.honest[way], seed)
        assert verdict.outcome is Outcome.OK, (seed, verdict)
        assert {check.name for check in verdict.proof} == set(KIND.checks)
        assert not verdict.unique


@pytest.mark.parametrize("lie", CRAFT.lies)
def test_every_lie_is_caught(lie: str) -> None:
    for seed in range(8):
        verdict = judged(CRAFT.lies[lie].make, seed)
        assert verdict.outcome is CRAFT.lies[lie].outcome, (seed, verdict)


@pytest.mark.parametrize(
    "settings",
    [
        AudioToText(format="mp3"),
        AudioToText(digits=8),
        AudioToText(digits=20),
        AudioToText(return_timestamps="word"),
        AudioToText(return_timestamps="false"),
    ],
)
@pytest.mark.parametrize("way", CRAFT.honest)
def test_honest_ways_are_good_whatever_is_asked_for(way: str, settings: AudioToText) -> None:
    for seed in range(2):
        verdict = judged(CRAFT.honest[way], seed, settings)
        assert verdict.outcome is Outcome.OK, (seed, verdict)


def test_an_answer_to_an_earlier_job_is_wrong() -> None:
    honest = CRAFT.honest["figures"]
    for seed in range(10):
        job = KIND.make(AudioToText(), "m", random.Random(seed))
        earlier = KIND.make(AudioToText(), "m", random.Random(seed + 100))
        answer = answered(earlier.request, honest, random.Random(seed))
        assert KIND.prove(earlier.expectation, answer).outcome is Outcome.OK
        assert KIND.prove(job.expectation, answer).outcome is Outcome.WRONG_ANSWER

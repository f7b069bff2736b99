"""A job, the simulated model's answer to it, and the proof: together they tell the truth."""

import functools
import random

import pytest

from exporter.model import Outcome
from exporter.pipelines import Prepared, Verdict
from exporter.pipelines.seen import DISTANCE, Seen
from exporter.pipelines.text_to_speech import KIND
from exporter.settings import TextToSpeech
from exporter.simulation.craft.product import Maker
from exporter.simulation.craft.text_to_speech import CRAFT
from tests.pipelines.crafted import answered, job_of

DEFAULTS = TextToSpeech()


@functools.cache
def job_for(seed: int) -> Prepared:
    return KIND.make(DEFAULTS, "maker/model", random.Random(seed))


def judged(maker: Maker, seed: int, draw: int = 1) -> Verdict:
    """What the proof says of a simulated answer to a job of this seed."""
    job = job_for(seed)
    answer = answered(job.request, maker, random.Random(1000 * seed + draw))
    return KIND.prove(job.expectation, answer)


@pytest.mark.parametrize("way", CRAFT.honest)
def test_every_honest_way_is_good_and_no_two_answers_are_alike(way: str) -> None:
    prints = []
    for seed in range(12):
        verdict = judged(CRAFT.honest[way], seed)
        assert verdict.outcome is Outcome.OK, (seed, verdict)
        assert {check.name for check in verdict.proof} == set(KIND.checks)
        assert verdict.unique
        assert verdict.artefacts[0].fingerprint is not None
        prints.append(int(verdict.artefacts[0].fingerprint, 16))
    apart = min((one ^ other).bit_count() for at, one in enumerate(prints) for other in prints[:at])
    assert apart > 3 * DISTANCE


@pytest.mark.parametrize("lie", CRAFT.lies)
def test_every_lie_is_caught(lie: str) -> None:
    for seed in range(8):
        verdict = judged(CRAFT.lies[lie].make, seed)
        assert verdict.outcome is CRAFT.lies[lie].outcome, (seed, verdict)
        assert verdict.message


@pytest.mark.parametrize("count", [2, 5])
def test_honest_ways_are_good_for_longer_texts(count: int) -> None:
    job = KIND.make(TextToSpeech(sentences=count), "m", random.Random(count))
    answer = answered(job.request, CRAFT.honest["plain"], random.Random(1))
    assert KIND.prove(job.expectation, answer).outcome is Outcome.OK


def test_an_earlier_speech_is_known_again_in_another_coding() -> None:
    seen = Seen()
    for seed in range(10):
        earlier = judged(CRAFT.honest["plain"], seed).artefacts[0]
        assert seen.replay_of(earlier, f"job {seed}") is None
        seen.add(earlier, f"job {seed}")
    for seed in range(10):
        again = answered(
            job_for(seed).request, CRAFT.honest["plain"], random.Random(1000 * seed + 1)
        )
        assert job_of(job_for(seed).request).fields["text"]
        verdict = KIND.prove(job_for(seed + 100).expectation, again)
        assert seen.replay_of(verdict.artefacts[0], "another job") == f"job {seed}"

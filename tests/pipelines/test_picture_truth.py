"""Jobs for pictures, the simulated models' answers, and the proofs: together they tell the truth.

`text-to-image`, `image-to-image` and `upscale`, as their settings have them.
"""

import random
from collections.abc import Iterator

import pytest

from exporter.model import Outcome
from exporter.pipelines import Verdict, registry
from exporter.pipelines.kinds import KINDS, make, prove
from exporter.settings import Pipelines
from exporter.simulation.craft import CRAFTS
from exporter.simulation.craft.product import Maker
from tests.pipelines.crafted import answered

NAMES = ("text-to-image", "image-to-image", "upscale")
PIPELINES = registry(Pipelines())
HONEST = [(name, way) for name in NAMES for way in CRAFTS[name].honest]
LIES = [(name, lie) for name in NAMES for lie in CRAFTS[name].lies]


def verdicts(name: str, maker: Maker, count: int) -> Iterator[tuple[int, Verdict]]:
    for seed in range(count):
        rng = random.Random(f"{name}/{seed}")
        order = PIPELINES[name].order("maker/model", rng)
        job = make(order)
        yield seed, prove(name, job.expectation, answered(job.request, maker, rng))


@pytest.mark.parametrize(("name", "way"), HONEST)
def test_every_honest_way_is_good(name: str, way: str) -> None:
    for seed, verdict in verdicts(name, CRAFTS[name].honest[way], 3):
        assert verdict.outcome is Outcome.OK, (seed, verdict)
        assert {check.name for check in verdict.proof} >= set(KINDS[name].checks)
        assert verdict.unique
        assert len(verdict.artefacts) == 1


@pytest.mark.parametrize(("name", "lie"), LIES)
def test_every_lie_is_caught(name: str, lie: str) -> None:
    told = CRAFTS[name].lies[lie]
    for seed, verdict in verdicts(name, told.make, 2):
        assert verdict.outcome is told.outcome, (seed, verdict)
        assert verdict.message

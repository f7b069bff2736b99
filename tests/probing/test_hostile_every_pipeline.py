"""What no endpoint gets away with, whatever the pipeline."""

import time

import msgspec
import pytest

from exporter.model import Measurement, Outcome
from exporter.settings import Llm, Pipelines
from exporter.simulation.hostile import FILES, HOSTILE
from exporter.simulation.hostile_pictures import GOOD_ALL_THE_SAME
from tests.probing.hostile_jobs import CAUGHT, MadeOnce, all_of, pipelines
from tests.probing.kit import LIMITS, Kit
from tests.probing.test_hostile_endpoints import EXPECTED

EVERY_PIPELINE = pytest.mark.parametrize("pipeline", pipelines())
OF_THE_WIRE = {
    name: outcomes for name, outcomes in EXPECTED.items() if not name.startswith("artefact-")
}


def clear(measurement: Measurement) -> None:
    """What the measurement of any failure must be: something that a person can read."""
    assert measurement.message
    assert measurement.message.isprintable()
    assert len(measurement.message) < 600
    assert all(words.isprintable() for words in measurement.evidence)
    assert measurement.phases.round_trip is None
    assert len(measurement.response.encode()) <= 4096
    assert msgspec.json.decode(msgspec.json.encode(measurement), type=Measurement) == measurement


@EVERY_PIPELINE
async def test_bad_answers_have_the_same_outcome_on_every_pipeline(pipeline: str, kit: Kit) -> None:
    kit.proofs = MadeOnce()
    started = time.monotonic()
    found = await all_of(kit, [HOSTILE[name]() for name in OF_THE_WIRE], pipeline)
    assert time.monotonic() - started < 12 * (LIMITS.inference + LIMITS.download)
    for name, measurement in found.items():
        clear(measurement)
        allowed = set(OF_THE_WIRE[name])
        if Outcome.DOWNLOAD_TIMEOUT in allowed:
            # A token stream has no other end than its last token.
            allowed |= {Outcome.INFERENCE_TIMEOUT}
        assert measurement.outcome in allowed, (name, measurement.outcome, measurement.message)


@EVERY_PIPELINE
async def test_bad_media_is_caught_or_not_even_asked_for(pipeline: str, kit: Kit) -> None:
    kit.proofs = MadeOnce()
    names = [name for name in HOSTILE if name.startswith("artefact-")]
    found = await all_of(kit, [HOSTILE[name]() for name in names], pipeline)
    for name, measurement in found.items():
        clear(measurement)
        allowed = EXPECTED[name] | {Outcome.INVALID_RESPONSE}
        if (name, pipeline) == ("artefact-many-urls", "text-to-speech"):
            allowed |= EXPECTED["artefact-404"]  # The form has room for one, which is not there.
        assert measurement.outcome in allowed, (name, measurement.outcome, measurement.message)


@EVERY_PIPELINE
async def test_hostile_files_are_no_artefacts(pipeline: str, kit: Kit) -> None:
    kit.proofs = MadeOnce()
    # The files are made in this process, and none of them is about time.
    kit.limits = LIMITS.model_copy(update={"inference": 60.0, "download": 60.0})
    found = await all_of(kit, [make() for make in FILES.values()], pipeline)
    for name, measurement in found.items():
        if measurement.ok:
            assert (pipeline, name in GOOD_ALL_THE_SAME) == ("text-to-image", True), name
            continue
        clear(measurement)
        assert measurement.outcome in CAUGHT, (name, measurement.outcome, measurement.message)


@EVERY_PIPELINE
async def test_a_gateway_never_carries_media_in_its_answer(pipeline: str, kit: Kit) -> None:
    from exporter.model import Blame, LaneKind

    kit.proofs = MadeOnce()
    async with HOSTILE["artefact-data-svg"]() as server:
        measurement = await kit.run(server.url, pipeline, kind=LaneKind.PINNED)
    clear(measurement)
    assert measurement.outcome in CAUGHT
    assert measurement.blame is not Blame.ORCHESTRATOR


@pytest.mark.parametrize("name", sorted(OF_THE_WIRE))
async def test_an_answer_that_was_to_come_whole_is_no_answer_either(name: str, kit: Kit) -> None:
    settings = Pipelines()
    whole = settings.llm.model_copy(update={"defaults": Llm(stream=False)})
    async with HOSTILE[name]() as server:
        measurement = await kit.run(
            server.url, "llm", pipelines=settings.model_copy(update={"llm": whole})
        )
    assert measurement.outcome in OF_THE_WIRE[name], (measurement.outcome, measurement.message)

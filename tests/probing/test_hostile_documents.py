"""Whatever stands in an answer, and wherever, the job ends as a bad answer and nothing worse."""

import pytest

from exporter.model import Outcome
from exporter.settings import Llm, Pipelines
from tests.probing.hostile_documents import good_form, spoilt
from tests.probing.hostile_jobs import CAUGHT, MadeOnce, Reciting, pipelines
from tests.probing.kit import Kit

SENTENCES = Pipelines()
WHOLE = SENTENCES.model_copy(
    update={"llm": SENTENCES.llm.model_copy(update={"defaults": Llm(stream=False)})}
)


@pytest.mark.parametrize("pipeline", pipelines())
async def test_one_wrong_value_makes_a_bad_answer_wherever_it_stands(
    pipeline: str, kit: Kit
) -> None:
    kit.proofs = MadeOnce()
    found: dict[bytes, Outcome] = {}
    async with Reciting() as server:
        for body in spoilt(good_form(pipeline)):
            server.body = body
            measurement = await kit.run(server.url, pipeline, pipelines=WHOLE)
            assert measurement.outcome in CAUGHT, (body[:300], measurement)
            assert measurement.message.isprintable()
            assert len(measurement.message) < 600
            found[body] = measurement.outcome
    assert len(found) > 50
    assert Outcome.INVALID_RESPONSE in found.values()


async def test_one_wrong_value_makes_a_bad_token_stream_wherever_it_stands(kit: Kit) -> None:
    kit.proofs = MadeOnce()
    async with Reciting("text/event-stream") as server:
        for event in spoilt(good_form("llm", stream=True)):
            server.body = b"data: " + event + b"\n\n"
            measurement = await kit.run(server.url, "llm")
            assert measurement.outcome in CAUGHT, (event[:300], measurement)
            assert measurement.message.isprintable()


@pytest.mark.parametrize("pipeline", pipelines())
async def test_an_answer_of_the_right_form_alone_is_not_enough(pipeline: str, kit: Kit) -> None:
    async with Reciting() as server:
        server.body = b"[" + b"]"
        listed = await kit.run(server.url, pipeline, pipelines=WHOLE)
    assert listed.outcome is Outcome.INVALID_RESPONSE

"""A job, the simulated model's answer to it, and the proof: together they tell the truth."""

import random

import msgspec
import pytest

from exporter.model import Outcome
from exporter.pipelines import Answer, Verdict
from exporter.pipelines.llm import KIND
from exporter.settings import Llm
from exporter.simulation.language import LIES, WAYS, Message, chunks, reply, whole

MOST_NUMBERS = 6
"""Half of what is allowed by default."""
STREAM_OR_NOT = pytest.mark.parametrize("stream", [True, False])


def judged(
    seed: int,
    *,
    stream: bool,
    way: str | None = None,
    lie: str | None = None,
    max_tokens: int = 128,
) -> Verdict:
    """What the proof says of the simulated answer to a job of this seed."""
    settings = Llm(stream=stream, max_tokens=max_tokens)
    job = KIND.make(settings, "m", random.Random(seed))
    messages = msgspec.convert(msgspec.json.decode(job.request.body)["messages"], list[Message])
    answer = reply(messages, max_tokens, way=way, lie=lie)
    if stream:
        body = b"".join(chunks(answer, model="m", created=0))
    else:
        body = msgspec.json.encode(whole(answer, model="m", created=0))
    return KIND.prove(job.expectation, Answer(body=body))


@STREAM_OR_NOT
@pytest.mark.parametrize("way", WAYS)
def test_every_honest_way_is_good(way: str, stream: bool) -> None:
    for seed in range(200):
        verdict = judged(seed, stream=stream, way=way)
        assert verdict.outcome is Outcome.OK, (seed, verdict)
        scores = {check.name: check.score for check in verdict.proof}
        assert {scores[name] for name in KIND.checks if name != "numbers"} == {1.0}
        assert (scores["numbers"] or 0.0) <= MOST_NUMBERS


@STREAM_OR_NOT
@pytest.mark.parametrize("lie", LIES)
def test_every_lie_is_caught(lie: str, stream: bool) -> None:
    for seed in range(40):
        verdict = judged(seed, stream=stream, lie=lie)
        assert verdict.outcome is LIES[lie], (seed, verdict)


def test_tokens_that_are_counted_with_a_mark_each_are_counted_by_their_events() -> None:
    good = judged(1, stream=True, way="doubled")
    assert good.tokens is not None
    assert good.tokens.counted_from == "chunks"
    assert judged(1, stream=True, way="chatty").tokens == msgspec.structs.replace(
        good.tokens, counted_from="usage"
    )


@STREAM_OR_NOT
@pytest.mark.parametrize("way", ["thinking", "reasoning"])
def test_a_model_that_thinks_for_all_its_tokens_is_not_at_fault(way: str, stream: bool) -> None:
    for seed in range(50):
        cut = judged(seed, stream=stream, way=way, max_tokens=64)
        if cut.outcome is not Outcome.OK:
            assert cut.outcome is Outcome.TESTER_ERROR
            assert "`max_tokens`" in cut.message

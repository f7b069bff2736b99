"""Jobs are done in the way that is asked for, and only who replays remembers."""

from random import Random

import pytest

from exporter.simulation.craft import CRAFTS
from exporter.simulation.craft.product import REPLAYED, BadInput
from exporter.simulation.craft.workshop import Workshop
from exporter.simulation.workload import Job

ASKED = "Answer with the code {} first. Then add 20 to 22. End with a tram."


def a_job(code: str = "K7Q2-M9XD", **fields: object) -> Job:
    messages = [{"role": "user", "content": ASKED.format(code)}]
    asked = {"messages": messages, "max_tokens": 128} | fields
    return Job(pipeline="llm", model="m", fields=asked, files={}, via="direct")


def said(document: dict[str, object]) -> str:
    match document:
        case {"choices": [{"message": {"content": str(text)}}]}:
            return text
    raise AssertionError(document)


async def test_the_first_way_is_taken_where_none_is_named() -> None:
    shop = Workshop()
    plain = await shop.do(a_job(), Random(1))
    first = await shop.do(a_job(), Random(1), way=next(iter(CRAFTS["llm"].honest)))
    assert said(plain.document) == said(first.document)
    assert "K7Q2-M9XD" in said(plain.document)


async def test_a_replay_is_what_was_kept_and_honest_before_anything_was() -> None:
    shop = Workshop()
    assert not shop.can_replay("llm")
    first = await shop.do(a_job("AAAA-1111"), Random(1), lie=REPLAYED, keep=True)
    assert "AAAA-1111" in said(first.document)
    assert shop.can_replay("llm")
    assert not shop.can_replay("upscale")
    again = await shop.do(a_job("BBBB-2222"), Random(2), lie=REPLAYED, keep=True)
    assert again == first


async def test_a_lie_is_never_kept_and_nothing_is_unless_asked_for() -> None:
    shop = Workshop()
    await shop.do(a_job(), Random(1))
    await shop.do(a_job(), Random(1), lie="echo", keep=True)
    assert not shop.can_replay("llm")


async def test_tokens_are_events_where_a_stream_is_asked_for() -> None:
    product = await Workshop().do(a_job(stream=True), Random(1))
    assert product.document == {}
    assert all(event.startswith(b"data: ") for event in product.events)


async def test_what_is_no_job_and_what_is_no_way_or_lie_is_told_apart() -> None:
    with pytest.raises(BadInput):
        await Workshop().do(a_job(messages="hello"), Random(1))
    with pytest.raises(KeyError):
        await Workshop().do(a_job(), Random(1), way="rudely")
    with pytest.raises(KeyError):
        await Workshop().do(a_job(), Random(1), lie="small")

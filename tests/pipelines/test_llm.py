import random
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Outcome, Tokens
from exporter.pipelines import Answer, Verdict
from exporter.pipelines.job import RESPONSE_LIMIT
from exporter.pipelines.llm import Llm, TextExpectation, prove
from exporter.settings import Llm as LlmSettings

CODE = "K7Q2-M9XD"
ASKED = f"Answer with the code {CODE} first, copied exactly."


def expectation(*, stream: bool = False) -> TextExpectation:
    return TextExpectation(nonce=CODE, question=ASKED, stream=stream, max_tokens=64)


def plain(text: object, usage: object = None, **others: object) -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "a", "content": text}}
    return msgspec.json.encode({"choices": [choice], "usage": usage, **others})


def verdict(body: bytes, *, stream: bool = False) -> Verdict:
    return prove(expectation(stream=stream), Answer(body=body))


def test_a_job_is_new_every_time_and_has_all_four_fields() -> None:
    llm = Llm(LlmSettings(stream=True, max_tokens=99, temperature=0.5))
    rng = random.Random(1)
    jobs = [llm.prepare("maker/model", rng) for _ in range(200)]
    sent: dict[str, Any] = msgspec.json.decode(jobs[0].request.body)
    asked = jobs[0].expectation
    assert isinstance(asked, TextExpectation)
    assert re.fullmatch(r"[CDFGHJKMNPQRTVWXY234679]{4}-[CDFGHJKMNPQRTVWXY234679]{4}", asked.nonce)
    assert sent == {
        "model": "maker/model",
        "messages": [{"role": "user", "content": asked.question}],
        "stream": True,
        "max_tokens": 99,
        "temperature": 0.5,
    }
    assert asked.nonce in asked.question
    assert (jobs[0].request.path, jobs[0].request.stream) == ("/llm", True)
    assert jobs[0].request.headers["Content-Type"] == "application/json"
    assert msgspec.json.decode(jobs[0].request.summary) == sent
    assert (jobs[0].unit, jobs[0].units) == ("token", None)
    assert len({job.request.body for job in jobs}) == 200
    assert llm.media_urls(b"anything") == []


def test_the_same_seed_makes_the_same_job() -> None:
    llm = Llm(LlmSettings())
    assert llm.prepare("m", random.Random(3)) == llm.prepare("m", random.Random(3))


@pytest.mark.parametrize(
    "text",
    [
        f"{CODE} A lake is a body of water.",
        f"**{CODE.lower()}**",
        "`K7Q2 - M9XD`",
        "k7q2\u2011m9xd",
        "K7Q2\nM9XD",
    ],
)
def test_an_answer_with_the_code_is_good(text: str) -> None:
    good = verdict(plain(text, {"completion_tokens": 9}))
    assert (good.outcome, good.proof) == (Outcome.OK, {"code": 1.0, "own_words": 1.0})
    assert good.evidence == ("finish_reason: 'stop'",)
    assert (good.tokens, good.units) == (Tokens(completion=9, counted_from="usage"), 9)
    assert good.artefacts[0].kind == "text"
    assert msgspec.json.decode(good.response)["text"] == text


def test_another_code_is_a_wrong_answer() -> None:
    wrong = verdict(plain("K7Q2-M9XC and more"))
    assert wrong.outcome is Outcome.WRONG_ANSWER
    assert CODE in wrong.message
    assert wrong.evidence[-1] == "the answer begins 'K7Q2-M9XC and more'"


def test_the_question_itself_is_a_wrong_answer() -> None:
    assert verdict(plain(f"You said: {ASKED}")).message.startswith("the answer repeats")


def test_zeros_are_no_token_count() -> None:
    good = verdict(plain(CODE, {"completion_tokens": 0}))
    assert (good.outcome, good.tokens, good.units) == (Outcome.OK, Tokens(), None)


def test_a_stream_is_judged_by_its_whole_text() -> None:
    body = b"".join(
        b"data: " + msgspec.json.encode({"choices": [{"delta": {"content": part}}]}) + b"\r\n\r\n"
        for part in ("K7", "Q2-M", "9XD", " there")
    )
    good = verdict(body, stream=True)
    assert (good.outcome, good.tokens) == (
        Outcome.OK,
        Tokens(completion=4, counted_from="chunks"),
    )
    assert good.evidence == ("finish_reason: not given",)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"null", "`null`"),
        (b"[]", "promised form"),
        (b'{"choices":null,"created":0,"id":"","model":""}', "no choices"),
        (b'{"choices":[]}', "no choices"),
        (b'{"choices":[{}]}', "no message"),
        (b'{"choices":[{"message":{"content":["a"]}}]}', "promised form"),
        (b'{"choices":[{"message":{"content":NaN}}]}', "not JSON"),
        (b'{"x":' + b"[" * 100_000, "nested too deeply"),
        (b'{"error":{"message":"no memory"}}', "carries an error: .*no memory"),
        (b"<html>busy</html>", "not JSON .* begins '<html>busy</html>'"),
        (b'{"choices":[{"message":{"content":"half', "not JSON"),
        (plain(None), "empty text"),
        (plain(" \n"), "empty text"),
    ],
)
def test_what_is_no_answer_is_an_invalid_response(body: bytes, complaint: str) -> None:
    invalid = verdict(body)
    assert invalid.outcome is Outcome.INVALID_RESPONSE
    assert re.search(complaint, invalid.message)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "empty"),
        (b"null", "none; it begins 'null'"),
        (b'{"choices":null}', "an event stream was asked for"),
        (b"data: {}\n\n", "empty text"),
        (b'data: {"error":"x"}\n\n', "carried an error"),
    ],
)
def test_what_is_no_stream_is_an_invalid_response(body: bytes, complaint: str) -> None:
    invalid = verdict(body, stream=True)
    assert invalid.outcome is Outcome.INVALID_RESPONSE
    assert complaint in invalid.message


@given(st.binary(max_size=200), st.booleans())
def test_the_proof_never_raises_and_keeps_its_bounds(body: bytes, stream: bool) -> None:
    found = verdict(body, stream=stream)
    assert found.outcome is not Outcome.OK
    assert len(found.response.encode()) <= RESPONSE_LIMIT


@given(st.text(st.characters(categories=["Cc", "So", "Lu"]), max_size=40), st.integers(0, 2000))
def test_the_record_of_the_answer_is_bounded_json(text: str, times: int) -> None:
    response = verdict(plain(text * times + CODE)).response
    assert len(response.encode()) <= RESPONSE_LIMIT
    assert isinstance(msgspec.json.decode(response), dict)

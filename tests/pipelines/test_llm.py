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


def streamed(*parts: str, end: str | None = "stop") -> bytes:
    """A token stream of these parts; with `end` it tells its end so."""
    choices: list[dict[str, object]] = [{"delta": {"content": part}} for part in parts]
    if end is not None:
        choices.append({"delta": {"content": ""}, "finish_reason": end})
    return b"".join(
        b"data: " + msgspec.json.encode({"choices": [choice]}) + b"\r\n\r\n" for choice in choices
    )


def test_a_stream_is_judged_by_its_whole_text() -> None:
    good = verdict(streamed("K7", "Q2-M", "9XD", " there"), stream=True)
    assert (good.outcome, good.tokens) == (
        Outcome.OK,
        Tokens(completion=4, counted_from="chunks"),
    )
    assert good.evidence == ("finish_reason: 'stop'",)


def test_a_stream_that_holds_the_code_need_not_tell_its_end() -> None:
    good = verdict(streamed("K7Q2-", "M9XD", end=None), stream=True)
    assert good.outcome is Outcome.OK
    assert good.evidence == (
        "finish_reason: not given",
        "the token stream did not tell its end, but what was asked for is in it",
    )


WHOLE = streamed("Sure: ", "K7Q2-", "M9XD")


@pytest.mark.parametrize("kept", range(len(streamed("Sure: ")), WHOLE.index(b"M9XD") + 3))
def test_a_stream_that_breaks_off_anywhere_before_its_proof_is_no_wrong_answer(kept: int) -> None:
    broken = verdict(WHOLE[:kept], stream=True)
    assert broken.outcome is Outcome.DOWNLOAD_FAILED
    assert broken.message == "the token stream broke off"
    assert broken.evidence[0] == "finish_reason: not given"


def test_a_stream_that_breaks_off_before_its_first_word_is_no_invalid_response() -> None:
    body = b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'
    assert verdict(body, stream=True).outcome is Outcome.DOWNLOAD_FAILED


@pytest.mark.parametrize(
    "body",
    [streamed("No."), streamed("No", end="length"), streamed("No", end=None) + b"data: [DONE]"],
)
def test_a_stream_that_tells_its_end_without_the_code_is_a_wrong_answer(body: bytes) -> None:
    assert verdict(body, stream=True).outcome is Outcome.WRONG_ANSWER


def test_a_mistake_in_the_stream_is_told_whether_it_breaks_off_or_not() -> None:
    body = streamed("K7", end=None) + b"data: what?\n\n" + streamed("Q2", end=None)
    broken = verdict(body, stream=True)
    assert broken.outcome is Outcome.INVALID_RESPONSE
    assert "event 2 of the stream is not JSON" in broken.message


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
        (b"data: what?", "event 1 of the stream is not JSON"),
        (streamed(""), "empty text"),
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

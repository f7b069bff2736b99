import random
import re
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Outcome, Tokens
from exporter.pipelines import Answer, Verdict, prompts
from exporter.pipelines.job import RESPONSE_LIMIT
from exporter.pipelines.llm import KIND, TextExpectation, prove
from exporter.pipelines.numerals import words
from exporter.settings import Llm

CODE = "K7Q2-M9XD"
ASKED = f"Answer with the code {CODE} first, copied exactly. Then give the sum of 37 and 48."
GOOD = f"{CODE} 85"
EVERY_NUMBER = f"{CODE} {' '.join(map(str, range(24, 179)))}"
EVERY_WORD = f"{CODE} {', '.join(map(words, range(24, 179)))}"


def expectation(*, stream: bool = False, exempt: tuple[str, ...] = ()) -> TextExpectation:
    return TextExpectation(
        nonce=CODE,
        addends=(37, 48),
        question=ASKED,
        stream=stream,
        max_tokens=64,
        exempt=exempt,
    )


def plain(text: object, usage: object = None, end: str | None = "stop", **others: object) -> bytes:
    message = {"role": "a", "content": text, **others}
    choice = {"index": 0, "finish_reason": end, "message": message}
    return msgspec.json.encode({"choices": [choice], "usage": usage})


def verdict(body: bytes, *, stream: bool = False) -> Verdict:
    return prove(expectation(stream=stream), Answer(body=body))


def said(text: str, **others: Any) -> Verdict:
    return verdict(plain(text, **others))


def scores(found: Verdict) -> dict[str, float | None]:
    return {check.name: check.score for check in found.proof}


def test_a_job_is_new_every_time_and_has_all_four_fields() -> None:
    llm = Llm(stream=True, max_tokens=99, temperature=0.5)
    rng = random.Random(1)
    jobs = [KIND.make(llm, "maker/model", rng) for _ in range(200)]
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
    assert KIND.media_urls(b"anything") == []


def test_the_same_seed_makes_the_same_job() -> None:
    one, other = (KIND.make(Llm(), "m", random.Random(3)) for _ in range(2))
    assert one == other


def test_neither_the_sum_nor_a_part_of_it_stands_in_the_question_or_the_code() -> None:
    rng = random.Random(2)
    asked = [prompts.question(rng) for _ in range(5000)]
    for question in asked:
        assert str(question.total) not in question.text
        assert re.findall(r"(?<![\w-])[0-9]+(?![\w-])", question.text) == [
            str(addend) for addend in question.addends
        ]
        assert sum(question.addends) == question.total
    assert len({question.total for question in asked}) > 100
    assert len({question.text.replace(question.code, "") for question in asked}) > 4900


@pytest.mark.parametrize(
    "text",
    [
        f"{CODE} 85 A lake is a body of water.",
        f"{CODE} Eighty-five.",
        f"{CODE}\n\n37 + 48 = 85",
        f"assistant\n\n{CODE}\n\nThe sum is **85**.",
        f"**{CODE.lower()}** `85`",
        "`K7Q2 - M9XD` is followed by $\\\\boxed{85}$",
        "k7q2\u2011m9xd, 85.0",
        "K7Q2\nM9XD\n8\u200b5",
        "\uff2b\uff17\uff31\uff12-\uff2d\uff19\uff38\uff24 \uff18\uff15",
        "\u202eK7Q2-M9XD\u202c \u206685\u2069",
        f"First 85, no: {CODE} first, then 85.",
        f"<think>It says: {ASKED} So 85.</think>{CODE}: 85",
        f"I must begin with the code.</think>\n\n{CODE} 85",
        f"You asked: {ASKED} Well: {CODE} and 85.",
        f"{CODE},85,A lake.",
        f"{CODE}\n085",
        f"{CODE}: 37 + 48 = 85, as 48 + 37 = 85",
    ],
)
def test_an_answer_with_code_and_sum_is_good(text: str) -> None:
    good = said(text, usage={"completion_tokens": 9})
    assert good.outcome is Outcome.OK, good
    assert scores(good) == {
        "code": 1.0, "own_words": 1.0, "sum": 1.0, "numbers": 0.0, "order": 1.0, "finish": 1.0,
        "usage": 1.0,
    }  # fmt: skip
    assert good.evidence == ("finish_reason: 'stop'",)
    assert (good.tokens, good.units) == (Tokens(completion=9, counted_from="usage"), 9)
    assert good.artefacts[0].kind == "text"
    assert good.unique


@pytest.mark.parametrize(
    ("text", "check", "complaint"),
    [
        ("K7Q2-M9XC and 85", "code", f"does not hold the code {CODE}"),
        ("\u041a7Q2-\u041c9XD and 85", "code", f"does not hold the code {CODE}"),
        (f"You said: {ASKED}", "own_words", "the answer repeats the question"),
        (f"{ASKED} 85", "own_words", "the answer repeats the question"),
        (EVERY_NUMBER, "numbers", "gives 152 other numbers beside the sum, at most 12 are"),
        (EVERY_WORD, "numbers", "gives 152 other numbers beside the sum, at most 12 are"),
        (f"{CODE} and a lake.", "sum", "does not give the sum of 37 and 48, which is 85"),
        (f"{CODE} 84", "sum", "does not give the sum"),
        (f"{CODE} 185", "sum", "does not give the sum"),
        (f"{CODE} 850", "sum", "does not give the sum"),
        (f"{CODE} 1.85", "sum", "does not give the sum"),
        (f"{CODE} 85.5", "sum", "does not give the sum"),
        (f"{CODE} 1,085", "sum", "does not give the sum"),
        (f"{CODE} 37 + 48", "sum", "does not give the sum"),
        (f"{CODE} eighty", "sum", "does not give the sum"),
        (f"85 and then {CODE}", "order", "the sum before the code"),
    ],
)
def test_what_is_missing_is_told_check_by_check(text: str, check: str, complaint: str) -> None:
    wrong = said(text)
    assert wrong.outcome is Outcome.WRONG_ANSWER
    assert complaint in wrong.message
    assert scores(wrong)[check] == (152 if check == "numbers" else 0)
    assert wrong.evidence[-1].startswith("the answer begins ")


def test_a_number_in_the_tens_is_not_its_round_part() -> None:
    asked = msgspec.structs.replace(expectation(), addends=(32, 48))
    for text, outcome in (("eighty", Outcome.OK), ("eighty-five", Outcome.WRONG_ANSWER)):
        assert prove(asked, Answer(body=plain(f"{CODE} {text}"))).outcome is outcome


@pytest.mark.parametrize("check", ["code", "own_words", "sum", "numbers", "order"])
def test_each_check_can_be_exempted(check: str) -> None:
    failing = {
        "code": "So: 85",
        "own_words": f"{ASKED} 85",
        "sum": CODE,
        "numbers": EVERY_NUMBER,
        "order": f"85 {CODE}",
    }
    asked = expectation(exempt=(check,))
    spared = prove(asked, Answer(body=plain(failing[check])))
    assert spared.outcome is Outcome.OK
    assert any(f"exempt from {check}" in words for words in spared.evidence)


@pytest.mark.parametrize(
    ("end", "score"),
    [("stop", 1.0), ("LENGTH", 1.0), ("eos", 1.0), (None, None), ("", None), ("tired", 0.0)],
)
def test_the_finish_reason_is_reported_and_fails_nobody(
    end: str | None, score: float | None
) -> None:
    good = said(GOOD, end=end)
    assert (good.outcome, scores(good)["finish"]) == (Outcome.OK, score)
    assert good.evidence == (f"finish_reason: {end!r}" if end else "finish_reason: not given",)


@pytest.mark.parametrize("claimed", [65, 60, -5, 10**15])
def test_an_implausible_usage_is_told_and_not_used(claimed: int) -> None:
    good = said(GOOD, usage={"completion_tokens": claimed})
    assert (good.outcome, good.tokens) == (Outcome.OK, Tokens())
    assert scores(good)["usage"] == 0.0
    assert f"the answer counts {claimed} tokens, for a text of 12 bytes" in good.evidence[-1]


def test_who_says_nothing_and_claims_to_have_had_no_room_is_not_believed() -> None:
    silent = said("", end="length")
    assert silent.outcome is Outcome.WRONG_ANSWER
    assert f"does not hold the code {CODE}" in silent.message


THOUGHTS = "The user wants me to begin with the code. Then I add 37 and 48, which is easy. " * 2


@pytest.mark.parametrize(
    "body",
    [
        plain("", end="length", reasoning_content=THOUGHTS),
        plain(None, end="length", reasoning=THOUGHTS),
        plain("<think>" + THOUGHTS, end="length"),
        plain("<think>" + THOUGHTS, usage={"completion_tokens": 64}),
        plain(THOUGHTS, end="length"),
        plain("", usage={"completion_tokens": 64}),
        plain("", end="length", usage={"completion_tokens": 64}),
        plain("", end="length", reasoning_content=f"It says: {ASKED}"),
    ],
)
def test_a_model_that_had_no_tokens_left_to_answer_is_our_own_doing(body: bytes) -> None:
    ours = verdict(body)
    assert ours.outcome is Outcome.TESTER_ERROR
    assert "its 64 tokens were used up" in ours.message
    assert "`max_tokens`" in ours.message


@pytest.mark.parametrize(
    "body",
    [
        plain("It is always nice to be asked about anything at all. " * 9, end="length"),
        plain(f"{CODE}. Lakes are very nice. " * 9, end="length"),
        plain(f"{ASKED} " * 3, end="length"),
        plain("", end="length", reasoning_content="Nice to meet you. " * 20),
        plain("<think>" + THOUGHTS, end="stop"),
    ],
)
def test_an_answer_that_only_looks_cut_off_is_wrong_all_the_same(body: bytes) -> None:
    assert verdict(body).outcome is Outcome.WRONG_ANSWER


def test_thoughts_that_hold_everything_are_an_answer_where_nothing_else_came() -> None:
    good = verdict(plain("", end="length", reasoning_content=f"{THOUGHTS} {CODE}, 85"))
    assert good.outcome is Outcome.OK
    assert "in the thoughts" in good.evidence[-1]
    assert "85" in msgspec.json.decode(good.response)["thoughts"]


def test_thoughts_do_not_make_up_for_a_wrong_answer() -> None:
    wrong = verdict(plain("No idea.", reasoning_content=GOOD))
    assert wrong.outcome is Outcome.WRONG_ANSWER


def test_of_several_choices_the_first_is_judged() -> None:
    choices = [{"message": {"content": text}} for text in (GOOD, "no")]
    first = verdict(msgspec.json.encode({"choices": choices}))
    assert first.outcome is Outcome.OK
    assert "several choices" in first.evidence[-1]
    assert verdict(msgspec.json.encode({"choices": choices[::-1]})).outcome is not Outcome.OK
    events = [
        b"data: " + msgspec.json.encode({"choices": [{"index": n, "delta": {"content": text}}]})
        for n, text in ((0, "K7Q2"), (1, "no"), (0, "-M9XD 8"), (1, "7"), (0, "5"))
    ]
    mixed = verdict(b"\n\n".join([*events, b"data: [DONE]\n\n"]), stream=True)
    assert mixed.outcome is Outcome.OK
    assert mixed.tokens == Tokens(completion=3, counted_from="chunks")


def test_a_long_run_of_combining_marks_takes_no_time() -> None:
    started = time.process_time()
    assert said("a" + "\u0315\u0300" * 120_000).outcome is Outcome.WRONG_ANSWER
    assert time.process_time() - started < 2


def test_zeros_are_no_token_count() -> None:
    good = verdict(plain(GOOD, {"completion_tokens": 0}))
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
    good = verdict(streamed("K7", "Q2-M", "9XD", " 85"), stream=True)
    assert (good.outcome, good.tokens) == (
        Outcome.OK,
        Tokens(completion=4, counted_from="chunks"),
    )
    assert good.evidence == ("finish_reason: 'stop'",)


def test_a_stream_that_holds_everything_need_not_tell_its_end() -> None:
    good = verdict(streamed("K7Q2-", "M9XD 85", end=None), stream=True)
    assert good.outcome is Outcome.OK
    assert good.evidence == (
        "finish_reason: not given",
        "the token stream did not tell its end, but what was asked for is in it",
    )


WHOLE = streamed("Sure: ", "K7Q2-", "M9XD", "85")


@pytest.mark.parametrize("kept", range(len(streamed("Sure: ")), WHOLE.index(b"85") + 3))
def test_a_stream_that_breaks_off_anywhere_before_its_proof_is_no_wrong_answer(kept: int) -> None:
    broken = verdict(WHOLE[:kept], stream=True)
    assert broken.outcome is Outcome.DOWNLOAD_FAILED
    assert broken.message == "the token stream broke off"
    assert "finish_reason: not given" in broken.evidence


def test_a_stream_that_breaks_off_before_its_first_word_is_no_invalid_response() -> None:
    body = b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'
    assert verdict(body, stream=True).outcome is Outcome.DOWNLOAD_FAILED


@pytest.mark.parametrize(
    "body",
    [streamed("No."), streamed("No", end="length"), streamed(CODE, end=None) + b"data: [DONE]"],
)
def test_a_stream_that_tells_its_end_and_lacks_something_is_a_wrong_answer(body: bytes) -> None:
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
    response = verdict(plain(text * times + GOOD)).response
    assert len(response.encode()) <= RESPONSE_LIMIT
    assert isinstance(msgspec.json.decode(response), dict)

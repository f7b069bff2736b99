import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Outcome
from exporter.simulation.language import LIES, WAYS, Message, chunks, reply, tokenise, whole


def asked(text: str) -> list[Message]:
    return [Message("system", "You are a parrot."), Message("user", text)]


@given(code=st.from_regex(r"\A[A-Z0-9]{4}-[A-Z0-9]{4}\Z"))
def test_the_answer_contains_the_code_in_several_tokens(code: str) -> None:
    answer = reply(asked(f"Repeat {code}."), 64)
    assert code in answer.text
    assert all(code not in token for token in answer.tokens)
    assert len(answer.tokens) <= 24
    assert answer.finish_reason == "stop"


def test_only_the_last_user_message_counts() -> None:
    conversation = [
        Message("user", "AAAA-1111"),
        Message("assistant", "BBBB-2222"),
        Message("user", "CCCC-3333"),
    ]
    text = reply(conversation, 64).text
    assert "CCCC-3333" in text
    assert "AAAA-1111" not in text


def test_what_only_looks_like_a_code_is_none() -> None:
    assert "-" not in reply(asked("a uuid 123E4567-E89B-12D3-A456 or well-made"), 64).text


def test_a_liar_ignores_the_question() -> None:
    answers = {reply(asked(code), 64, honest=False).text for code in ("AAAA-1111", "BBBB-2222")}
    assert len(answers) == 1


def test_max_tokens_cuts_the_answer() -> None:
    answer = reply(asked("Repeat AAAA-1111."), 3)
    assert len(answer.tokens) == 3
    assert answer.finish_reason == "length"


@given(words=st.lists(st.from_regex(r"\A[A-Za-z0-9]{1,8}\Z"), min_size=1))
def test_tokens_make_the_text_again(words: list[str]) -> None:
    text = " ".join(words) + "."
    assert "".join(tokenise(text)) == text


def test_a_stream_has_the_recorded_form() -> None:
    answer = reply(asked("Repeat AAAA-1111."), 64)
    events = chunks(answer, model="m", created=5)
    assert all(event.startswith(b"data: {") and event.endswith(b"}\n\n") for event in events)
    parsed = [json.loads(event.removeprefix(b"data: ")) for event in events]
    assert "".join(p["choices"][0]["delta"]["content"] for p in parsed) == answer.text
    zeros = {"completion_tokens": 0, "prompt_tokens": 0, "total_tokens": 0}
    assert all(p["usage"] == zeros for p in parsed[:-1])
    assert ["finish_reason" in p["choices"][0] for p in parsed] == [False] * len(answer.tokens) + [
        True
    ]
    assert parsed[-1]["choices"][0]["finish_reason"] == "stop"
    assert parsed[-1]["usage"]["completion_tokens"] == len(answer.tokens)


def test_a_whole_answer_counts_its_tokens() -> None:
    answer = reply(asked("Repeat AAAA-1111."), 64)
    body = whole(answer, model="m", created=5)
    assert body["choices"][0]["message"] == {"role": "assistant", "content": answer.text}
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens"] == len(answer.tokens)


ADD = "Repeat AAAA-1111. Then add 37 to 48. End with one sentence about a waterfall."


@pytest.mark.parametrize("way", WAYS)
def test_every_honest_way_does_what_was_asked_for(way: str) -> None:
    answer = reply(asked(ADD), 128, way=way)
    text = answer.text.lower()
    assert "aaaa-1111" in text
    assert ("85" in text) != ("eighty-five" in text)
    assert ("waterfall" in text) == (way != "short")
    assert answer.finish_reason == "stop"
    assert answer == reply(asked(ADD), 128, way=way)


def test_the_honest_ways_differ() -> None:
    answers = [reply(asked(ADD), 128, way=way) for way in WAYS]
    assert len({(a.text, a.reasoning, a.counted, a.lump) for a in answers}) == len(WAYS)
    assert reply(asked(ADD), 128) == answers[0]


@pytest.mark.parametrize("numbers", ["{} plus {}", "{} and {}", "{} to {}"])
@given(first=st.integers(0, 999), second=st.integers(0, 999))
def test_it_adds_whatever_numbers_it_is_asked_to_add(numbers: str, first: int, second: int) -> None:
    question = f"Begin with AAAA-1111. The sum of {numbers.format(first, second)}."
    assert f"The sum is {first + second}." in reply(asked(question), 64).text


def test_each_lie_is_not_what_was_asked_for() -> None:
    told = {name: reply(asked(ADD), 128, lie=name).text for name in LIES}
    assert told["echo"].endswith(ADD)
    assert "AAAA-1111" in told["no-sum"]
    assert "85" not in told["no-sum"]
    assert "95" in told["wrong-sum"]
    assert "AAAA-1111" not in told["other"]
    assert told["reversed"].index("85") < told["reversed"].index("AAAA-1111")
    assert told["empty"] == ""
    assert not any(letter.isalnum() for letter in told["garbage"])
    assert told["constant"] == reply(asked("Repeat BBBB-2222."), 128, honest=False).text
    assert told["garbage"] != reply(asked("Repeat BBBB-2222."), 128, lie="garbage").text
    assert LIES["empty"] is Outcome.INVALID_RESPONSE
    assert {LIES[name] for name in LIES if name != "empty"} == {Outcome.WRONG_ANSWER}


def test_an_unknown_way_or_lie_is_refused() -> None:
    with pytest.raises(KeyError):
        reply(asked(ADD), 128, way="politely")
    with pytest.raises(KeyError):
        reply(asked(ADD), 128, lie="small")


def test_thoughts_have_a_field_of_their_own_and_count_as_tokens() -> None:
    answer = reply(asked(ADD), 128, way="reasoning")
    message = whole(answer, model="m", created=5)["choices"][0]["message"]
    thoughts = message["reasoning_content"]
    assert "AAAA-1111" in thoughts
    assert answer.usage["completion_tokens"] == len(answer.tokens) + len(tokenise(thoughts))
    events = b"".join(chunks(answer, model="m", created=5))
    assert events.count(b"reasoning_content") == len(tokenise(thoughts))


def test_thoughts_may_take_all_the_tokens() -> None:
    cut = reply(asked(ADD), 10, way="reasoning")
    assert (cut.text, cut.finish_reason, len(cut.reasoning)) == ("", "length", 10)


def test_usage_may_be_zero_or_doubled_and_events_may_carry_several_tokens() -> None:
    assert set(reply(asked(ADD), 128, way="zeros").usage.values()) == {0}
    doubled = reply(asked(ADD), 128, way="doubled")
    assert doubled.usage["completion_tokens"] == 2 * len(doubled.tokens)
    lumps = reply(asked(ADD), 128, way="lumps")
    assert len(chunks(lumps, model="m", created=5)) == -(-len(lumps.tokens) // 5) + 1

import json

from hypothesis import given
from hypothesis import strategies as st

from exporter.simulation.language import Message, chunks, reply, tokenise, whole


def asked(text: str) -> list[Message]:
    return [Message("system", "You are a parrot."), Message("user", text)]


@given(code=st.from_regex(r"\A[A-Z0-9]{4}-[A-Z0-9]{4}\Z"))
def test_the_answer_contains_the_code_in_several_tokens(code: str) -> None:
    answer = reply(asked(f"Repeat {code}."), 64)
    assert code in answer.text
    assert all(code not in token for token in answer.tokens)
    assert len(answer.tokens) <= 16
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

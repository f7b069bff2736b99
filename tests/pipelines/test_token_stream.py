from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Tokens
from exporter.pipelines.token_stream import TEXT_LIMIT, TokenStream, completion

ZEROS = {"completion_tokens": 0, "prompt_tokens": 0, "total_tokens": 0}


def chunk(
    content: str | None = None,
    finish_reason: str | None = None,
    usage: object = ZEROS,
    **delta: object,
) -> bytes:
    choice = {
        "index": 0,
        "delta": {"role": "assistant", "content": content, **delta},
        "finish_reason": finish_reason,
    }
    return b"data: " + msgspec.json.encode({"choices": [choice], "usage": usage}) + b"\n\n"


def read(*parts: bytes) -> TokenStream:
    """Each part arrives 10 ns after the one before; the first one at 110."""
    stream = TokenStream()
    for number, part in enumerate(parts, 1):
        stream.feed(part, 100 + 10 * number)
    stream.finish(999)
    return stream


def test_a_good_stream_tells_text_times_and_count() -> None:
    stream = read(
        chunk(""),
        chunk("Hello"),
        chunk(" from"),
        chunk(" here"),
        chunk("", "stop", {"completion_tokens": 5}),
    )
    assert (stream.text, stream.finish_reason, stream.problem) == ("Hello from here", "stop", None)
    assert (stream.first_content, stream.last_content, stream.chunks) == (120, 140, 3)
    assert stream.tokens(sent_at=40) == Tokens(
        completion=5,
        counted_from="usage",
        time_to_first=80,
        inter_token=20 / 4,
        per_second=5 * 1e9 / 100,
    )


def test_zeros_count_as_not_given_so_the_chunks_are_counted() -> None:
    tokens = read(chunk("a"), chunk("b"), chunk("c")).tokens(sent_at=100)
    assert (tokens.completion, tokens.counted_from, tokens.inter_token) == (3, "chunks", 10.0)


def test_the_count_of_the_proof_is_used_where_there_is_one() -> None:
    counted = Tokens(completion=2, counted_from="chunks")
    tokens = read(chunk("a"), chunk("b", usage={"completion_tokens": 9})).tokens(100, counted)
    assert (tokens.completion, tokens.counted_from, tokens.inter_token) == (2, "chunks", 10.0)


def test_tokens_of_reasoning_do_not_shorten_the_time_between_tokens() -> None:
    stream = read(
        chunk(None, reasoning_content="hm, let me think about this"),
        chunk("a"),
        chunk("b", usage={"completion_tokens": 12}),
    )
    tokens = stream.tokens(sent_at=100)
    assert (tokens.completion, tokens.inter_token) == (12, 10.0)


def test_one_token_has_no_time_between_tokens() -> None:
    tokens = read(chunk("a")).tokens(sent_at=100)
    assert (tokens.time_to_first, tokens.inter_token) == (10, None)


def test_a_stream_without_content_has_no_times() -> None:
    assert read(chunk("")).tokens(sent_at=0) == Tokens()


@pytest.mark.parametrize("ending", [b"", b"data: [DONE]\n\n", b"data: [DONE]"])
def test_the_end_mark_may_be_there_or_not(ending: bytes) -> None:
    stream = read(chunk("a", "stop"), ending)
    assert (stream.text, stream.problem) == ("a", None)


def test_what_follows_the_end_mark_is_not_read() -> None:
    stream = read(chunk("a"), b"data: [DONE]\n\n" + chunk("b"), chunk("c"), b"data: {")
    assert (stream.text, stream.problem) == ("a", None)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (b'data: {"error":{"message":"out of memory"}}\n\n', "carried an error: .*out of memory"),
        (b"event: error\ndata: oops\n\n", "carried an error: 'oops'"),
        (b"data: <html>\n\n", "event 2 of the stream is not JSON: '<html>'"),
        (b'data: {"choices":[{"delta":{"content":5}}]}\n\n', "event 2 .* not the promised form"),
        (b"data: null\n\n", "event 2 .* not the promised form"),
        (b'data: {"x":NaN}\n\n', "event 2 of the stream is not JSON"),
        (b'data: {"x":' + b"[" * 100_000 + b"\n\n", "event 2 of the stream is nested too deeply"),
        (b"data: " + b"x" * 300_000, "a line of the stream is longer"),
    ],
)
def test_problems_are_told_and_do_not_stop_the_reading(event: bytes, problem: str) -> None:
    stream = read(chunk("a"), event)
    assert stream.text == "a"
    assert stream.problem is not None
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError(stream.problem)


@pytest.mark.parametrize(
    ("parts", "broke_off"),
    [
        ([chunk("a"), chunk("b", "stop")], False),
        ([chunk("a"), b"data: [DONE]\n\n"], False),
        ([chunk("a"), chunk("b")], True),
        ([chunk("a"), chunk("b", "stop")[:-30]], True),
        ([chunk(""), b"data: {"], True),
        ([b"data: {"], False),
        ([b"data: {}\n\n"], False),
        ([b""], False),
        ([chunk("a"), b"data: <html>\n\n"], False),
        ([chunk("a"), b'data: {"error":"x"}\n\n'], False),
    ],
)
def test_a_stream_that_began_and_does_not_tell_its_end_broke_off(
    parts: list[bytes], *, broke_off: bool
) -> None:
    stream = read(*parts)
    assert stream.broke_off is broke_off
    assert not (stream.broke_off and stream.complete)


def test_an_event_that_is_cut_off_is_a_mistake_only_where_nothing_came_before() -> None:
    assert read(chunk("a"), b'data: {"choi').problem is None
    assert "event 1 of the stream is not JSON" in (read(b'data: {"choi').problem or "")


def test_the_kept_text_is_bounded() -> None:
    big = chunk("x" * 100_000)
    assert len(read(big, big, big, big).text) == TEXT_LIMIT


@pytest.mark.parametrize(
    ("usage", "chunks", "size", "limit", "expected"),
    [
        (5, 3, 20, 64, (5, "usage")),
        (0, 3, 20, 64, (3, "chunks")),
        (None, 3, 20, 64, (3, "chunks")),
        (-4, 3, 20, 64, (3, "chunks")),
        (65, 3, 200, 64, (3, "chunks")),
        (60, 3, 20, 64, (3, "chunks")),
        (60, 0, 20, 64, (None, None)),
        (10**30, 0, 20, None, (None, None)),
        (5, 0, 20, None, (5, "usage")),
    ],
)
def test_the_answers_own_count_is_used_if_it_can_be_true(
    usage: int | None,
    chunks: int,
    size: int,
    limit: int | None,
    expected: tuple[int | None, str | None],
) -> None:
    assert completion(usage, chunks, size, limit) == expected


STREAMS = st.lists(
    st.builds(chunk, st.text(max_size=5))
    | st.builds(chunk, st.just("é€😀"), st.just("stop"))
    | st.sampled_from(
        [b": ping\n\n", b"data: [DONE]\n\n", b"\r\n", b"data: {", b"data: {}\r\n\r\n"]
    )
    | st.binary(max_size=12),
    max_size=8,
).map(b"".join)


@given(STREAMS, st.data())
def test_what_is_found_does_not_depend_on_how_the_bytes_are_split(
    data: bytes, draw: st.DataObject
) -> None:
    cuts = [0, *sorted(draw.draw(st.lists(st.integers(0, len(data))))), len(data)]
    whole, split = TokenStream(), TokenStream()
    whole.feed(data, 7)
    for start, end in pairwise(cuts):
        split.feed(data[start:end], 7)
    for stream in (whole, split):
        stream.finish(7)
    assert _found(split) == _found(whole)


def _found(stream: TokenStream) -> tuple[object, ...]:
    seen = (stream.text, stream.chunks, stream.events, stream.size, stream.finish_reason)
    ending = (stream.problem, stream.complete, stream.broke_off)
    return (*seen, stream.usage, *ending, stream.tokens(0))

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.pipelines.sse import Event, EventParser

PIECES = st.sampled_from(
    [
        *(b"data: ", b"data:", b"data", b"event: error", b": note", b"id: 1"),
        *(b"\n", b"\r", b"\r\n", b"\n\n", b"x", b"", b"y" * 9, b"[DONE]"),
        *("é€".encode(), b"\xff", b"\xef\xbb\xbf"),
    ]
)
STREAMS = st.lists(PIECES, max_size=40).map(b"".join)


def events(data: bytes, cuts: list[int] | None = None, limit: int = 1000) -> list[tuple[str, str]]:
    parser = EventParser(limit)
    edges = [0, *sorted(cuts or []), len(data)]
    found: list[Event] = []
    for start, end in pairwise(edges):
        found += parser.feed(data[start:end], 0)
    found += parser.finish(0)
    return [(event.kind, event.data) for event in found] + [("!", parser.error or "")]


def datas(data: bytes) -> list[str]:
    return [text for kind, text in events(data) if kind != "!"]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        (b"data: a\r\rdata: b\r\r", ["a", "b"]),
        (b"data:a\ndata: b\n\n", ["a\nb"]),
        (b"data:  a\n\n", [" a"]),
        (b": comment\n\nid: 1\nretry: 5\n\ndata: a\n\n", ["a"]),
        (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
        (b"data: a", ["a"]),
        (b"data: a\n", ["a"]),
        (b"data\n\ndata:\n\n", []),
        (b"data: \xff\n\n", ["\ufffd"]),
        (b"", []),
    ],
)
def test_events_are_read_as_the_grammar_says(stream: bytes, expected: list[str]) -> None:
    assert datas(stream) == expected


def test_an_event_has_its_type() -> None:
    assert events(b"event: error\ndata: a\n\ndata: b\n\n")[:2] == [("error", "a"), ("message", "b")]


def test_an_event_has_the_stamp_of_its_data_and_not_of_its_empty_line() -> None:
    parser = EventParser()
    assert parser.feed(b"data: a", 10) == []
    assert parser.feed(b"b\n", 20) == []
    assert parser.feed(b"\n", 30) == [Event("message", "ab", 20)]


@given(STREAMS, st.data())
def test_the_events_are_the_same_however_the_bytes_are_split(
    stream: bytes, draw: st.DataObject
) -> None:
    cuts = draw.draw(st.lists(st.integers(0, len(stream))))
    assert events(stream, cuts) == events(stream)
    assert events(stream, list(range(len(stream)))) == events(stream)


@given(STREAMS, st.data(), st.integers(1, 12))
def test_bounds_are_met_alike_however_the_bytes_are_split(
    stream: bytes, draw: st.DataObject, limit: int
) -> None:
    cuts = draw.draw(st.lists(st.integers(0, len(stream))))
    assert events(stream, cuts, limit) == events(stream, None, limit)


def test_a_line_that_never_ends_is_given_up_with_what_came_before() -> None:
    parser = EventParser(100)
    assert parser.feed(b"data: a\n\ndata: " + b"x" * 200, 0) == [Event("message", "a", 0)]
    assert parser.error == "a line of the stream is longer than 100 bytes"
    assert parser.feed(b"\n\ndata: b\n\n", 0) == parser.finish(0) == []


def test_an_event_of_endless_lines_is_given_up() -> None:
    parser = EventParser(100)
    parser.feed(b"data: 1234567890\n" * 10, 0)
    assert parser.error == "an event of the stream is longer than 100 bytes"


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("before", [b"data: a", b"", b"\xef\xbb\xbfdata: a"])
def test_empty_lines_in_any_number_mean_what_one_means(before: bytes, end: bytes) -> None:
    few, many = (before + end * times + b"data: b\n\n" for times in (3, 5000))
    assert events(many) == events(few)


@pytest.mark.parametrize("run", [b"\n\r\n\r\n\r", b"\r\r\r\r\r\r", b"\n\n\n\n\n"])
def test_a_run_of_line_ends_may_be_cut_within_a_line_end(run: bytes) -> None:
    stream = b"data: a" + run + b"\n" + b"data: b\n" + run
    for cut in range(len(stream)):
        assert events(stream, [cut]) == [("message", "a"), ("message", "b"), ("!", "")]


def test_a_stream_of_nothing_but_empty_lines_is_cheap_to_read() -> None:
    """It was a hundred times as dear as the same bytes of an honest stream."""

    def cost(part: bytes) -> float:
        parser = EventParser()
        started = time.process_time_ns()
        for _ in range(20):
            parser.feed(part, 0)
        return (time.process_time_ns() - started) / len(part)

    honest = b'data: {"choices":[{"delta":{"content":"word"},"index":0}],"model":"m"}\n\n'
    size = 16384
    bare = min(cost(b"\n" * size) for _ in range(5))
    usual = min(cost((honest * 300)[:size]) for _ in range(5))
    assert bare < 3 * usual

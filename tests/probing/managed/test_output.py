"""What a gateway writes: whole lines, bounded, without secrets."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.probing.lane_log.redact import Redactor
from exporter.probing.managed.output import LINE_LIMIT, RAW_LIMIT, Output


@given(st.lists(st.text(alphabet="ab é", max_size=9), max_size=20), st.data())
def test_lines_are_the_same_however_the_pipe_cuts_them(
    lines: list[str], data: st.DataObject
) -> None:
    text = "".join(f"{line}\n" for line in lines).encode()
    output = Output(str)
    while text:
        cut = data.draw(st.integers(1, len(text)))
        output.feed(text[:cut])
        text = text[cut:]
    assert [line.text for line in output.since(0)] == lines


def test_a_mark_stays_valid_when_older_lines_are_dropped() -> None:
    output = Output(str, lines=3)
    output.feed(b"1\n2\n")
    mark = output.mark()
    output.feed(b"3\n4\n")
    assert [line.text for line in output.since(mark)] == ["3", "4"]
    output.feed(b"5\n6\n7\n")
    assert [line.text for line in output.since(mark)] == ["5", "6", "7"]
    assert output.since(output.mark()) == []


@pytest.mark.parametrize("line", ["x" * 1_000, "x" * 5, "", "\N{HAMMER AND WRENCH}" * 250])
def test_what_is_kept_takes_bounded_memory(line: str) -> None:
    output = Output(str, size=10_000)
    for _ in range(1_000):
        output.feed(line.encode() + b"\n")
    kept = output.since(0)
    beside = sys.getsizeof(kept[0]) + sys.getsizeof(kept[0].stamp)
    taken = sum(sys.getsizeof(line.text) + beside for line in kept)
    assert 8_000 < taken <= 10_000


@given(
    st.lists(st.tuples(st.sampled_from(["feed", "skip", "mark"]), st.integers(0, 5)), max_size=40)
)
def test_marks_stay_right_whatever_is_skipped_or_dropped(steps: list[tuple[str, int]]) -> None:
    output = Output(str, lines=6)
    written: list[str | None] = []
    marks = []
    for what, count in steps:
        lines = [str(number) for number in range(len(written), len(written) + count)]
        data = "".join(f"{line}\n" for line in lines).encode()
        if what == "feed":
            output.feed(data)
            written += lines
        elif what == "skip":
            assert output.skip(data) == count
            written += [None] * count
        else:
            marks.append(output.mark())
    for mark in marks:
        kept = [line for line in written if line is not None][-6:]
        expected = [line for line in written[mark:] if line in kept and line is not None]
        assert [line.text for line in output.since(mark)] == expected
        assert output.dropped_since(mark) is (len(expected) < len(written) - mark)


def test_a_line_that_was_begun_before_it_is_skipped_goes_whole() -> None:
    output = Output(str)
    output.feed(b"a\nhalf of b")
    assert output.skip(b" and the rest\nc\nhalf of") == 2
    output.feed(b" d\n")
    assert [line.text for line in output.since(0)] == ["a", "half of d"]


def test_a_line_without_end_takes_no_memory() -> None:
    output = Output(str)
    for _ in range(100):
        output.feed(b"x" * 100_000)
    assert len(output._partial) == RAW_LIMIT
    output.end()
    assert [len(line.text) for line in output.since(0)] == [LINE_LIMIT]


def test_a_secret_is_taken_out_before_the_line_is_cut() -> None:
    output = Output(Redactor(["SECRETSECRETKEY123"]))
    output.feed(b"x" * (LINE_LIMIT - 4) + b"SECRETSECRETKEY123 and more\n")
    (line,) = output.since(0)
    assert "SECR" not in line.text


def test_an_unfinished_last_line_is_kept_when_the_pipe_ends() -> None:
    output = Output(str)
    output.feed(b"panic: oh")
    assert output.since(0) == []
    output.end()
    assert output.last(5) == ["panic: oh"]


def test_what_is_not_utf_8_is_kept_readable() -> None:
    output = Output(str)
    output.feed(b"a\xff\xfeb\r\n")
    assert output.last(1) == ["a\ufffd\ufffdb"]

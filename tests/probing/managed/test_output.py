"""What a gateway writes: whole lines, bounded, without secrets."""

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


def test_the_kept_text_is_bounded() -> None:
    output = Output(str, size=10_000)
    for _ in range(100):
        output.feed(b"x" * 1_000 + b"\n")
    assert sum(len(line.text) for line in output.since(0)) == 10_000


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

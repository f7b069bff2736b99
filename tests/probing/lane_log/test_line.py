"""Taking one line apart, durations and versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.probing.lane_log import version
from exporter.probing.lane_log.duration import nanoseconds
from exporter.probing.lane_log.line import LINE_LIMIT, read
from tests.probing.lane_log.lines import GatewayLog


def test_a_log_line_gives_its_parts() -> None:
    line = read(
        "W0807 01:02:03.000004   4711 ai_session.go:514] clientIP=127.0.0.1 request_id=0a1b2c3d"
        " prompt=a heron capability=Text to image model_id=acme/paint-xl selected"
        " orchestrator=https://gpu.example.net:8935 warm=true\n"
    )
    assert (line.severity, line.pid, line.source) == ("W", 4711, "ai_session.go")
    assert line.at == 3_723_000_004_000
    assert line.request_id == "0a1b2c3d"
    assert line.message == "selected orchestrator=https://gpu.example.net:8935 warm=true"


@pytest.mark.parametrize(
    "prompt", ["a = b request_id=ffffffff err=none", "model_id=x took=3s", "", "I0807 12:00:00 x]"]
)
def test_a_prompt_may_look_like_anything(prompt: str) -> None:
    line = GatewayLog(prompt=prompt).begin().read()[0]
    assert line.request_id == "0a1b2c3d"
    assert line.message == "selecting orchestrator for modelID=acme/paint-xl"


def test_a_line_of_a_request_without_a_model_has_a_message_too() -> None:
    log = GatewayLog()
    line = log.process(f"{log.base}Error with API code=400 err=unexpected EOF").read()[0]
    assert line.message == "Error with API code=400 err=unexpected EOF"


@pytest.mark.parametrize(
    "text",
    [
        "| EthUrl | http://127.0.0.1:8545 |",
        "goroutine 5 [running]:",
        "I0807 01:02:03.000004 x ai_session.go:514] text",
        "J0807 01:02:03.000004 1 ai_session.go:514] text",
        "",
    ],
)
def test_a_line_without_a_header_is_only_itself(text: str) -> None:
    line = read(text)
    assert (line.severity, line.pid, line.request_id) == (None, None, None)
    assert line.message == line.raw == text


def test_a_line_is_cut_and_made_printable() -> None:
    line = read("a\x1b[2J\tb" + "c" * 10_000)
    assert line.raw.startswith("a [2J b")
    assert len(line.raw) == LINE_LIMIT


@given(st.text())
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    line = read(text)
    assert line.raw.isprintable()
    assert len(line.raw) <= LINE_LIMIT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.520626ms", 3_520_626),
        ("3.00054218s", 3_000_542_180),
        ("100ns", 100),
        ("1m2s", 62_000_000_000),
        ("1h0m0.5s", 3_600_500_000_000),
        ("7.5µs", 7_500),
        ("0s", 0),
        ("", None),
        ("3", None),
        ("3.5", None),
        ("-1s", None),
        ("1s ", None),
        ("9" * 40 + "s", None),
    ],
)
def test_a_duration_of_go_is_nanoseconds(text: str, expected: int | None) -> None:
    assert nanoseconds(text) == expected


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**5))
def test_seconds_with_a_fraction_lose_nothing(nanos: int, seconds: int) -> None:
    assert nanoseconds(f"{seconds}.{nanos:09}s") == seconds * 10**9 + nanos


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.9.1", (0, 9, 1)),
        ("v0.8.10", (0, 8, 10)),
        ("0.9.1-rig", (0, 9, 1)),
        ("1.0", (1, 0, 0)),
        ("undefined", None),
        ("", None),
    ],
)
def test_a_version_is_three_numbers(text: str, expected: tuple[int, int, int] | None) -> None:
    assert version.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [("0.9.1-rig", None), ("0.8.10", None), ("undefined", "not known"), ("1.2.0", "is 1.2.0")],
)
def test_a_version_that_the_table_was_not_made_for_is_named(text: str, words: str | None) -> None:
    doubt = version.doubt(text)
    assert doubt is None if words is None else words in str(doubt)

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulation.gateway.durations import parse_duration, show_duration
from exporter.simulation.gateway.sound import seconds_of
from exporter.simulation.small_media import mp4, png, wav


@pytest.mark.parametrize(
    ("text", "nanoseconds", "shown"),
    [
        ("1ms", 10**6, "1ms"),
        ("2s", 2 * 10**9, "2s"),
        ("500ms", 5 * 10**8, "500ms"),
        ("1.5h", 5400 * 10**9, "1h30m0s"),
        ("2m30s", 150 * 10**9, "2m30s"),
        ("1µs", 1000, "1µs"),
        ("3003693473ns", 3003693473, "3.003693473s"),
        ("0", 0, "0s"),
        ("-1s", -(10**9), "-1s"),
        (".5s", 5 * 10**8, "500ms"),
    ],
)
def test_durations_are_read_and_shown_as_go_does(text: str, nanoseconds: int, shown: str) -> None:
    assert parse_duration(text) == nanoseconds
    assert show_duration(nanoseconds) == shown


@pytest.mark.parametrize("text", ["", "1", "s", "1x", "1s2", "1 s", "--1s", "9999999h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_duration(text)


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_what_is_shown_can_be_read(nanoseconds: int) -> None:
    assert parse_duration(show_duration(nanoseconds)) == nanoseconds


def test_the_length_of_each_kind_of_sound_is_measured() -> None:
    assert seconds_of(wav("one", 3.0)) == pytest.approx(3.0)
    assert seconds_of(mp4("one", 4.0)) == pytest.approx(4.0)
    frame = b"\xff\xfb\x90\x64" + bytes(413)
    assert seconds_of(frame * 58) == pytest.approx(1.515, abs=0.01)
    tag = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10)
    assert seconds_of(tag + frame * 58) == pytest.approx(1.515, abs=0.01)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF1234WAVE", png("x", 4, 4), b"no sound"])
def test_what_is_no_sound_has_no_length(data: bytes) -> None:
    assert seconds_of(data) is None


def test_headers_that_lie_are_survived() -> None:
    lying = b"RIFF" + bytes(4) + b"WAVEfmt " + struct.pack("<I", 2**31) + bytes(40)
    assert seconds_of(lying) is None
    zero = wav("one", 1.0)[:28] + bytes(4) + wav("one", 1.0)[32:]
    assert seconds_of(zero) is None


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_measuring(data: bytes) -> None:
    for head in (b"", b"RIFF0000WAVE", b"\0\0\0\x10ftypisom", b"ID3", b"\xff\xfb\x90\x64"):
        found = seconds_of(head + data)
        assert found is None or found >= 0

"""Which byte is the first one of a response."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.probing.beginning import INTERIM_LIMIT, Beginning

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
FINAL = b"HTTP/1.1 200 OK\r\n"
MANY = INTERIM_LIMIT // len(CONTINUE)


def read(data: bytes, cuts: list[int]) -> bytes:
    beginning = Beginning()
    edges = pairwise([0, *sorted(cuts), len(data)])
    return b"".join(beginning.take(data[start:end], 0) for start, end in edges)


def first_byte(data: bytes, cuts: list[int] | None = None, *, ended: bool = False) -> int | None:
    """Place of the response's first byte: every byte's stamp is its place."""
    beginning = Beginning()
    for start, end in pairwise([0, *sorted(cuts or []), len(data)]):
        if start < end:
            beginning.take(data[start:end], start)
    if ended:
        beginning.take(b"", len(data), ended=True)
    return beginning.at


def byte_by_byte(data: bytes) -> int | None:
    return first_byte(data, list(range(len(data))))


@pytest.mark.parametrize(
    "before", [b"", CONTINUE, HINTS, CONTINUE + HINTS, b"HTTP/1.0 102 \n\n", HINTS * 20]
)
@pytest.mark.parametrize(
    "response",
    [
        FINAL,
        b"HTTP/1.1 500 Oops\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/2 103",
        b"HTTP/1.1 1x0 \r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"\r\n\r\n" + FINAL,
        b"x",
    ],
)
def test_interim_answers_are_passed_over(before: bytes, response: bytes) -> None:
    assert byte_by_byte(before + response) == len(before)
    assert first_byte(before + response, [len(before)]) == len(before)


@given(st.lists(st.sampled_from([CONTINUE, HINTS]), max_size=4), st.data())
def test_the_cuts_of_tcp_make_no_difference(interim: list[bytes], draw: st.DataObject) -> None:
    before = b"".join(interim)
    data = before + FINAL
    cuts = draw.draw(st.lists(st.integers(0, len(data))))
    started = max(cut for cut in [0, *cuts] if cut <= len(before))
    assert first_byte(data, cuts) == started, "the stamp of the segment that holds the first byte"
    assert read(data + b"more", cuts) == FINAL + b"more"


@pytest.mark.parametrize("data", [b"", CONTINUE, HINTS[:-1], HINTS[:20], b"H", b"HTTP/1.1 10"])
def test_what_may_be_interim_is_not_taken_for_the_response(data: bytes) -> None:
    assert byte_by_byte(data) is None


def test_at_the_end_a_mere_beginning_is_all_that_there_is() -> None:
    assert first_byte(b"HTTP", ended=True) == 0
    assert first_byte(CONTINUE + b"HT", [len(CONTINUE)], ended=True) == len(CONTINUE)
    assert first_byte(CONTINUE, ended=True) is None
    assert first_byte(HINTS[:30], ended=True) is None


@pytest.mark.parametrize(
    ("data", "endless"),
    [
        (CONTINUE * MANY, False),
        (CONTINUE * (MANY + 1), True),
        (b"HTTP/1.1 100 " + b"x" * INTERIM_LIMIT, True),
        (CONTINUE * (MANY + 1) + FINAL, False),
        (FINAL + b"x" * INTERIM_LIMIT, False),
    ],
)
def test_interim_answers_without_a_response_are_given_up(data: bytes, endless: bool) -> None:
    beginning = Beginning()
    beginning.take(data, 0)
    assert beginning.endless is endless

"""What a status other than 200 means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import LaneKind, Outcome
from exporter.probing.classify import MESSAGE_LIMIT, classify, error_text

DIRECT, PINNED = LaneKind.DIRECT, LaneKind.PINNED
GATEWAYS = [kind for kind in LaneKind if kind is not DIRECT]


@pytest.mark.parametrize(
    ("lane", "status", "body", "outcome"),
    [
        (DIRECT, 400, b'{"detail":{"msg":"bad"}}', "bad_request"),
        (PINNED, 400, b'{"error":{"message":": bad"}}', "bad_request"),
        (DIRECT, 401, b"", "unauthorized"),
        (DIRECT, 402, b"", "payment_refused"),
        (DIRECT, 403, b"missing auth token", "unauthorized"),
        (DIRECT, 404, b"404 page not found", "orchestrator_error"),
        (PINNED, 404, b"404 page not found", "gateway_error"),
        (DIRECT, 413, b"", "bad_request"),
        (DIRECT, 422, b"", "bad_request"),
        (DIRECT, 429, b"", "no_capacity"),
        (DIRECT, 500, b"CUDA error", "orchestrator_error"),
        (PINNED, 500, b'{"error":{"message":"Internal Server Error"}}', "gateway_error"),
        (DIRECT, 502, b"", "orchestrator_error"),
        (DIRECT, 503, b"insufficient capacity", "no_capacity"),
        (PINNED, 503, b"Insufficient Capacity", "no_capacity"),
        (PINNED, 503, b'{"error":{"message":"Service Unavailable Error"}}', "unavailable"),
        (DIRECT, 302, b"", "invalid_response"),
        (DIRECT, 204, b"", "invalid_response"),
        (DIRECT, 202, b"{}", "invalid_response"),
        (DIRECT, 418, b"", "orchestrator_error"),
        (PINNED, 301, b"", "gateway_error"),
        (PINNED, 302, b"", "gateway_error"),
        (PINNED, 204, b"", "gateway_error"),
        (PINNED, 202, b"{}", "gateway_error"),
        (PINNED, 150, b"", "gateway_error"),
        (DIRECT, 150, b"", "invalid_response"),
    ],
)
def test_each_status_has_its_outcome(
    lane: LaneKind, status: int, body: bytes, outcome: str
) -> None:
    found, message = classify(lane, status, body)
    assert found.value == outcome
    assert str(status) in message


@pytest.mark.parametrize("lane", [DIRECT, *GATEWAYS])
def test_a_redirect_is_told_as_one(lane: LaneKind) -> None:
    assert classify(lane, 302, b"<html>")[1] == "status 302: redirects are not followed"


def test_a_node_that_is_asked_directly_says_that_it_takes_jobs_through_gateways_only() -> None:
    outcome, message = classify(DIRECT, 403, b"missing auth token\n")
    assert outcome is Outcome.UNAUTHORIZED
    assert message == (
        "status 403: missing auth token; an orchestrator's node takes jobs only through a gateway, "
        "see docs/lanes.md"
    )
    assert classify(DIRECT, 403, b"go away")[1] == "status 403: go away"
    assert classify(PINNED, 403, b"missing auth token")[1] == "status 403: missing auth token"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error":{"message":"Service Unavailable Error"}}', "Service Unavailable Error"),
        (b'{"detail":{"msg":"CUDA out of memory"}}', "CUDA out of memory"),
        (b'{"error":"plain"}', "plain"),
        (b"insufficient capacity\n", "insufficient capacity"),
        (b"two\nlines\x1b[31m", "two lines [31m"),
        (b"[" * 100_000, "[" * MESSAGE_LIMIT),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"", ""),
    ],
)
def test_the_words_of_an_error_are_found_and_made_harmless(body: bytes, text: str) -> None:
    assert error_text(body) == text


@given(st.sampled_from([DIRECT, PINNED]), st.integers(100, 599), st.binary(max_size=2000))
def test_any_error_has_an_outcome_that_is_no_success_and_a_printable_message(
    lane: LaneKind, status: int, body: bytes
) -> None:
    outcome, message = classify(lane, status, body)
    assert outcome is not Outcome.OK
    assert message.isprintable()
    assert len(message) <= MESSAGE_LIMIT + 120

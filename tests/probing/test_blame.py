"""The table "Outcomes and blame", row by row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Blame, LaneKind, Outcome
from exporter.probing.blame import Circumstances, judge

DIRECT, PINNED = LaneKind.DIRECT, LaneKind.PINNED
CANNOT_CONNECT = ["dns_failed", "connect_refused", "connect_timeout", "tls_failed"]
BROKE_OFF = [
    "upload_failed",
    "upload_timeout",
    "inference_timeout",
    "download_failed",
    "download_timeout",
    "connection_closed",
]
BAD_ANSWER = ["invalid_response", "invalid_artefact", "wrong_answer", "nsfw_filtered"]
OURS = ["bad_request", "response_too_large", "wrong_orchestrator", "lane_failed", "tester_error"]
NOBODYS = ["ok", "no_capacity", "price_above_limit", "payment_refused", "insufficient_funds"]


def blame(outcome: str, lane: LaneKind, *, connected: bool = True, **seen: bool | None) -> str:
    circumstances = Circumstances(lane=lane, connected=connected, **seen)  # type: ignore[arg-type]  # flags by name
    return str(judge(Outcome(outcome), circumstances).blame)


@pytest.mark.parametrize("outcome", CANNOT_CONNECT)
@pytest.mark.parametrize(
    ("network_up", "expected"), [(True, "orchestrator"), (False, "network"), (None, "unknown")]
)
def test_who_cannot_be_reached_directly_is_blamed_only_if_our_own_network_is_up(
    outcome: str, network_up: bool | None, expected: str
) -> None:
    assert blame(outcome, DIRECT, connected=False, network_up=network_up) == expected


@pytest.mark.parametrize("outcome", [*BROKE_OFF, *BAD_ANSWER, "unavailable", "orchestrator_error"])
def test_a_failure_of_an_endpoint_spoken_to_directly_is_its_own(outcome: str) -> None:
    assert blame(outcome, DIRECT, network_up=True) == "orchestrator"


@pytest.mark.parametrize("outcome", BROKE_OFF)
@pytest.mark.parametrize("lane", [DIRECT, PINNED])
def test_what_breaks_off_while_our_network_is_down_is_the_networks(
    outcome: str, lane: LaneKind
) -> None:
    assert blame(outcome, lane, network_up=False) == "network"


@pytest.mark.parametrize("outcome", CANNOT_CONNECT)
def test_a_pinned_gateway_that_cannot_be_reached_is_to_blame_itself(outcome: str) -> None:
    assert blame(outcome, PINNED, connected=False, network_up=True) == "gateway"


@pytest.mark.parametrize("outcome", ["unavailable", *BROKE_OFF, *BAD_ANSWER])
def test_what_a_gateway_reports_is_unknown_without_evidence(outcome: str) -> None:
    assert blame(outcome, PINNED, network_up=True, handshake=True) == "unknown"


@pytest.mark.parametrize("outcome", ["unavailable", "connection_closed", "inference_timeout"])
def test_a_failed_handshake_of_our_own_raises_it_to_the_orchestrator(outcome: str) -> None:
    assert blame(outcome, PINNED, network_up=True, handshake=False) == "orchestrator"
    assert blame(outcome, PINNED, network_up=None, handshake=False) == "unknown"


@pytest.mark.parametrize("outcome", BAD_ANSWER)
def test_a_bad_answer_through_a_gateway_is_the_orchestrators_if_the_pin_is_verified(
    outcome: str,
) -> None:
    assert blame(outcome, PINNED, pin_verified=True) == "orchestrator"


@pytest.mark.parametrize("outcome", OURS)
@pytest.mark.parametrize("lane", [DIRECT, PINNED])
def test_our_own_mistakes_are_ours_on_every_lane(outcome: str, lane: LaneKind) -> None:
    assert blame(outcome, lane) == "tester"


@pytest.mark.parametrize("outcome", NOBODYS)
@pytest.mark.parametrize("lane", [DIRECT, PINNED])
def test_nobody_is_to_blame_for_success_being_busy_or_a_price(outcome: str, lane: LaneKind) -> None:
    assert blame(outcome, lane) == "None"


@given(
    st.sampled_from(list(Outcome)),
    st.sampled_from(list(LaneKind)),
    st.booleans(),
    st.sampled_from([True, False, None]),
    st.sampled_from([True, False, None]),
    st.booleans(),
)
def test_an_orchestrator_is_never_blamed_while_our_own_network_is_down(  # noqa: PLR0917 - drawn values
    outcome: Outcome,
    lane: LaneKind,
    connected: bool,
    handshake: bool | None,
    network_up: bool | None,
    pin_verified: bool,
) -> None:
    judgement = judge(
        outcome,
        Circumstances(
            lane=lane,
            connected=connected,
            handshake=handshake,
            network_up=network_up,
            pin_verified=pin_verified,
        ),
    )
    silent = outcome.value in CANNOT_CONNECT + BROKE_OFF
    if silent and network_up is False:
        assert judgement.blame is not Blame.ORCHESTRATOR
    if judgement.blame is Blame.ORCHESTRATOR and lane is not LaneKind.DIRECT:
        assert pin_verified or (handshake is False and network_up)


def test_the_evidence_says_in_words_what_the_blame_rests_on() -> None:
    judgement = judge(
        Outcome.UNAVAILABLE,
        Circumstances(lane=PINNED, connected=True, handshake=False, network_up=True),
    )
    assert judgement.evidence == (
        "the tester's own connectivity check held",
        "our own handshake to the service URI failed",
        "which orchestrator did the job is the gateway's word only",
    )


@pytest.mark.parametrize("lane", [DIRECT, PINNED])
@pytest.mark.parametrize("outcome", ["dns_failed", "connect_refused"])
def test_nobody_is_blamed_for_what_our_own_machine_may_have_done(
    outcome: str, lane: LaneKind
) -> None:
    assert blame(outcome, lane, connected=False, network_up=True, doubtful=True) == "unknown"


@pytest.mark.parametrize("outcome", ["wrong_answer", "invalid_artefact", "download_failed"])
def test_a_failed_handshake_says_nothing_about_an_answer_that_came(outcome: str) -> None:
    assert blame(outcome, PINNED, network_up=True, handshake=False) == "unknown"

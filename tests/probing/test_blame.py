"""The table "Outcomes and blame", row by row."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Blame, LaneKind, Outcome
from exporter.probing.blame import SHARED, UNLISTED, Circumstances, Judgement, Told, judge

DIRECT, PINNED = LaneKind.DIRECT, LaneKind.PINNED
MANAGED, WEBHOOK = LaneKind.MANAGED, LaneKind.WEBHOOK
GATEWAYS = [PINNED, MANAGED, WEBHOOK]
CANNOT_CONNECT = ["dns_failed", "connect_refused", "connect_timeout", "tls_failed"]
BROKE_OFF = [
    "upload_failed",
    "upload_timeout",
    "inference_timeout",
    "download_failed",
    "download_timeout",
    "connection_closed",
]
SILENT = ["unavailable", "connection_closed", "inference_timeout", "invalid_response"]
JUDGED = ["invalid_artefact", "wrong_answer"]
BAD_ANSWER = ["invalid_response", *JUDGED]
OURS = ["bad_request", "response_too_large", "wrong_orchestrator", "lane_failed", "tester_error"]
NOBODYS = ["ok", "no_capacity", "price_above_limit", "payment_refused", "insufficient_funds"]
NOBODYS += ["nsfw_filtered"]


def judged(outcome: str, lane: LaneKind, *, connected: bool = True, **seen: Any) -> Judgement:
    circumstances = Circumstances(lane=lane, connected=connected, **seen)
    return judge(Outcome(outcome), "as seen by the client", circumstances)


def blame(outcome: str, lane: LaneKind, *, connected: bool = True, **seen: Any) -> str:
    return str(judged(outcome, lane, connected=connected, **seen).blame)


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
@pytest.mark.parametrize("lane", [DIRECT, *GATEWAYS])
def test_what_breaks_off_while_our_network_is_down_is_the_networks(
    outcome: str, lane: LaneKind
) -> None:
    assert blame(outcome, lane, network_up=False) == "network"


@pytest.mark.parametrize("outcome", CANNOT_CONNECT)
@pytest.mark.parametrize("lane", [PINNED, WEBHOOK])
def test_somebodys_gateway_that_cannot_be_reached_is_to_blame_itself(
    outcome: str, lane: LaneKind
) -> None:
    assert blame(outcome, lane, connected=False, network_up=True) == "gateway"


@pytest.mark.parametrize("outcome", CANNOT_CONNECT)
def test_our_own_gateway_that_cannot_be_reached_is_a_lane_that_failed(outcome: str) -> None:
    found = judged(outcome, MANAGED, connected=False, network_up=True)
    assert (found.outcome, found.blame) == (Outcome.LANE_FAILED, Blame.TESTER)
    assert "as seen by the client" in found.message


@pytest.mark.parametrize("outcome", ["unavailable", *BROKE_OFF, *BAD_ANSWER])
@pytest.mark.parametrize("lane", GATEWAYS)
def test_what_a_gateway_reports_is_unknown_without_evidence(outcome: str, lane: LaneKind) -> None:
    assert blame(outcome, lane, network_up=True, handshake=True) == "unknown"


@pytest.mark.parametrize("outcome", SILENT)
@pytest.mark.parametrize("lane", GATEWAYS)
def test_a_failed_handshake_of_our_own_raises_it_to_the_orchestrator(
    outcome: str, lane: LaneKind
) -> None:
    assert blame(outcome, lane, network_up=True, handshake=False) == "orchestrator"
    assert blame(outcome, lane, network_up=None, handshake=False) == "unknown"


@pytest.mark.parametrize("outcome", SILENT)
@pytest.mark.parametrize("lane", GATEWAYS)
def test_a_good_job_of_another_on_a_like_lane_raises_it_to_the_orchestrator(
    outcome: str, lane: LaneKind
) -> None:
    assert blame(outcome, lane, like_lane=True) == "orchestrator"
    assert blame(outcome, lane, like_lane=False) == "unknown"
    assert blame(outcome, lane, like_lane=True, network_up=False) != "orchestrator"


@pytest.mark.parametrize("outcome", ["unavailable", "connection_closed", "invalid_response"])
def test_a_suspension_by_our_own_gateway_that_gave_it_the_job_raises_it(outcome: str) -> None:
    assert blame(outcome, MANAGED, suspended=True, handed_over=True) == "orchestrator"
    assert blame(outcome, MANAGED, suspended=True) == "unknown"
    assert blame(outcome, MANAGED, suspended=True, handed_over=True, unread=True) == "unknown"


@pytest.mark.parametrize("outcome", ["unavailable", "connection_closed", "invalid_response"])
@pytest.mark.parametrize("lane", [PINNED, WEBHOOK])
def test_a_suspension_by_somebodys_gateway_proves_nothing_it_may_lack_the_money(
    outcome: str, lane: LaneKind
) -> None:
    assert blame(outcome, lane, suspended=True) == "unknown"


@pytest.mark.parametrize("outcome", SILENT)
@pytest.mark.parametrize("lane", GATEWAYS)
def test_what_never_left_the_gateway_is_not_the_orchestrators(outcome: str, lane: LaneKind) -> None:
    seen = {"handed_over": False, "like_lane": True, "suspended": True}
    assert blame(outcome, lane, **seen) == "unknown"


@pytest.mark.parametrize("lane", GATEWAYS)
def test_a_refusal_within_milliseconds_says_nothing_however_well_others_did(
    lane: LaneKind,
) -> None:
    assert blame("unavailable", lane, at_once=True, like_lane=True) == "unknown"


@pytest.mark.parametrize("outcome", SILENT)
@pytest.mark.parametrize("lane", [PINNED, WEBHOOK])
def test_a_gateway_that_is_gone_is_to_blame_itself(outcome: str, lane: LaneKind) -> None:
    assert blame(outcome, lane, lane_gone=True, like_lane=True) == "gateway"


@pytest.mark.parametrize("lane", GATEWAYS)
def test_an_answer_that_breaks_off_is_judged_by_the_same_evidence(lane: LaneKind) -> None:
    for outcome in ("download_failed", "download_timeout"):
        assert blame(outcome, lane, like_lane=True) == "orchestrator"
        assert blame(outcome, lane, like_lane=True, answer_came=True) == "unknown"


def test_a_hang_behind_our_own_gateway_is_the_orchestrators_once_it_was_given_the_job() -> None:
    assert blame("inference_timeout", MANAGED, handed_over=True) == "orchestrator"
    assert blame("inference_timeout", MANAGED, handed_over=False) == "unknown"
    assert blame("inference_timeout", PINNED, handed_over=True) == "unknown"


@pytest.mark.parametrize("outcome", JUDGED)
@pytest.mark.parametrize("lane", GATEWAYS)
def test_a_bad_answer_through_a_gateway_is_the_orchestrators_if_the_pin_is_verified(
    outcome: str, lane: LaneKind
) -> None:
    assert blame(outcome, lane, pin_verified=True) == "orchestrator"


def test_an_answer_without_form_is_the_orchestrators_only_where_our_own_gateway_heard_it() -> None:
    seen = {"pin_verified": True, "answered": True}
    assert blame("invalid_response", MANAGED, **seen) == "orchestrator"
    assert blame("invalid_response", MANAGED, pin_verified=True) == "unknown"
    assert blame("invalid_response", PINNED, **seen) == "unknown"


@pytest.mark.parametrize("outcome", ["unauthorized", "gateway_error"])
def test_what_a_gateway_refuses_itself_is_its_own_and_of_ours_it_is_unknown(outcome: str) -> None:
    assert blame(outcome, PINNED) == "gateway"
    assert blame(outcome, MANAGED) == "unknown"


def test_an_endpoint_that_wants_other_credentials_may_be_right() -> None:
    assert blame("unauthorized", DIRECT, network_up=True) == "unknown"


def test_a_direct_endpoint_that_was_reached_is_to_blame_for_what_follows() -> None:
    assert blame("tls_failed", DIRECT, connected=True) == "orchestrator"


@pytest.mark.parametrize(
    "outcome",
    [
        "unavailable",
        "connection_closed",
        "invalid_response",
        "gateway_error",
        "orchestrator_error",
        "download_failed",
        "unauthorized",
    ],
)
def test_what_the_lanes_log_names_is_the_cause(outcome: str) -> None:
    told = Told(
        outcome=Outcome.ORCHESTRATOR_ERROR,
        blame=Blame.ORCHESTRATOR,
        blame_known=True,
        message="out of memory",
    )
    found = judged(outcome, MANAGED, told=told)
    assert (found.outcome, found.blame) == (Outcome.ORCHESTRATOR_ERROR, Blame.ORCHESTRATOR)
    assert found.message == "out of memory"
    assert judged(outcome, MANAGED, told=told, shared=True).blame is Blame.UNKNOWN
    wordless = msgspec.structs.replace(told, message="")
    assert judged(outcome, MANAGED, told=wordless).message == "as seen by the client"


@pytest.mark.parametrize("outcome", ["download_failed", "unavailable"])
def test_what_our_own_network_breaks_is_not_settled_by_the_log(outcome: str) -> None:
    told = Told(outcome=Outcome(outcome), blame=Blame.ORCHESTRATOR, blame_known=True, message="EOF")
    assert blame("unavailable", MANAGED, told=told) == "orchestrator"
    assert blame("unavailable", MANAGED, told=told, network_up=False) == "network"
    assert blame("unavailable", MANAGED, told=told, doubtful=True) == "unknown"


def test_a_request_that_it_calls_bad_is_its_own_failure_where_others_served_the_like() -> None:
    told = Told(
        outcome=Outcome.BAD_REQUEST,
        blame=None,
        blame_known=False,
        message="no such thing",
        from_orchestrator=True,
    )
    for outcome in ("bad_request", "unavailable"):
        found = judged(outcome, MANAGED, told=told, like_lane=True)
        assert (found.outcome, found.blame) == (Outcome.ORCHESTRATOR_ERROR, Blame.ORCHESTRATOR)
        assert blame(outcome, MANAGED, told=told) == "tester"
        assert blame(outcome, MANAGED, told=told, like_lane=True, network_up=False) == "tester"


@pytest.mark.parametrize("outcome", ["inference_timeout", "download_timeout", "connect_timeout"])
@pytest.mark.parametrize("lane", [DIRECT, PINNED, WEBHOOK])
def test_a_time_that_ran_out_while_we_stood_still_is_ours(outcome: str, lane: LaneKind) -> None:
    found = judged(outcome, lane, stood_still=2.0, like_lane=True, network_up=True)
    assert found.blame is Blame.TESTER
    assert "our own event loop stood still for 2 s" in found.evidence


def test_an_answer_that_our_own_gateway_did_not_hand_on_is_a_lane_that_failed() -> None:
    seen = {"handed_over": True, "answered": True}
    found = judged("inference_timeout", MANAGED, **seen)
    assert (found.outcome, found.blame) == (Outcome.LANE_FAILED, Blame.TESTER)
    assert blame("inference_timeout", MANAGED, responded=True, **seen) == "orchestrator"


@pytest.mark.parametrize("outcome", JUDGED)
def test_a_bad_answer_stays_bad_if_its_gateway_ended_afterwards(outcome: str) -> None:
    found = judged(outcome, MANAGED, lane_failure="ended", pin_verified=True)
    assert (found.outcome.value, found.blame) == (outcome, Blame.ORCHESTRATOR)


@pytest.mark.parametrize("lane", GATEWAYS)
@pytest.mark.parametrize("outcome", [*BAD_ANSWER, "unavailable", "gateway_error"])
def test_while_our_network_is_down_nothing_that_came_through_a_gateway_is_judged(
    lane: LaneKind, outcome: str
) -> None:
    assert blame(outcome, lane, network_up=False, pin_verified=True, like_lane=True) == "network"


@pytest.mark.parametrize("outcome", ["price_above_limit", "payment_refused", "no_capacity"])
def test_a_price_or_a_full_house_that_the_log_names_is_nobodys_fault(outcome: str) -> None:
    told = Told(outcome=Outcome(outcome), blame=None, blame_known=True, message="said so")
    found = judged("unavailable", MANAGED, told=told, handshake=False, network_up=True)
    assert (found.outcome.value, found.blame) == (outcome, None)


def test_a_cause_without_a_culprit_is_left_to_the_other_evidence() -> None:
    told = Told(outcome=Outcome.UNAVAILABLE, blame=None, blame_known=False, message="no answer")
    assert blame("connection_closed", MANAGED, told=told, handshake=True) == "unknown"
    assert (
        blame("connection_closed", MANAGED, told=told, handshake=False, network_up=True)
        == "orchestrator"
    )


@pytest.mark.parametrize("outcome", ["ok", "wrong_answer", "inference_timeout"])
def test_the_log_never_changes_what_the_client_saw_itself(outcome: str) -> None:
    told = Told(
        outcome=Outcome.ORCHESTRATOR_ERROR,
        blame=Blame.ORCHESTRATOR,
        blame_known=True,
        message="an earlier attempt failed",
    )
    assert judged(outcome, MANAGED, told=told).outcome is Outcome(outcome)


@pytest.mark.parametrize("outcome", ["ok", *SILENT, *BAD_ANSWER])
@pytest.mark.parametrize("lane", GATEWAYS)
def test_a_lane_that_worked_with_a_stranger_is_our_own_mistake(
    outcome: str, lane: LaneKind
) -> None:
    found = judged(outcome, lane, strangers=("https://203.0.113.9:8935",), pin_verified=True)
    assert (found.outcome, found.blame) == (Outcome.WRONG_ORCHESTRATOR, Blame.TESTER)
    assert "203.0.113.9" in found.message


@pytest.mark.parametrize("outcome", SILENT)
def test_a_gateway_that_crashed_in_the_job_is_a_lane_that_failed(outcome: str) -> None:
    found = judged(
        outcome,
        MANAGED,
        lane_failure="the gateway ended with exit code 2",
        like_lane=True,
        handshake=False,
        network_up=True,
    )
    assert (found.outcome, found.blame) == (Outcome.LANE_FAILED, Blame.TESTER)


def test_a_good_answer_stays_good_if_its_gateway_crashed_afterwards() -> None:
    assert judged("ok", MANAGED, lane_failure="ended").outcome is Outcome.OK


def test_a_good_answer_of_a_gateway_that_never_asked_whom_to_use_is_nobodys_success() -> None:
    found = judged("ok", WEBHOOK, lane_failure="the gateway did not ask")
    assert (found.outcome, found.blame) == (Outcome.LANE_FAILED, Blame.TESTER)


def test_a_refusal_for_want_of_capacity_counts_only_where_the_operator_says_so() -> None:
    assert blame("no_capacity", MANAGED) == "None"
    assert blame("no_capacity", MANAGED, busy_counts=True) == "orchestrator"
    for outcome in ("ok", "price_above_limit", "payment_refused", "insufficient_funds"):
        assert blame(outcome, MANAGED, busy_counts=True) == "None"


@pytest.mark.parametrize("lane", [DIRECT, *GATEWAYS])
@pytest.mark.parametrize("outcome", ["ok", *JUDGED])
def test_nobody_is_blamed_or_praised_where_two_orchestrators_give_the_same_uri(
    lane: LaneKind, outcome: str
) -> None:
    found = judged(outcome, lane, shared=True, pin_verified=True, like_lane=True, network_up=True)
    assert found.blame is Blame.UNKNOWN
    assert SHARED in found.evidence


@pytest.mark.parametrize("lane", GATEWAYS)
def test_a_silence_of_a_shared_uri_is_nobodys(lane: LaneKind) -> None:
    assert blame("unavailable", lane, shared=True, like_lane=True) == "unknown"


@pytest.mark.parametrize("outcome", OURS)
@pytest.mark.parametrize("lane", [DIRECT, *GATEWAYS])
def test_our_own_mistakes_are_ours_on_every_lane(outcome: str, lane: LaneKind) -> None:
    assert blame(outcome, lane) == "tester"


@pytest.mark.parametrize("outcome", NOBODYS)
@pytest.mark.parametrize("lane", [DIRECT, *GATEWAYS])
def test_nobody_is_to_blame_for_success_being_busy_or_a_price(outcome: str, lane: LaneKind) -> None:
    assert blame(outcome, lane) == "None"


MAYBE = st.sampled_from([True, False, None])
CIRCUMSTANCES = st.builds(
    Circumstances,
    lane=st.sampled_from(list(LaneKind)),
    connected=st.booleans(),
    handshake=MAYBE,
    network_up=MAYBE,
    pin_verified=st.booleans(),
    responded=st.booleans(),
    answer_came=st.booleans(),
    at_once=st.booleans(),
    lane_gone=st.booleans(),
    unread=st.booleans(),
    answered=MAYBE,
    stood_still=st.sampled_from([None, 2.0]),
    strangers=st.sampled_from([(), ("https://203.0.113.9:8935",)]),
    lane_failure=st.sampled_from([None, "the gateway ended"]),
    handed_over=MAYBE,
    suspended=st.booleans(),
    like_lane=MAYBE,
    shared=st.booleans(),
    unlisted=st.booleans(),
    doubtful=st.booleans(),
)


@given(st.sampled_from(list(Outcome)), CIRCUMSTANCES)
def test_an_orchestrator_is_blamed_only_for_what_something_else_speaks_for(
    outcome: Outcome, seen: Circumstances
) -> None:
    judgement = judge(outcome, "", seen)
    if judgement.blame is not Blame.ORCHESTRATOR:
        return
    assert not seen.strangers
    assert not seen.shared
    assert not seen.doubtful
    assert seen.stood_still is None
    assert not seen.unlisted or (seen.network_up and seen.handshake is False)
    if outcome.value in CANNOT_CONNECT + BROKE_OFF:
        assert seen.network_up is not False
    if seen.lane is not LaneKind.DIRECT:
        assert seen.lane_failure is None or outcome.value in JUDGED
        assert not seen.lane_gone
        spoke = (
            seen.handshake is False and seen.network_up,
            seen.like_lane,
            seen.handed_over and seen.lane is LaneKind.MANAGED,
            seen.pin_verified and outcome.value in BAD_ANSWER,
        )
        assert any(spoke)


@pytest.mark.parametrize("outcome", [*SILENT, *JUDGED, "orchestrator_error", "download_failed"])
def test_who_is_not_listed_any_more_may_have_withdrawn_the_offer_while_it_can_be_reached(
    outcome: str,
) -> None:
    judgement = judged(outcome, DIRECT, network_up=True, handshake=True, unlisted=True)
    assert (judgement.blame, judgement.evidence[-1]) == ("unknown", UNLISTED)


@pytest.mark.parametrize("outcome", CANNOT_CONNECT)
def test_who_is_not_listed_any_more_and_cannot_be_reached_is_down(outcome: str) -> None:
    seen = {"connected": False, "network_up": True, "unlisted": True}
    assert blame(outcome, DIRECT, handshake=False, **seen) == "orchestrator"


@pytest.mark.parametrize("outcome", CANNOT_CONNECT)
@pytest.mark.parametrize("handshake", [True, None])
def test_a_lane_of_its_own_url_that_is_gone_does_not_make_who_is_not_listed_any_more_down(
    outcome: str, handshake: bool | None
) -> None:
    seen = {"connected": False, "network_up": True, "unlisted": True}
    assert blame(outcome, DIRECT, handshake=handshake, **seen) == "unknown"


@pytest.mark.parametrize("lane", GATEWAYS)
def test_who_is_not_listed_any_more_is_down_if_our_own_handshake_failed_too(
    lane: LaneKind,
) -> None:
    seen = {"network_up": True, "unlisted": True, "like_lane": True}
    assert blame("unavailable", lane, handshake=False, **seen) == "orchestrator"
    assert blame("unavailable", lane, handshake=True, **seen) == "unknown"
    assert blame("unavailable", lane, handshake=None, **seen) == "unknown"


def test_a_good_job_of_who_is_not_listed_any_more_counts() -> None:
    assert judged("ok", DIRECT, unlisted=True).blame is None


def test_the_evidence_says_in_words_what_the_blame_rests_on() -> None:
    judgement = judged("unavailable", PINNED, handshake=False, network_up=True)
    assert judgement.evidence == (
        "the tester's own connectivity check held",
        "our own handshake to the service URI failed",
        "which orchestrator did the job is the gateway's word only",
    )


@pytest.mark.parametrize("lane", [DIRECT, PINNED, WEBHOOK])
@pytest.mark.parametrize("outcome", ["dns_failed", "connect_refused"])
def test_nobody_is_blamed_for_what_our_own_machine_may_have_done(
    outcome: str, lane: LaneKind
) -> None:
    assert blame(outcome, lane, connected=False, network_up=True, doubtful=True) == "unknown"


@pytest.mark.parametrize("outcome", ["wrong_answer", "invalid_artefact", "download_failed"])
def test_a_failed_handshake_says_nothing_about_an_answer_that_came(outcome: str) -> None:
    seen = {"network_up": True, "handshake": False, "answer_came": True}
    assert blame(outcome, PINNED, **seen) == "unknown"

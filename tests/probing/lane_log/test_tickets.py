"""What the tickets of a job are worth, by the gateway's own lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.probing.lane_log.lines import GatewayLog

RECIPIENT = "0x" + "Ab" * 20


def paid(
    face: str = "360000000000000 WEI",
    odds: str = "0.0083333333",
    tickets: int = 7,
    *,
    session: str = "9f3a",
    price: str = "1200.000 wei/pixel",
) -> str:
    return (
        f"Created new payment - manifestID= sessionID={session} recipient={RECIPIENT} "
        f"faceValue={face} winProb={odds} price={price} numTickets={tickets}"
    )


def log(*payments: str) -> GatewayLog:
    made = GatewayLog().begin().choose()
    for payment in payments:
        made.job(payment, source="segment_rpc.go")
    return made.wait(1).done()


@pytest.mark.parametrize(
    ("face", "odds", "tickets", "value"),
    [
        ("360000000000000 WEI", "0.0083333333", 7, 360000000000000 * 0.0083333333 * 7),
        ("0.01 ETH", "0.0001000000", 1, 1e12),
        ("0.3612345678 ETH", "0.0000100000", 3, 0.3612345678e18 * 3e-5),
        ("1 ETH", "1.0000000000", 1, 1e18),
        ("5 WEI", "0.0000000000", 600, 0.0),
    ],
)
def test_it_is_face_value_times_odds_times_number(
    face: str, odds: str, tickets: int, value: float
) -> None:
    told = log(paid(face, odds, tickets)).explain()
    assert told.ticket_value == pytest.approx(value)
    assert told.unknown == ()


def test_each_attempt_is_paid_for() -> None:
    one = log(paid()).explain().ticket_value
    both = log(paid(), paid()).explain().ticket_value
    assert one is not None
    assert both == pytest.approx(2 * one)


@pytest.mark.parametrize(
    "payment",
    [
        "Created new payment in words of another version",
        paid("12 SATOSHI"),
        paid(odds="2.0000000000"),
        paid(odds="0.1"),
        paid(f"{'9' * 31} WEI"),
        f"{paid()} and more",
    ],
)
def test_a_payment_that_the_line_does_not_tell_is_unknown(payment: str) -> None:
    assert log(payment).explain().ticket_value is None
    assert log(paid(), payment).explain().ticket_value is None
    assert log(payment).explain().unknown == ()


def test_without_a_payment_in_the_log_nothing_is_known() -> None:
    assert log().explain().ticket_value is None


def test_with_lines_lost_or_off_chain_nothing_is_known() -> None:
    assert log(paid()).explain(dropped=True).ticket_value is None
    assert log(paid()).explain(on_chain=False).ticket_value is None


def test_another_requests_payment_is_not_ours() -> None:
    other = GatewayLog(request="ffffffff").job(paid(), source="segment_rpc.go")
    made = GatewayLog().begin().choose().raw(*other.lines).done()
    assert made.explain().ticket_value is None


def test_a_session_named_like_a_payment_does_not_change_it() -> None:
    """The orchestrator chooses the session's name, which stands in the line."""
    forged = "faceValue=1 WEI winProb=0.0000000001 price=1 wei/pixel numTickets=1"
    session = f"x recipient={RECIPIENT} {forged}"
    assert log(paid(session=session)).explain().ticket_value == log(paid()).explain().ticket_value


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_no_name_of_a_session_makes_a_payment_of_another_worth(session: str) -> None:
    told = log(paid(session=session)).explain().ticket_value
    assert told in (None, log(paid()).explain().ticket_value)

"""What is wrong with an account, and how bad that is."""

from typing import Any

import msgspec
import pytest

from exporter.funds.account import Account
from exporter.funds.amounts import eth
from exporter.funds.concerns import TROUBLE, Concern, Found, concerns

ETH = 10**18
SAFE = 36 * ETH // 100
GOOD = Account(
    address="0x" + "a1" * 20,
    chain_id=42161,
    block=8,
    read_at=0,
    deposit=2 * ETH,
    reserve=SAFE,
    claimed=0,
    withdraw_round=None,
    round=90,
    initialized_round=90,
    balance=0,
    orchestrator=False,
)


def found(days: float | None = 50.0, error: str | None = None, **changes: Any) -> list[Found]:
    account = msgspec.structs.replace(GOOD, **changes)
    return concerns(account, error=error, safe_reserve=SAFE, days=days, days_warning=7)


def names(*args: Any, **changes: Any) -> list[str]:
    return [str(one.concern) for one in found(*args, **changes)]


def test_an_account_in_good_order_concerns_nobody() -> None:
    assert found() == []
    assert found(days=None) == []
    assert found(days=7.0) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"deposit": 0}, ["no_deposit"]),
        ({"deposit": 0, "days": 0.0}, ["no_deposit"]),
        ({"reserve": 0}, ["no_reserve"]),
        ({"deposit": 0, "reserve": 0}, ["no_deposit", "no_reserve"]),
        ({"withdraw_round": 91}, ["unlocking_soon"]),
        ({"withdraw_round": 92}, ["unlocking"]),
        ({"withdraw_round": 92, "round": 91, "initialized_round": 90}, ["unlocking"]),
        ({"withdraw_round": 90}, ["withdrawable"]),
        ({"withdraw_round": 3}, ["withdrawable"]),
        ({"orchestrator": True}, ["orchestrator"]),
        ({"orchestrator": None}, []),
        ({"reserve": SAFE - 1}, ["low_reserve"]),
        ({"days": 6.99}, ["few_days"]),
        ({"error": "it is off"}, ["unread"]),
        ({"reserve": 1, "days": 1.0, "error": "off"}, ["low_reserve", "few_days", "unread"]),
    ],
)
def test_each_concern_holds_where_it_does(changes: dict[str, Any], expected: list[str]) -> None:
    assert names(**changes) == expected
    changes = {key: value for key, value in changes.items() if key not in ("days", "error")}
    pays = msgspec.structs.replace(GOOD, **changes).pays
    assert pays == (not TROUBLE.intersection(expected))


def test_of_an_account_that_was_never_read_nothing_is_claimed() -> None:
    told = concerns(None, error="it is off", safe_reserve=SAFE, days=None, days_warning=7)
    assert told == [Found(Concern.UNREAD, "deposit and reserve cannot be read: it is off")]
    assert concerns(None, error=None, safe_reserve=SAFE, days=None, days_warning=7) == []


def test_what_keeps_gateways_from_paying_is_trouble_and_the_rest_a_warning() -> None:
    assert {str(one) for one in Concern if one not in TROUBLE} == {
        "low_reserve",
        "few_days",
        "unlocking",
        "unread",
    }


def test_the_reasons_name_amounts_and_settings() -> None:
    [low] = found(reserve=ETH // 10)
    assert low.why == (
        "the reserve of 0.1 ETH is below the 0.36 of `spending.safe_reserve`: orchestrators may "
        "refuse who pays, or be dearer"
    )
    [few] = found(days=3.25)
    assert "2 ETH lasts for 3.2 days" in few.why
    assert "7 of `spending.days_warning`" in few.why


@pytest.mark.parametrize(
    ("wei", "text"),
    [
        (0, "0"),
        (1, "0.000000000000000001"),
        (ETH, "1"),
        (36 * ETH // 100, "0.36"),
        (123_456_789 * ETH, "123457000"),
        (ETH // 3, "0.333333"),
        (1.5e13, "0.000015"),
        (999_999_999_999_999_999, "1"),
    ],
)
def test_amounts_are_told_in_eth(wei: float, text: str) -> None:
    assert eth(wei) == text

"""What the tickets of a payment are worth, by the gateway's line about it."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

WEI: Final = 10**18
"""Of one ETH."""
PAID: Final = (
    r"Created new payment - .*recipient=0x[0-9a-fA-F]{40} "
    r"faceValue=(?P<face>\d{1,30} WEI|\d{1,9}(?:\.\d{1,18})? ETH) "
    r"winProb=(?P<odds>[01]\.\d{10}) price=[\d.]{1,60} wei/\w{1,20} numTickets=(?P<tickets>\d{1,6})"
)
"""Somebody else's session id stands before all this, so only the line's end is taken."""
_AMOUNT: Final = re.compile(r"([\d.]+) (WEI|ETH)")


def ticket_value(parts: Mapping[str, str]) -> Fraction | None:
    """Wei that the tickets are worth on average: face value x odds of winning x number.

    `parts` are those of a line that matches `PAID`; `None` where it does not say so. go-livepeer
    prints face values from 0.01 ETH on with ten digits, and the odds with ten decimals.
    """
    if "face" not in parts:
        return None
    amount = _AMOUNT.fullmatch(parts["face"])
    if amount is None:
        return None
    face = Fraction(amount[1]) * (WEI if amount[2] == "ETH" else 1)
    return face * Fraction(parts["odds"]) * int(parts["tickets"])

"""Why the gateway itself makes no payment: its own words, and what they mean."""

from exporter.model import Blame, Outcome
from exporter.probing.lane_log.cause import Cause
from exporter.probing.lane_log.quotes import unquoted
from exporter.probing.lane_log.rows import find, row

_NOT_PAID = (
    row(
        r"no sender (?:reserve|deposit)|unable to validate sender: .*"
        r"|ticket faceValue \S+ > max faceValue .*",
        Outcome.INSUFFICIENT_FUNDS,
        Blame.TESTER,
        "the gateway could not pay: our deposit or reserve does not suffice",
        handed_over=False,
    ),
    row(
        r"(?:total )?ticket EV .* > max (?:total )?ticket EV .*",
        Outcome.PRICE_ABOVE_LIMIT,
        Blame.TESTER,
        "the gateway would not pay: the fee is above our own limit for tickets",
        handed_over=False,
    ),
    row(
        r"orchestrator price has more than doubled.*",
        Outcome.PRICE_ABOVE_LIMIT,
        None,
        "the gateway would not pay: the price has more than doubled since the session began",
        handed_over=False,
    ),
    row(
        r"ticketparams expired",
        Outcome.PAYMENT_REFUSED,
        Blame.TESTER,
        "the gateway could not pay: the ticket parameters that it held were out of date",
        handed_over=False,
        repeat=True,
    ),
    row(
        r"missing orchestrator price|pixels per unit is 0|ticket faceValue too low.*",
        Outcome.ORCHESTRATOR_ERROR,
        Blame.ORCHESTRATOR,
        "the gateway could not pay: the orchestrator's price or ticket parameters are not valid",
        handed_over=False,
    ),
    row(
        r"error (?:signing ticket for|loading) session.*|ticketParams is nil",
        Outcome.LANE_FAILED,
        Blame.TESTER,
        "the gateway could not make a payment",
        handed_over=False,
    ),
)
"""Read in the source."""


def of_payment(text: str) -> Cause | None:
    """The cause in the gateway's reason for not paying; `None` if the words are not known."""
    return find(_NOT_PAID, unquoted(text))

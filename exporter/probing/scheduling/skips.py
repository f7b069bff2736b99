"""Why a job that was meant is left out; nobody is to blame. Metrics and reports count by these."""

from typing import Final

NO_LANE: Final = "no lane reaches it"
NETWORK_DOWN: Final = "own network down"
NOT_STORING: Final = "measurements cannot be stored"
NOT_STORED: Final = "measurement was not stored"
COLD: Final = "cold model tested lately"
STOPPED: Final = "stopped"
GONE: Final = "no longer offered"
OVERRUN: Final = "the cycle before is not done"
CLOCK_SET: Final = "the clock was set forward"
JOBS_OF_DAY: Final = "jobs of the day are done"
ABOVE_PRICE: Final = "not tested at our price: above spending.max_price"
ABOVE_FEE: Final = "not tested at our price: above spending.max_fee"
NO_PRICE: Final = "not tested at our price: price not known"
BUDGET_SPENT: Final = "budget of the day is used up"

BOUNDS: Final = (JOBS_OF_DAY, ABOVE_PRICE, ABOVE_FEE, NO_PRICE, BUDGET_SPENT)
"""Reasons that a bound of the operator's settings was hit."""

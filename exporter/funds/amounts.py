"""Amounts of ETH, for people."""

from decimal import Decimal
from typing import Final

from exporter.ethereum.contracts import WEI

_DIGITS: Final = 6


def eth(wei: float) -> str:
    """Wei in ETH with six significant digits, such as `0.36`; never in exponents."""
    value = Decimal(wei) / WEI
    if not value:
        return "0"
    rounded = value.quantize(Decimal(1).scaleb(value.adjusted() + 1 - _DIGITS))
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

"""What an on-chain gateway weighs before it pays: price limits, fees, tickets."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any, Final

from exporter.simulation.gateway import messages
from exporter.simulation.gateway.chain_reader import ChainReader
from exporter.simulation.gateway.eth_client import SenderFunds
from exporter.simulation.gateway.flags import GatewayFlags
from exporter.simulation.gateway.glog import GatewayLog, RequestLog
from exporter.simulation.gateway.orchestrators import OrchestratorInfo, Price, TicketParams
from exporter.simulation.gateway.pipelines import BY_NAME
from exporter.simulation.gateway.sessions import Choose, Session, first
from exporter.simulation.gateway.tweaks import GatewayTweaks

_INCREASE: Final = 2


class PaymentRefused(Exception):
    """No payment was made, and so no request; the text is that of the log."""


class Purse:
    """The money side of a gateway. Off-chain everything is free and nothing is refused."""

    def __init__(
        self,
        flags: GatewayFlags,
        tweaks: GatewayTweaks,
        log: GatewayLog,
        rng: Random,
        chain: ChainReader | None,
    ) -> None:
        self._flags = flags
        self._tweaks = tweaks
        self._rng = rng
        self._chain = chain
        self._limits = _limits(flags, log)

    def choice(self, capability: int, model: str) -> Choose:
        """How a session of that capability and model is chosen."""
        limit = self._limit(capability, model)

        def choose(log: RequestLog, sessions: list[Session]) -> Session | None:
            found = limit()
            priced = found is not None and any(one.info.price_info for one in sessions)
            if self._flags.on_chain or self._tweaks.refuse_price or priced:
                return self._affordable(log, sessions, found)
            return first(log, sessions)

        return choose

    def pay(self, session: Session, units: int) -> dict[str, str]:
        """The headers that pay for so many units. Raises `PaymentRefused`."""
        headers = {"Livepeer-Session": session.info.auth_token}
        headers["Authorization"] = "Livepeer-AI-Worker-1.0"
        if not self._flags.on_chain:
            return headers
        price = _price(session.info.price_info)
        if price is None:
            raise PaymentRefused("missing orchestrator price")
        first_price = _price(session.initial_price)
        if first_price is not None and price > _INCREASE * first_price:
            raise PaymentRefused(
                "Orchestrator price has more than doubled, Orchestrator price: "
                f"{_ratio(price)}, Orchestrator initial price: {_ratio(first_price)}"
            )
        self._check_tickets(session.info.ticket_params or TicketParams(), price * units)
        headers["Livepeer-Payment"] = "c2ltdWxhdGVk"
        return headers

    def _check_tickets(self, tickets: TicketParams, fee: Fraction) -> None:
        flags = self._flags
        if tickets.ev > flags.max_ticket_ev:
            raise PaymentRefused(
                f"ticket EV {tickets.ev}.00000 > max ticket EV {flags.max_ticket_ev}.00000"
            )
        deposit, reserve = self._funds()
        if not deposit:
            raise PaymentRefused("no sender deposit")
        if not reserve:
            raise PaymentRefused("no sender reserve")
        number = max(1, -(-fee // max(1, tickets.ev)))
        total = number * tickets.ev
        if total > flags.max_total_ev:
            raise PaymentRefused(
                f"total ticket EV {total}.00000 for {number} tickets > max total ticket EV "
                f"{flags.max_total_ev}.00000"
            )
        most = deposit // flags.deposit_multiplier
        if tickets.face_value > most:
            raise PaymentRefused(f"ticket faceValue {tickets.face_value} > max faceValue {most}")

    def _funds(self) -> tuple[int, int]:
        """Deposit and reserve of the account as they were when the gateway started."""
        funds = SenderFunds(0, 0, 0, 0) if self._chain is None else self._chain.sender
        tweaks = self._tweaks
        return (
            funds.deposit if tweaks.deposit is None else tweaks.deposit,
            funds.reserve if tweaks.reserve is None else tweaks.reserve,
        )

    def _affordable(
        self, log: RequestLog, sessions: list[Session], limit: Fraction | None
    ) -> Session | None:
        if not sessions:
            return None
        if self._tweaks.refuse_price:
            limit = Fraction(-1)
        if limit is None:
            return self._rng.choice(sessions)
        good = []
        for session in sessions:
            price = _price(session.info.price_info)
            if price is not None and price <= limit:
                good.append(session)
                continue
            shown = _three(Fraction(-1) if price is None else price)
            log.say(
                messages.ABOVE_PRICE,
                address=session.info.address,
                limit=_three(limit),
                price=shown,
            )
        if not good and self._flags.ignore_max_price and not self._tweaks.refuse_price:
            log.say(
                messages.ABOVE_PRICE_IGNORED,
                count=len(sessions),
                limit=_ratio(limit),
                prices="map[]",
                addresses=f"[{' '.join(session.info.address for session in sessions)}]",
            )
            good = sessions
        return self._rng.choice(good) if good else None

    def _limit(self, capability: int, model: str) -> Callable[[], Fraction | None]:
        def limit() -> Fraction | None:
            found = self._limits.get((capability, model), self._limits.get((capability, "default")))
            if found is not None:
                return found
            general = _amount(self._flags.max_price_per_unit, self._flags.pixels_per_unit)
            return general or None

        return limit


def entry(info: OrchestratorInfo) -> dict[str, Any]:
    """One orchestrator of `/getNetworkCapabilities`."""
    tickets = info.ticket_params
    recipient = tickets.recipient if tickets is not None and tickets.recipient else info.address
    price = info.price_info
    return {
        "address": recipient,
        "local_address": info.address,
        "orch_uri": info.transcoder,
        "capabilities": info.capabilities,
        "price_info": {"pricePerUnit": price.pricePerUnit, "pixelsPerUnit": price.pixelsPerUnit}
        if price is not None
        else None,
        "capabilities_prices": info.capabilities_prices,
        "hardware": info.hardware,
    }


def _limits(flags: GatewayFlags, log: GatewayLog) -> dict[tuple[int, str], Fraction]:
    """The prices of `-maxPricePerCapability`; what cannot be read is logged and limits nothing.

    Raises `KeyError` for a pipeline that does not exist, as the real one panics.
    """
    text = flags.max_price_per_capability
    if not text:
        return {}
    try:
        if not text.lstrip().startswith("{"):
            text = Path(text).read_text(encoding="utf-8")
        entries = json.loads(text)["capabilities_prices"]
        found = {}
        for one in entries:
            price = Fraction(one["price_per_unit"]) / Fraction(one.get("pixels_per_unit", 1))
            found[str(one["pipeline"]), str(one["model_id"])] = price
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        log.say(messages.PRICES_UNREADABLE, error=error)
        return {}
    return {
        (BY_NAME[pipeline].capability, model): price for (pipeline, model), price in found.items()
    }


def _price(price: Price | None) -> Fraction | None:
    if price is None or price.pixelsPerUnit <= 0:
        return None
    return Fraction(price.pricePerUnit, price.pixelsPerUnit)


def _amount(price: str, units: str) -> Fraction:
    try:
        return Fraction(price) / Fraction(units)
    except (ValueError, ZeroDivisionError):
        return Fraction(0)


def _three(value: Fraction) -> str:
    return f"{float(value):.3f}"


def _ratio(value: Fraction) -> str:
    return (
        str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"
    )

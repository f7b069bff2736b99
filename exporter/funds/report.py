"""What is shown of the money: by the probe, and by the station, which gets it from there."""

import msgspec

from exporter.funds.account import Account, Lock
from exporter.funds.concerns import TROUBLE, Found
from exporter.funds.pace import Basis, Pace, days_at_most, days_left
from exporter.model import NANOSECONDS, seconds


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What tests cost. Amounts in wei."""

    spent_today: int
    """On this day (UTC): what was sent where that is known, and what was expected elsewhere."""
    sent_today: int
    """The part of it that is known to be sent."""
    expected_total: int
    """What all jobs since the start were expected to cost, as far as prices are known."""
    sent_total: int
    """What tickets were worth that are known to be sent, since the start."""
    sent_unknown: int
    """Jobs since the start of which nobody tells what was sent."""
    price_unknown: int
    """Jobs since the start whose price was not known."""
    max_per_day: int | None
    max_per_job: int | None
    """The limits of the settings, `spending.max_per_day` and `spending.max_fee`."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The money at one moment. Amounts in wei; what is not known is `None`."""

    costs: Costs
    pace: Pace | None
    """Of all lanes that may pay."""
    own_pace: Pace | None = None
    """Of those that the account pays: gateways of our own."""
    account: str | None = None
    """Address that pays, where gateways of our own do."""
    deposit: int | None = None
    reserve: int | None = None
    safe_reserve: int | None = None
    claimed: int | None = None
    """Claimed from the reserve in the current round."""
    lock: Lock | None = None
    withdraw_round: int | None = None
    round: int | None = None
    orchestrator: bool | None = None
    """Whether the account is registered as an orchestrator."""
    balance: int | None = None
    """ETH of the account itself."""
    block: int | None = None
    read_at: float | None = None
    """Unix seconds of the last good reading, of which all this is."""
    age: float | None = None
    """Seconds since then."""
    error: str | None = None
    """Why it could not be read when it was last tried; `None` if it could."""
    days_left: float | None = None
    """Days that the deposit lasts at this pace; `None` where that is not known."""
    days_left_at_most: float | None = None
    """The same, known also where some prices are not: it may be less."""
    concerns: list[Found] = msgspec.field(default_factory=list)

    @property
    def trouble(self) -> list[str]:
        """Why no test can be paid now, in words."""
        return [f"money: {found.why}" for found in self.concerns if found.concern in TROUBLE]

    @property
    def warnings(self) -> list[str]:
        """What soon may keep tests from being paid, in words."""
        return [f"money: {found.why}" for found in self.concerns if found.concern not in TROUBLE]


def report(
    costs: Costs,
    pace: Pace | None,
    own_pace: Pace | None,
    *,
    address: str | None,
    account: Account | None,
    error: str | None,
    safe_reserve: int,
    found: list[Found],
    now: int,
) -> Report:
    """Put it together; `now` is Unix nanoseconds."""
    if address is None:
        return Report(costs=costs, pace=pace)
    known = Report(
        costs=costs,
        pace=pace,
        own_pace=own_pace,
        account=address,
        safe_reserve=safe_reserve,
        error=error,
        concerns=found,
    )
    if account is None:
        return known
    return msgspec.structs.replace(
        known,
        deposit=account.deposit,
        reserve=account.reserve,
        claimed=account.claimed,
        lock=account.lock,
        withdraw_round=account.withdraw_round,
        round=account.round,
        orchestrator=account.orchestrator,
        balance=account.balance,
        block=account.block,
        read_at=seconds(account.read_at),
        age=max(0, now - account.read_at) / NANOSECONDS,
        days_left=days_left(account.deposit, own_pace),
        days_left_at_most=days_at_most(account.deposit, own_pace),
    )


def pace_words(pace: Pace) -> str:
    """What a pace is taken from, for people."""
    if pace.basis is Basis.SPENT:
        unknown = f"; {pace.unpriced} jobs of unknown price" if pace.unpriced else ""
        return f"by the jobs of the last {pace.days or 0:.1f} days of tests{unknown}"
    unknown = f"; {pace.unpriced} targets of unknown price" if pace.unpriced else ""
    return f"estimated by prices and schedule{unknown}"

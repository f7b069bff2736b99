"""What is wrong with the paying account: what keeps tests from being paid, and what soon will."""

from enum import StrEnum
from typing import Final

import msgspec

from exporter.funds.account import Account, Lock
from exporter.funds.amounts import eth


class Concern(StrEnum):
    """One thing that may be wrong."""

    NO_DEPOSIT = "no_deposit"
    NO_RESERVE = "no_reserve"
    UNLOCKING_SOON = "unlocking_soon"
    WITHDRAWABLE = "withdrawable"
    ORCHESTRATOR = "orchestrator"
    LOW_RESERVE = "low_reserve"
    FEW_DAYS = "few_days"
    UNLOCKING = "unlocking"
    UNREAD = "unread"


TROUBLE: Final = frozenset(
    {
        Concern.NO_DEPOSIT,
        Concern.NO_RESERVE,
        Concern.UNLOCKING_SOON,
        Concern.WITHDRAWABLE,
        Concern.ORCHESTRATOR,
    }
)
"""With these no gateway pays, or none is started: who tests over them cannot test. All others are
warnings."""


class Found(msgspec.Struct, frozen=True):
    """A concern that holds, and why, in words."""

    concern: Concern
    why: str


def concerns(
    account: Account | None,
    *,
    error: str | None,
    safe_reserve: int,
    days: float | None,
    days_warning: float,
) -> list[Found]:
    """All that holds now, by the last good reading, however old it is.

    `days` is how long the deposit lasts, at most; `None` where that is not known.
    """
    found = [] if account is None else _of_account(account, safe_reserve)
    if days is not None and days < days_warning and account is not None and account.deposit:
        why = (
            f"the deposit of {eth(account.deposit)} ETH lasts for {days:.1f} days at this pace, "
            f"less than the {days_warning:g} of `spending.days_warning`"
        )
        found.append(Found(Concern.FEW_DAYS, why))
    if error is not None:
        found.append(Found(Concern.UNREAD, f"deposit and reserve cannot be read: {error}"))
    return found


def _of_account(account: Account, safe_reserve: int) -> list[Found]:
    found, who = [], account.address
    if account.orchestrator:
        why = f"the paying account {who} is registered as an orchestrator: use one of its own"
        found.append(Found(Concern.ORCHESTRATOR, why))
    if not account.deposit:
        found.append(Found(Concern.NO_DEPOSIT, f"the paying account {who} has no deposit"))
    if not account.reserve:
        found.append(Found(Concern.NO_RESERVE, f"the paying account {who} has no reserve"))
    elif account.reserve < safe_reserve:
        why = (
            f"the reserve of {eth(account.reserve)} ETH is below the {eth(safe_reserve)} of "
            "`spending.safe_reserve`: orchestrators may refuse who pays, or be dearer"
        )
        found.append(Found(Concern.LOW_RESERVE, why))
    if account.lock is not Lock.LOCKED:
        found.append(_of_lock(account))
    return found


def _of_lock(account: Account) -> Found:
    when = f"in round {account.withdraw_round}, now it is {account.round}"
    if account.lock is Lock.UNLOCKING:
        return Found(
            Concern.UNLOCKING,
            f"deposit and reserve are being unlocked, for {when}: gateways stop to pay one round "
            "before",
        )
    if account.lock is Lock.SOON:
        return Found(
            Concern.UNLOCKING_SOON,
            f"deposit and reserve can be withdrawn {when}: gateways do not pay any more",
        )
    return Found(
        Concern.WITHDRAWABLE,
        "deposit and reserve are unlocked and can be withdrawn: gateways do not pay",
    )

"""What tests cost and how long the deposit lasts, on the home page."""

from exporter.funds.amounts import eth
from exporter.funds.report import Report, pace_words
from exporter.model import NANOSECONDS
from exporter.web.pages.layout import duration

Facts = list[tuple[str, str | None]]


def money_facts(money: Report | None, now: int) -> Facts:
    """The facts; none where no lane pays. `now` is Unix nanoseconds."""
    if money is None:
        return []
    facts: Facts = []
    if money.account is not None:
        facts.append(("Paying account", _account(money, now)))
    if money.pace is not None and (money.pace.wei_per_day or money.pace.unpriced):
        least = "at least " if money.pace.unpriced else ""
        cost = f"{least}{eth(money.pace.wei_per_day)} ETH a day, {pace_words(money.pace)}"
        facts.append(("Tests cost", f"{cost}; today {_today(money)}"))
    if money.account is not None:
        facts.append(("The deposit lasts", _lasts(money)))
    return facts


def _account(money: Report, now: int) -> str:
    if money.deposit is None or money.reserve is None or money.read_at is None:
        return f"{money.account}, not read yet: {money.error or 'it is being read'}"
    age = duration(max(now / NANOSECONDS - money.read_at, 0))
    return (
        f"{money.account}: deposit {eth(money.deposit)} ETH, reserve {eth(money.reserve)} ETH, "
        f"{money.lock}, read {age} ago"
    )


def _today(money: Report) -> str:
    spent = f"{eth(money.costs.spent_today)} ETH"
    budget = money.costs.max_per_day
    return spent if budget is None else f"{spent} of {eth(budget)}"


def _lasts(money: Report) -> str:
    if money.days_left is not None:
        return f"{money.days_left:.1f} days"
    if money.days_left_at_most is not None:
        return f"at most {money.days_left_at_most:.1f} days: some prices are not known"
    return "unknown"

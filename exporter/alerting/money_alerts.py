"""Alerts for the tester's operator: whether tests can be paid. Only where lanes pay on-chain."""

from collections.abc import Iterator
from typing import Final

from exporter.alerting.promql import INSTALLATION, held
from exporter.alerting.rule import Alert, Group, Severity
from exporter.alerting.tester_alerts import operator_alert
from exporter.alerting.thresholds import Thresholds

_HERE: Final = "{{ $labels.instance }}"
_CONCERN: Final = "livepeer_ai_tester_account_concern"

UNUSABLE: Final = ("no_deposit", "no_reserve", "orchestrator", "unlocking_soon", "withdrawable")
"""With these no gateway pays, as `exporter.funds.concerns` has it."""
WORRYING: Final = ("few_days", "low_reserve", "unlocking", "unread")
"""With these it soon may not."""
BUDGET: Final = "budget of the day is used up"
"""The reason of targets that the day's budget holds back."""


def money_alerts(at: Thresholds) -> Iterator[Alert]:
    """The paying account, and the day's budget."""
    for severity, reasons, what in (
        (Severity.CRITICAL, UNUSABLE, "cannot pay"),
        (Severity.WARNING, WORRYING, "soon cannot pay"),
    ):
        concern = f'{_CONCERN}{{reason=~"{"|".join(reasons)}"}}'
        yield operator_alert(
            "LivepeerAiAccountConcern",
            severity,
            f"{held(concern, at.gap)} == 1",
            at,
            group=Group.MONEY,
            pending=at.gap,
            summary=f"The account of {_HERE} {what}: {{{{ $labels.reason }}}}",
            description=(
                "Something is wrong with deposit, reserve or lock of the account that pays for "
                "tests. /readyz of the probe has it in words, with amounts."
            ),
        )
    held_back = f'livepeer_ai_tester_targets_held_back{{reason="{BUDGET}"}}'
    spent = "livepeer_ai_tester_cost_today_wei"
    limit = "livepeer_ai_tester_spending_limit_wei"
    yield operator_alert(
        "LivepeerAiBudgetReached",
        Severity.WARNING,
        f"""\
(
  max by ({INSTALLATION}) ({held(held_back, at.gap)}) > 0
  or
  {held(spent, at.gap)} >= {held(limit, at.gap)}
)""",
        at,
        group=Group.MONEY,
        summary=f"The budget of the day at {_HERE} is used up",
        description=(
            "Jobs that cost something are left out until midnight UTC "
            "(`spending.max_per_day`), and nobody is blamed."
        ),
    )

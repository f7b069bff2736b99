"""The metrics of the money: what tests cost, what the paying account holds, how long it lasts."""

from collections.abc import Iterable
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter.funds.concerns import Concern
from exporter.funds.report import Report

_TESTER: Final = "livepeer_ai_tester"
_ACCOUNT: Final = f"{_TESTER}_account"

METRICS: Final[tuple[tuple[str, str, tuple[str, ...], str], ...]] = (
    (
        f"{_TESTER}_cost_today_wei",
        "gauge",
        (),
        (
            "What the jobs of this day (UTC) cost: what was sent where the lane's log tells, what "
            "was expected elsewhere. `spending.max_per_day` bounds it."
        ),
    ),
    (
        f"{_TESTER}_ticket_value_sent_wei_total",
        "counter",
        (),
        "What the tickets sent since the start are worth on average, as far as lanes' logs tell.",
    ),
    (
        f"{_TESTER}_jobs_ticket_value_unknown_total",
        "counter",
        (),
        "Jobs on lanes that may pay of which no log tells what was sent.",
    ),
    (
        f"{_TESTER}_cost_per_day_wei",
        "gauge",
        ("basis",),
        (
            "What tests cost in a day at the present pace: `spent`, by the jobs of the last days, "
            "or `schedule`, estimated by prices and schedule until there is a day of jobs. The "
            "least that it can be, where `unpriced` is not 0."
        ),
    ),
    (
        f"{_TESTER}_cost_per_day_unpriced",
        "gauge",
        ("basis",),
        "Jobs (`spent`) or targets (`schedule`) that are not in it as their price is not known.",
    ),
    (f"{_ACCOUNT}_deposit_wei", "gauge", (), "Deposit of the paying account, as last read."),
    (f"{_ACCOUNT}_reserve_wei", "gauge", (), "What remains of its reserve, as last read."),
    (
        f"{_ACCOUNT}_reserve_claimed_wei",
        "gauge",
        (),
        "What was claimed from its reserve in the current round, as last read.",
    ),
    (f"{_ACCOUNT}_safe_reserve_wei", "gauge", (), "`spending.safe_reserve`."),
    (f"{_ACCOUNT}_balance_wei", "gauge", (), "ETH of the paying account itself, as last read."),
    (
        f"{_ACCOUNT}_withdraw_round",
        "gauge",
        (),
        "Round in which deposit and reserve can be withdrawn; absent where both are locked.",
    ),
    (f"{_ACCOUNT}_current_round", "gauge", (), "Livepeer's round when the account was last read."),
    (
        f"{_ACCOUNT}_days_left",
        "gauge",
        (),
        (
            "Days that the deposit lasts at the pace of the gateways that it pays; absent where "
            "that is not known, as with unknown prices."
        ),
    ),
    (
        f"{_ACCOUNT}_age_seconds",
        "gauge",
        (),
        "How long ago the account was last read; absent if it never was.",
    ),
    (
        f"{_ACCOUNT}_concern",
        "gauge",
        ("reason",),
        (
            "1 for what is wrong with the paying account, 0 for what is not: no_deposit, "
            "no_reserve, unlocking_soon, withdrawable, orchestrator (with these nothing is paid), "
            "low_reserve, few_days, unlocking, unread. Absent where that is not known."
        ),
    ),
)
"""Name, type, labels and meaning of each."""

_MEANING: Final = {name: meaning for name, _, _, meaning in METRICS}


class FundsNumbers(Collector):
    """The money of one moment, as metrics."""

    def __init__(self, money: Report) -> None:
        self._money = money

    def collect(self) -> Iterable[Metric]:
        """Every metric of `METRICS` that there is something to say of."""
        costs, pace = self._money.costs, self._money.pace
        yield _gauge(f"{_TESTER}_cost_today_wei", costs.spent_today)
        yield _counter(f"{_TESTER}_ticket_value_sent_wei_total", costs.sent_total)
        yield _counter(f"{_TESTER}_jobs_ticket_value_unknown_total", costs.sent_unknown)
        if pace is not None:
            basis = {str(pace.basis): pace.wei_per_day}
            yield _labelled(f"{_TESTER}_cost_per_day_wei", "basis", basis)
            unpriced = {str(pace.basis): float(pace.unpriced)}
            yield _labelled(f"{_TESTER}_cost_per_day_unpriced", "basis", unpriced)
        if self._money.account is not None:
            yield from self._of_account()

    def _of_account(self) -> Iterable[Metric]:
        money = self._money
        for name, value in (
            ("deposit_wei", money.deposit),
            ("reserve_wei", money.reserve),
            ("reserve_claimed_wei", money.claimed),
            ("safe_reserve_wei", money.safe_reserve),
            ("balance_wei", money.balance),
            ("withdraw_round", money.withdraw_round),
            ("current_round", money.round),
            ("days_left", money.days_left),
            ("age_seconds", money.age),
        ):
            if value is not None:
                yield _gauge(f"{_ACCOUNT}_{name}", value)
        holds = {found.concern for found in money.concerns}
        reasons = {str(one): float(one in holds) for one in Concern if _is_known(one, money)}
        yield _labelled(f"{_ACCOUNT}_concern", "reason", reasons)


def _is_known(concern: Concern, money: Report) -> bool:
    """Whether it is known that the concern holds, or that it does not."""
    if concern is Concern.UNREAD:
        return True
    if concern is Concern.ORCHESTRATOR:
        return money.orchestrator is not None
    if concern is Concern.FEW_DAYS:
        return money.days_left_at_most is not None
    return money.deposit is not None


def _gauge(name: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, _MEANING[name])
    family.add_metric((), value)
    return family


def _counter(name: str, value: float) -> Metric:
    family = CounterMetricFamily(name, _MEANING[name])
    family.add_metric((), value)
    return family


def _labelled(name: str, label: str, samples: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, _MEANING[name], labels=(label,))
    for value, number in samples.items():
        family.add_metric((value,), number)
    return family

"""What tests cost, and how long the money lasts; no data where nothing is paid."""

from dataclasses import replace
from typing import Final

from dashboards import flux
from dashboards.colours import BAD, GOOD, WARNING
from dashboards.panel import Panel, Query, Row
from dashboards.tester import said
from dashboards.tester.glance import stat
from dashboards.tester.shown import curves

_ETH: Final = "suffix: ETH"
_LEAST: Final = " Of several installations the least."


def _eth(title: str, description: str, *queries: Query) -> Panel:
    return replace(stat(title, description, *queries, unit=_ETH), decimals=4, width=4)


_DEPOSIT: Final = _eth(
    "Deposit and reserve",
    f"Of the paying account, as last read: the deposit, and what remains of the reserve.{_LEAST}",
    said.now("account_deposit_wei", "min", "deposit", unit=said.ETHER),
    said.now("account_reserve_wei", "min", "reserve", unit=said.ETHER),
)
_BALANCE: Final = _eth(
    "Balance of the account",
    f"ETH of the paying account itself, as last read.{_LEAST}",
    said.now("account_balance_wei", "min", "balance", unit=said.ETHER),
)
_DAYS: Final = replace(
    stat(
        "Days left",
        "Days that the deposit lasts at the pace of the gateways that it pays. No data: not known, "
        f"as with unknown prices.{_LEAST}",
        said.now("account_days_left", "min", "days"),
        unit="suffix: d",
    ),
    width=4,
    steps=((None, BAD), (7, WARNING), (21, GOOD)),
)
_TODAY: Final = _eth(
    "Cost today",
    "What the jobs of this day (UTC) cost: what was sent where the lane's log tells, what was "
    "expected elsewhere.",
    said.now("cost_today_wei", "sum", "today", unit=said.ETHER),
)
_OF_LIMIT: Final = replace(
    stat(
        "Of the limit of a day",
        "What the jobs of this day (UTC) cost, as part of `spending.max_per_day`. No data: there "
        "is no limit. Of several installations the greatest.",
        Query(
            name="of the limit",
            promql=f"max({said.metric('cost_today_wei')} / "
            f"({said.metric('spending_limit_wei')} > 0))",
            flux=f"""\
{flux.DATE}join(
    tables: {{
        cost: {said.fresh("cost_today_wei")} |> group(columns: ["tester"]),
        limit: {said.fresh("spending_limit_wei")} |> group(columns: ["tester"]),
    }},
    on: ["tester"],
)
    |> filter(fn: (r) => r._value_limit > 0.0)
    |> map(fn: (r) => ({{r with _value: r._value_cost / r._value_limit}})){flux.group()}
    |> max()""",
        ),
        unit="percentunit",
    ),
    width=4,
    steps=((None, GOOD), (0.8, WARNING), (1, BAD)),
)
_UNPRICED: Final = replace(
    stat(
        "Price not known",
        "Jobs on lanes that may pay whose price was not known, in the chosen time: they are in no "
        "sum.",
        said.grown("jobs_price_unknown_total", "jobs"),
    ),
    width=4,
)
_A_DAY: Final = Panel(
    title="Cost of a day",
    description="What tests cost in a day at the present pace: `spent`, by the jobs of the last "
    "days, or `schedule`, estimated by prices and schedule until there is a day of jobs. The least "
    "that it can be, where a price is not known.",
    kind="curves",
    unit=_ETH,
    width=8,
    height=7,
    interval="5m",
    least=0,
    queries=(
        Query(
            promql=f"max by (basis) ({said.metric('cost_per_day_wei')}) / {said.ETHER:g}",
            by=("basis",),
            flux=said.over_time("cost_per_day_wei")
            + flux.group("basis")
            + flux.windows("max")
            + f"\n    |> map(fn: (r) => ({{r with _value: r._value / {said.ETHER:.1f}}}))",
        ),
    ),
)
_READ: Final = curves(
    "Account read ago",
    "How long ago the account was last read.",
    "s",
    said.curve("account_age_seconds", "max", "ago"),
)
_CONCERNS: Final = Panel(
    title="What is wrong with the account",
    description="no_deposit, no_reserve, unlocking_soon, withdrawable, orchestrator (with these "
    "nothing is paid), low_reserve, few_days, unlocking, unread. Nothing here: not known.",
    kind="table",
    unit="none",
    width=8,
    height=7,
    sort_by="-Is it so",
    queries=(
        replace(
            said.now("account_concern", "max", "Is it so", ("reason",)),
            values=((0, "no", GOOD), (1, "yes", BAD)),
        ),
    ),
)

ROW: Final = Row(
    title="Money (where jobs are paid)",
    panels=(
        _DEPOSIT,
        _BALANCE,
        _DAYS,
        _TODAY,
        _OF_LIMIT,
        _UNPRICED,
        _A_DAY,
        _READ,
        _CONCERNS,
    ),
    closed=True,
)

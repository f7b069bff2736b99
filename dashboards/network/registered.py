"""Who is registered on the chain, and in which state; empty where no chain is read."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, BLUE, GOOD, GREY, ORANGE, PURPLE, SKY, VERMILLION, WARNING
from dashboards.panel import Panel, Query, Row

_STATES: Final = {
    "offered": BLUE,
    "offers_unknown": GREY,
    "no_longer_listed": VERMILLION,
    "not_registered": ORANGE,
    "not_on_chain": SKY,
    "other": PURPLE,
}
_COUNTS: Final = f"max by (state) (livepeer_ai_tester_orchestrators{{{promql.ANY_TESTER}}})"
_MEANING: Final = (
    "By chain and sources together: offered (and registered), offers_unknown (registered, listed "
    "by no source), no_longer_listed (registered, tested on what it offered last), not_registered "
    "(offered), not_on_chain (offered by an id that is no ETH address). No data: no chain is read."
)
_SHOWN: Final = 100
_WHO: Final = ("orchestrator_address",)

_NOW: Final = Panel(
    title="Orchestrators by state",
    description=f"How many there are now. {_MEANING}",
    kind="bars",
    unit="none",
    width=8,
    decimals=0,
    least=0,
    colours=_STATES,
    queries=(
        Query(
            promql=_COUNTS,
            by=("state",),
            flux=f"{flux.DATE}{flux.now('tester_orchestrators')}{flux.group('state')}"
            "\n    |> max()",
        ),
    ),
)
_OVER_TIME: Final = Panel(
    title="Orchestrators by state, over time",
    description=f"The same, stacked. {_MEANING}",
    kind="stacked",
    unit="none",
    width=16,
    interval="5m",
    least=0,
    colours=_STATES,
    queries=(
        Query(
            promql=_COUNTS,
            by=("state",),
            flux=flux.metric("tester_orchestrators") + flux.group("state") + flux.windows("max"),
        ),
    ),
)
_STAKE: Final = (
    f"topk({_SHOWN}, max by (orchestrator_address) (livepeer_ai_orchestrator_stake_lpt))"
)
_SAID: Final = (
    "topk by (orchestrator_address) (1, max by (orchestrator_address, name, state) "
    "(livepeer_ai_orchestrator_info))"
)
_STAKE_NOW: Final = f"""\
{flux.now("orchestrator_stake_lpt")}{flux.group("orchestrator")}
    |> max(){flux.group()}
    |> top(n: {_SHOWN})"""
_LARGEST: Final = f"""\
{flux.DATE}who = {_STAKE_NOW}
    |> findColumn(fn: (key) => true, column: "orchestrator")

"""
_AMONG: Final = "\n    |> filter(fn: (r) => contains(value: r.orchestrator, set: who))"


def _text(field: str, column: str) -> str:
    return f"""\
{flux.now(f"orchestrator_{field}")}{flux.group("orchestrator")}
        |> last()
        |> keep(columns: ["orchestrator", "_value"])
        |> rename(columns: {{_value: "{column}"}})"""


_NAMED: Final = Query(
    name="Stake",
    unit="suffix: LPT",
    promql=f"{_STAKE} * on (orchestrator_address) group_left (name, state) {_SAID}",
    by=("orchestrator_address", "name", "state"),
    flux=f"""\
{flux.DATE}stakes = {_STAKE_NOW}{flux.group("orchestrator")}
    |> keep(columns: ["orchestrator", "_value"])

named = join(
    tables: {{
        names: {_text("name", "name")},
        states: {_text("state", "state")},
    }},
    on: ["orchestrator"],
)

join(tables: {{stakes: stakes, named: named}}, on: ["orchestrator"])""",
)


def _column(name: str, metric: str, words: tuple[tuple[float, str, str], ...], more: str) -> Query:
    return Query(
        name=name,
        promql=f"min by (orchestrator_address) (livepeer_ai_{metric}{more}) "
        f"and on (orchestrator_address) {_STAKE}",
        by=_WHO,
        flux=f"{_LARGEST}{flux.now(metric)}{flux.group('orchestrator')}\n    |> min(){_AMONG}",
        values=words,
    )


_TABLE: Final = Panel(
    title="Who is registered",
    description=f"The {_SHOWN} with most stake: name (empty without one), state as above, stake "
    "with what is delegated, whether it is in the active set, and whether the last look at its "
    "service URIs got through. No data: no chain is read.",
    kind="table",
    unit="none",
    width=24,
    height=10,
    sort_by="-Stake",
    links_to="orchestrator",
    headings={"name": "Name"},
    queries=(
        _NAMED,
        _column("Active", "orchestrator_active", ((0, "no", WARNING), (1, "yes", GOOD)), ""),
        _column("Reached", "orchestrator_reachable", ((0, "no", BAD), (1, "yes", GOOD)), ""),
    ),
)

ROW: Final = Row(
    title="Who is on the chain? (where one is read)",
    panels=(_NOW, _OVER_TIME, _TABLE),
    closed=True,
)

"""Who failed in a row and succeeds again."""

from typing import Final

from dashboards import flux
from dashboards.colours import GOOD
from dashboards.gateway_operator.failing import BY, IN_A_ROW, NOW, TAGS, TARGET
from dashboards.marks import SPELL
from dashboards.panel import Panel, Query, Row

_PROMQL: Final = (
    f"max by ({BY}) (max_over_time({IN_A_ROW}[$__range])) >= {SPELL} "
    f"and on ({BY}) (max by ({BY}) ({IN_A_ROW}) == 0)"
)
_LISTED: Final = ", ".join(f'"{tag}"' for tag in TAGS)
_METRIC: Final = flux.metric("job_consecutive_failures", *flux.TARGETS)
_PARTS: Final = f"""\
{flux.DATE}longest = () => {_METRIC}{flux.group(*TAGS)}
    |> max()
    |> filter(fn: (r) => r._value >= {SPELL}.0)
    |> keep(columns: [{_LISTED}, "_value"])

tested = () => {NOW}{flux.group(*TAGS)}
    |> max()
    |> keep(columns: [{_LISTED}, "_value"])

recovered = () => join(
    tables: {{longest: longest(), now: tested() |> filter(fn: (r) => r._value == 0.0)}},
    on: [{_LISTED}],
)

"""

COUNT: Final = Panel(
    title="Recovered",
    description=f"Models that failed {SPELL} times or more in a row in the chosen time, and whose "
    "last job that counts was good. One orchestrator can have several.",
    kind="stat",
    unit="none",
    width=6,
    height=5,
    decimals=0,
    steps=((None, GOOD),),
    queries=(
        Query(
            name="recovered",
            promql=f"count({_PROMQL}) or 0 * count({IN_A_ROW})",
            flux=f"""\
{_PARTS}union(
    tables: [
        tested() |> map(fn: (r) => ({{r with _value: 0.0}})),
        recovered() |> map(fn: (r) => ({{r with _value: 1.0}})),
    ],
){flux.group()}
    |> sum()""",
        ),
    ),
)
_TABLE: Final = Panel(
    title="Who recovered?",
    description=f"Models that failed {SPELL} times or more in a row in the chosen time, and whose "
    "last job that counts was good.",
    kind="table",
    unit="none",
    width=24,
    sort_by="-Longest spell",
    links_to="orchestrator",
    no_value="nobody",
    queries=(
        Query(
            name="Longest spell",
            promql=_PROMQL,
            by=TARGET,
            flux=f"{_PARTS}recovered()"
            "\n    |> map(fn: (r) => ({r with _value: r._value_longest}))",
        ),
    ),
)

ROW: Final = Row(title="Who recovered?", panels=(_TABLE,))

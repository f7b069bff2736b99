"""Pieces that Flux queries are put together from."""

from typing import Final

TARGETS: Final = ("orchestrator", "pipeline", "model", "region", "tester")
"""Tags of `ai_job` that have a variable of the same name."""
NETWORK: Final = ("pipeline", "model", "region", "tester")
"""The same without the orchestrator: everybody who serves the chosen models."""
SUPPLY: Final = ("pipeline", "model")
"""Tags of offers that have a variable of the same name where the whole network is shown."""
MODELS: Final = ("pipeline", "model", "region")
"""Tags that say of which models an installation's own jobs are, wherever they went."""
OFFER: Final = ("orchestrator", "pipeline", "model")
"""Tags of `ai_metric` about offers."""
DATE: Final = 'import "date"\n\n'
"""What a query with `now` begins with."""
IMPORTS: Final = 'import "array"\nimport "date"\n\n'
"""What a query with `many_quantiles` begins with."""
_RANGE: Final = "range(start: v.timeRangeStart, stop: v.timeRangeStop)"

END: Final = "float(v: int(v: v.timeRangeStop)) / 1000000000.0"
"""The end of the range, Unix seconds."""

_OTHER_NAMES: Final = {"installation": "tester"}
"""Tags that have a variable by another name."""
_FRESH: Final = "15m"
"""How old the last value of `ai_metric` may be to be true now; it is written every 5 minutes."""


def chosen(*tags: str) -> str:
    """Keeps the rows of what is chosen in the variables of these names."""
    return "".join(
        f"\n    |> filter(fn: (r) => r.{_OTHER_NAMES.get(name, name)} =~ /^${{{name}:regex}}$/)"
        for name in tags
    )


def jobs(*fields: str, tags: tuple[str, ...] = TARGETS, origin: bool = True, more: str = "") -> str:
    """Fields of the jobs of the dashboard's range, of the chosen `tags` and origin.

    `more` is a further condition on the tags of `r`, such as `r.outcome == "ok"`.
    """
    asked = " or ".join(f'r._field == "{name}"' for name in fields)
    where = f'r._measurement == "ai_job" and ({asked})'
    narrowed = chosen(*tags, *(("origin",) if origin else ()))
    further = f"\n    |> filter(fn: (r) => {more})" if more else ""
    return f"""\
from(bucket: "${{bucket}}")
    |> {_RANGE}
    |> filter(fn: (r) => {where}){narrowed}{further}"""


def metric(name: str, *tags: str) -> str:
    """A metric over the dashboard's range, of the chosen `tags`; without `livepeer_ai_`."""
    return f"""\
from(bucket: "${{bucket}}")
    |> {_RANGE}
    |> filter(fn: (r) => r._measurement == "ai_metric" and r._field == "{name}"){chosen(*tags)}"""


def now(name: str, *tags: str) -> str:
    """The last value of a metric at the end of the range, if it is fresh; needs `import "date"`."""
    return f"""\
from(bucket: "${{bucket}}")
    |> range(start: date.sub(d: {_FRESH}, from: v.timeRangeStop), stop: v.timeRangeStop)
    |> filter(fn: (r) => r._measurement == "ai_metric" and r._field == "{name}"){chosen(*tags)}
    |> last()"""


def before(name: str, *tags: str) -> str:
    """The last value of a metric as the range began, if it was fresh; needs `import "date"`."""
    return f"""\
from(bucket: "${{bucket}}")
    |> range(start: date.sub(d: {_FRESH}, from: v.timeRangeStart), stop: v.timeRangeStart)
    |> filter(fn: (r) => r._measurement == "ai_metric" and r._field == "{name}"){chosen(*tags)}
    |> last()"""


def own(*fields: str) -> str:
    """Fields of the good jobs of the bucket's own testers, whichever of them is chosen.

    What Prometheus' histograms of models have: they name neither tester nor orchestrator.
    """
    good = 'r.outcome == "ok" and r.origin == "own"'
    return jobs(*fields, tags=MODELS, origin=False, more=good)


def quantile(share: float) -> str:
    """The exact quantile of each group, as SQL's `PERCENTILE_CONT`."""
    return f'\n    |> quantile(q: {share:g}, method: "exact_mean")'


def quantiles(share: float) -> str:
    """The exact quantile of each step; null in steps without any."""
    asked = f'(column, tables=<-) => tables |> quantile(q: {share:g}, method: "exact_mean")'
    return windows(asked)


def many_quantiles(share: float, rows: str) -> str:
    """As `quantiles` of grouped rows, of which there are many; defines the stream `quantiles`.

    Needs `import "array"` and `import "date"`. Steps of what is grouped are made row by row, a
    third of a million a second. So both halves of the range are asked, side by side: the server
    gives a query as many cores as it has results, and therefore this one has a second, empty one.
    """
    middle = "time(v: (int(v: v.timeRangeStart) + int(v: v.timeRangeStop)) / 2)"
    return f"""\
array.from(rows: [{{_value: 0.0}}])
    |> filter(fn: (r) => false)
    |> yield(name: "second")

middle = date.truncate(t: {middle}, unit: v.windowPeriod)
steps = (start, stop) => {rows.replace(_RANGE, "range(start: start, stop: stop)")}{quantiles(share)}
quantiles =
    if middle > v.timeRangeStart then
        union(
            tables: [
                steps(start: v.timeRangeStart, stop: middle),
                steps(start: middle, stop: v.timeRangeStop),
            ],
        )
    else
        steps(start: v.timeRangeStart, stop: v.timeRangeStop)
"""


def group(*tags: str) -> str:
    """One group for each combination of tags; one in all without any."""
    return f"\n    |> group(columns: [{listed(tags)}])"


def windows(function: str) -> str:
    """One value a step; null in steps without any, so that curves break there."""
    return f"\n    |> aggregateWindow(every: v.windowPeriod, fn: {function}, createEmpty: true)"


def highest(*by: str) -> str:
    """As `windows("max")` of groups, of rows that are not grouped yet.

    Windows of many groups are made one by one, some 10,000 a second; those of the series are made
    by the storage, and put together here.
    """
    return (
        f"{windows('max')}{keep(*by)}{group(*by)}"
        '\n    |> sort(columns: ["_time", "_value"], desc: true)\n    |> unique(column: "_time")'
    )


def steps(function: str) -> str:
    """One value a step that has any, at its beginning, for what is to be put together by `_time`.

    `gaps` puts it right afterwards.
    """
    return (
        f"\n    |> aggregateWindow(every: v.windowPeriod, fn: {function}, createEmpty: false,"
        ' timeSrc: "_start")'
    )


def highest_steps(*by: str) -> str:
    """As `steps("max")` of groups, of rows that are not grouped yet; see `highest`."""
    return (
        f"{steps('max')}{keep(*by)}{group(*by)}"
        '\n    |> sort(columns: ["_time", "_value"], desc: true)\n    |> unique(column: "_time")'
    )


def grouped(*by: str) -> str:
    """As `group`, without any other column."""
    return keep(*by) + group(*by)


def gaps(*by: str, function: str = "mean") -> str:
    """As `windows`, of values at the beginning of a step."""
    return f"{group(*by)}\n    |> {_RANGE}{windows(function)}"


def keep(*tags: str) -> str:
    """Drops all other columns, which makes what follows several times faster."""
    return f"\n    |> keep(columns: [{listed((*tags, '_time', '_value'))}])"


def mean(rows: str, *by: str, name: str = "rows") -> str:
    """Mean of the rows of a query by at least one tag, from what the storage can add up itself.

    A mean of groups is not pushed down to it, sums and counts are (InfluxDB's planner). `name` is
    that of the function that it defines; queries that have several need different ones.
    """
    parts = ",\n".join(
        f'        {name}(){group(*by)} |> {function} |> set(key: "is", value: "{key}")'
        for key, function in (("sum", "sum()"), ("count", "count() |> toFloat()"))
    ).replace("\n    |>", " |>")
    return f"""\
{name} = () => {rows}

union(
    tables: [
{parts},
    ],
){group(*by)}
    |> pivot(rowKey: [{listed(by)}], columnKey: ["is"], valueColumn: "_value")
    |> map(fn: (r) => ({{r with _value: r.sum / r.count}}))"""


def failed(*more: str, tags: tuple[str, ...] = TARGETS) -> str:
    """Jobs that did not succeed, with the columns `blame`, `success_rate` and the fields `more`.

    Needs `import "influxdata/influxdb/schema"`. Where nobody is to blame there is no such field;
    the metrics call that `none`, too.
    """
    rows = jobs("success_rate", "blame", *more, tags=tags, more='r.outcome != "ok"')
    return f"""\
{rows}
    |> schema.fieldsAsCols()
    |> map(fn: (r) => ({{r with blame: if exists r.blame then r.blame else "none"}}))"""


def listed(tags: tuple[str, ...]) -> str:
    """Names of columns, as Flux lists them."""
    return ", ".join(f'"{tag}"' for tag in tags)

"""How fast it is: against the network, and phase by phase."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, GOOD, PHASES, WARNING
from dashboards.panel import MANY, Panel, Query, Row

_SAME: Final = "pipeline, model_name, region"
_BY: Final = ("pipeline", "model_name", "region")
_TAGS: Final = ("pipeline", "model", "region")
RATIO_STEPS: Final = ((None, GOOD), (1.5, WARNING), (3.0, BAD))


def _own(span: str) -> str:
    return promql.mean_seconds("round_trip", _SAME, span)


def _everybody(span: str) -> str:
    return promql.mean_seconds("round_trip", f"orchestrator_address, {_SAME}", span, promql.NETWORK)


def _network(span: str) -> str:
    return f"quantile by ({_SAME}) (0.5, {_everybody(span)})"


def _only_served(what: str) -> str:
    return f"{what} and on ({_SAME}) group by ({_SAME}) ({_own('$__range')})"


def _ratio(span: str) -> str:
    others = f"count by ({_SAME}) ({_everybody(span)}) > 1"
    return f"{_own(span)} / ({_network(span)} and {others})"


RATIO: Final = _ratio("$__range")
"""Mean round trip by its network's median, where somebody else serves the model, too."""

_TIMES: Final = ("round_trip_time",)
_GOOD: Final = 'r.outcome == "ok"'
_OWN_ROWS: Final = flux.jobs(*_TIMES, more=_GOOD)
_ALL_ROWS: Final = flux.jobs(*_TIMES, tags=flux.NETWORK, more=_GOOD)
_MEDIAN: Final = 'quantile(q: 0.5, method: "exact_mean")'


_PARTS: Final = """\
union(
    tables: [
        own() |> set(key: "is", value: "own"),
        {median} |> set(key: "is", value: "median"),
        {count} |> toFloat() |> set(key: "is", value: "count"),
    ],
)"""


def _compared(tags: tuple[str, ...], condition: str, value: str) -> str:
    """Flux: a value of `r.own`, `r.median` and `r.count` of each combination of tags."""
    listed = ", ".join(f'"{tag}"' for tag in tags)
    return f"""{flux.group()}
    |> pivot(rowKey: [{listed}], columnKey: ["is"], valueColumn: "_value")
    |> filter(fn: (r) => {condition})
    |> map(fn: (r) => ({{r with _value: {value}}}))"""


def _against(value: str, condition: str) -> str:
    parts = _PARTS.format(median=f"everybody() |> {_MEDIAN}", count="everybody() |> count()")
    each = f"{flux.group('orchestrator', *_TAGS)}\n    |> mean(){flux.group(*_TAGS)}"
    return f"""\
own = () => {_OWN_ROWS}{flux.group(*_TAGS)}
    |> mean()

everybody = () => {_ALL_ROWS}{each}

{parts}{_compared(_TAGS, condition, value)}"""


def _against_over_time(value: str, condition: str) -> str:
    """The same for each step; each series by itself is what the storage makes means of."""
    each = f"{flux.steps('mean')}{flux.keep(*_TAGS)}{flux.group(*_TAGS)}"
    median = "everybody()" + flux.steps(f"(tables=<-, column) => tables |> {_MEDIAN}")
    count = "everybody()" + flux.steps("count")
    parts = _PARTS.format(median=median.replace("\n    ", " "), count=count.replace("\n    ", " "))
    return f"""\
own = () => {_OWN_ROWS}{each}{flux.steps("mean")}

everybody = () => {_ALL_ROWS}{each}

{parts}{_compared((*_TAGS, "_time"), condition, value)}{flux.gaps(*_TAGS)}"""


_SEVERAL: Final = "exists r.own and r.count > 1.0"


def ratio_flux() -> str:
    """The same as `RATIO` in Flux."""
    return _against("r.own / r.median", _SEVERAL)


def _column_flux(value: str) -> str:
    return _against(f"r.{value}", "exists r.own")


_AGAINST: Final = Panel(
    title="How fast against the network",
    description="Mean round trip of good jobs, and the median of the same over all orchestrators "
    "that serve the model in the same region (each counts once, this one included). Ratio: below "
    "1 is faster than the median; there is none where nobody else serves the model.",
    kind="table",
    unit="s",
    width=12,
    sort_by="-Ratio",
    queries=(
        Query(name="Here", promql=_own("$__range"), by=_BY, flux=_column_flux("own")),
        Query(
            name="Network's median",
            promql=_only_served(_network("$__range")),
            by=_BY,
            flux=_column_flux("median"),
        ),
        Query(
            name="Ratio",
            unit="suffix: x",
            promql=RATIO,
            by=_BY,
            flux=ratio_flux(),
            steps=RATIO_STEPS,
        ),
        Query(
            name="Orchestrators",
            unit="none",
            promql=_only_served(f"count by ({_SAME}) ({_everybody('$__range')})"),
            by=_BY,
            flux=_column_flux("count"),
        ),
    ),
)
_AGAINST_OVER_TIME: Final = Panel(
    title="Time against the network's median",
    description="Mean round trip of each step as a multiple of the network's median in the same "
    "step, for each model and region. Below 1 is faster.",
    kind="curves",
    unit="suffix: x",
    width=12,
    interval="1h",
    points=MANY,
    least=0,
    queries=(
        Query(
            name="Ratio",
            promql=_ratio("$__rate_interval"),
            by=("model_name", "region", "pipeline"),
            flux=_against_over_time("r.own / r.median", _SEVERAL),
        ),
    ),
)
_PHASES: Final = Panel(
    title="Where the time goes",
    description="Mean of each phase of good jobs, stacked: upload, inference (with the gateway's "
    "way to the orchestrator, where there is a gateway) and download. A gap: no good job.",
    kind="stacked",
    unit="s",
    width=12,
    interval="30m",
    least=0,
    colours=PHASES,
    queries=tuple(
        Query(
            name=phase,
            promql=promql.mean_seconds(phase, "", "$__rate_interval"),
            flux=flux.jobs(f"{phase}_time", more=_GOOD) + flux.group() + flux.windows("mean"),
        )
        for phase in PHASES
    ),
)
_INFERENCE: Final = Panel(
    title="Inference by model",
    description="Mean from the end of the upload to the first byte of the answer, or to the last "
    "token of a stream, of good jobs.",
    kind="curves",
    unit="s",
    width=12,
    interval="30m",
    least=0,
    queries=(
        Query(
            name="Inference",
            promql=promql.mean_seconds("inference", "pipeline, model_name", "$__rate_interval"),
            by=("model_name", "pipeline"),
            flux=flux.jobs("inference_time", more=_GOOD)
            + flux.group("pipeline", "model")
            + flux.windows("mean"),
        ),
    ),
)

ROW: Final = Row(title="How fast", panels=(_AGAINST, _PHASES, _AGAINST_OVER_TIME, _INFERENCE))

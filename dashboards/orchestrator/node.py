"""What go-livepeer says of itself, for those who scrape their nodes into the same Prometheus.

Names and labels as in go-livepeer's `monitor/census.go`. What an orchestrator exports says nothing
of whose it is: the scrape configuration gives it the label `orchestrator_address`.
"""

from typing import Final

from dashboards.panel import Panel, Query, Row

_MINE: Final = "orchestrator_address=~`(?i:${orchestrator:regex})`"
_INSTEAD: Final = (
    "These are go-livepeer's own metrics. They are scraped into Prometheus and are not in "
    "InfluxDB: look at the Prometheus edition of this dashboard."
)


def _panel(title: str, description: str, unit: str, query: Query, width: int = 8) -> Panel:
    return Panel(
        title=title,
        description=description,
        kind="curves",
        unit=unit,
        width=width,
        interval="5m",
        least=0,
        no_value="not scraped",
        queries=(query,),
        instead=_INSTEAD,
    )


def _grown(name: str, by: str) -> str:
    return f"sum by ({by}) (increase(livepeer_{name}{{{_MINE}}}[$__rate_interval]))"


_LATENCY: Final = _panel(
    "How slow do gateways find it?",
    "Latency score that your own gateways give it (go-livepeer with -monitor), for each model: "
    "seconds for a unit of work, lower is better. Only jobs that succeeded.",
    "s",
    Query(
        promql="avg by (pipeline, model_name) "
        f'(livepeer_ai_request_latency_score{{{_MINE},model_name=~"$model"}})',
        flux="",
        by=("model_name", "pipeline"),
    ),
)
_EARNED: Final = _panel(
    "Value of tickets received",
    "Expected value of the tickets that your node received in each step.",
    "suffix: gwei",
    Query(
        name="received",
        promql=_grown("ticket_value_recv", ""),
        flux="",
    ),
)
_ERRORS: Final = _panel(
    "Payments that were refused",
    "Errors of payments that your node received, in each step, by code.",
    "none",
    Query(promql=_grown("payment_recv_errors", "error_code"), flux="", by=("error_code",)),
)

ROW: Final = Row(
    title="What go-livepeer itself says (needs its metrics in Prometheus)",
    panels=(_LATENCY, _EARNED, _ERRORS),
    closed=True,
)

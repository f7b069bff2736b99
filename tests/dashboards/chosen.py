"""Queries as Grafana asks them, of readers that are given by the names of their choices."""

from collections.abc import Mapping

from dashboards import interpolation
from dashboards.interpolation import Asked, Chosen
from exporter.alerting.kept import SERIES

Choices = Mapping[str, tuple[str, ...] | None]
"""Values of the variables; `None`: all."""

STEP = 1800


def flux(query: str, choices: Choices, start: int, stop: int, bucket: str) -> str:
    """A Flux query; `start` and `stop` in Unix seconds."""
    variables = _variables(choices) | {"bucket": Chosen(values=(bucket,))}
    return interpolation.flux(query, variables, Asked(start=start, stop=stop, least=STEP))


def promql(query: str, choices: Choices, seconds: int, prefix: str = SERIES) -> str:
    """A PromQL query about a range of so many seconds, of scraped counters or of kept ones."""
    asked = Asked(start=0, stop=seconds, least=STEP)
    counters = {name: Chosen(values=(prefix,)) for name in ("series", "curves")}
    return interpolation.promql(query, _variables(choices) | counters, asked)


def _variables(choices: Choices) -> dict[str, Chosen]:
    return {
        name: Chosen(everything=True, all_value=".*", multi=True)
        if values is None
        else Chosen(values=values, multi=True)
        for name, values in choices.items()
    }

"""What a question to InfluxDB is about, as its parameters say it: a window, names of tags."""

from typing import Final

from exporter.stores import Where, Window
from exporter.stores.influx_client import Parameters, Record
from exporter.stores.influx_lines import SLACK, tag_value
from exporter.stores.schema import MEASUREMENT, TIMES

Answer = dict[str, list[Record]]
"""The tables of an answer by the name of the result."""

RESULT: Final = "_result"
"""The name of a result that the question gives none."""


def about(window: Window, where: Where, series: str = MEASUREMENT) -> Parameters:
    """The parameters of a question about the rows of a window."""
    within = clamped(window)
    low = within.since // SLACK * SLACK
    return {
        "series": series,
        "since": within.since,
        "until": within.until,
        "low": low,
        "high": max(low, within.until // SLACK * SLACK) + SLACK,
        **narrow(where),
    }


def narrow(where: Where) -> Parameters:
    """The parameters of `narrow.flux`."""
    return {
        "orchestrator": tag_or_any(where.orchestrator),
        "region": tag_or_any(where.region),
        "pipeline": tag_or_any(where.pipeline),
        "model": tag_or_any(where.model),
        "addresses_only": where.addresses_only,
    }


def of_whole_seconds(parameters: Parameters) -> bool:
    """Whether its window begins and ends with a second."""
    since, until = parameters.get("since"), parameters.get("until")
    if not isinstance(since, int) or not isinstance(until, int):
        return False
    return since % SLACK == 0 and (until + 1) % SLACK == 0 and until > since


def clamped(window: Window) -> Window:
    """The window within what a store can hold; one that ends before it begins is empty."""
    since = min(max(window.since, TIMES.start), TIMES.stop - 1)
    return Window(since, max(min(window.until, TIMES.stop - 1), since - 1))


def tag_or_any(name: str | None) -> str:
    """A tag as it is stored; empty for any."""
    return "" if name is None else tag_value(name)

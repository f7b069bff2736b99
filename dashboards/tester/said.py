"""Queries about what a tester says of itself, in both languages."""

from typing import Final

from dashboards import flux, promql
from dashboards.edition import tags
from dashboards.panel import Query

_PREFIX: Final = "livepeer_ai_tester_"
ETHER: Final = 1e18
"""Wei of one ETH."""


def metric(name: str, more: str = "") -> str:
    """PromQL: a metric of the chosen installations, by its name without `livepeer_ai_tester_`."""
    return f"{_PREFIX}{name}{{{promql.TESTER}{more}}}"


def over_time(name: str) -> str:
    """Flux: the same over the dashboard's range."""
    return flux.metric(f"tester_{name}", "installation")


def fresh(name: str) -> str:
    """Flux: its last values, where they are fresh; needs `import "date"`."""
    return flux.now(f"tester_{name}", "installation")


def _grouped(by: tuple[str, ...]) -> tuple[str, str]:
    return f" by ({', '.join(by)}) " if by else "", flux.group(*tags(by))


def _scaled(unit: float) -> tuple[str, str]:
    if unit == 1:
        return "", ""
    return f" / {unit:g}", f"\n    |> map(fn: (r) => ({{r with _value: r._value / {unit:.1f}}}))"


def now(name: str, how: str, title: str = "", by: tuple[str, ...] = (), unit: float = 1) -> Query:
    """The least, greatest, sum, … of a gauge now, in units of `unit`."""
    labels, grouped = _grouped(by)
    by_promql, by_flux = _scaled(unit)
    return Query(
        name=title,
        promql=f"{how}{labels}({metric(name)}){by_promql}",
        by=by,
        flux=f"{flux.DATE}{fresh(name)}{grouped}\n    |> {_IN_FLUX.get(how, how)}(){by_flux}",
    )


def age(name: str, title: str, by: tuple[str, ...] = (), unit: str | None = None) -> Query:
    """How long ago a moment was that a gauge tells; of several the longest."""
    labels, grouped = _grouped(by)
    return Query(
        name=title,
        unit=unit,
        promql=f"time() - min{labels}({metric(name)})",
        by=by,
        flux=f"{flux.DATE}{fresh(name)}{grouped}\n    |> min()"
        f"\n    |> map(fn: (r) => ({{r with _value: {flux.END} - r._value}}))",
    )


def curve(name: str, how: str, title: str = "", by: tuple[str, ...] = ()) -> Query:
    """The least or greatest of a gauge over time."""
    labels, grouped = _grouped(by)
    return Query(
        name=title,
        promql=f"{how}{labels}({metric(name)})",
        by=by,
        flux=over_time(name) + grouped + flux.windows(how),
    )


def summed(name: str, title: str = "", by: tuple[str, ...] = ()) -> Query:
    """The sum of the series of a gauge over time."""
    labels, _ = _grouped(by)
    series = ("tester", "region", *tags(by))
    return Query(
        name=title,
        promql=f"sum{labels}({metric(name)})",
        by=by,
        flux=over_time(name)
        + flux.group(*series)
        + flux.steps("last")
        + flux.group("_time", *tags(by))
        + "\n    |> sum()"
        + flux.gaps(*tags(by)),
    )


def grown(name: str, title: str = "", by: tuple[str, ...] = ()) -> Query:
    """By how much a counter grew over the dashboard's range; restarts are seen."""
    labels, grouped = _grouped(by)
    return Query(
        name=title,
        promql=f"sum{labels}(increase({metric(name)}[$__range]))",
        by=by,
        flux=f"{over_time(name)}\n    |> increase()\n    |> last(){grouped}\n    |> sum()",
    )


def growing(name: str, title: str = "", by: tuple[str, ...] = ()) -> Query:
    """By how much a counter grew in each step."""
    labels, grouped = _grouped(by)
    return Query(
        name=title,
        promql=f"sum{labels}(increase({metric(name)}[$__rate_interval]))",
        by=by,
        flux=f"{over_time(name)}\n    |> difference(nonNegative: true, initialZero: true)"
        f"{grouped}{flux.windows('sum')}",
    )


def of_jobs(share: float, name: str, field: str, title: str) -> Query:
    """A quantile over own jobs, of a histogram in Prometheus and of each job in InfluxDB."""
    buckets = f"increase({metric(f'{name}_bucket')}[$__rate_interval])"
    own = flux.jobs(field, tags=("installation",), origin=False, more='r.origin == "own"')
    return Query(
        name=title,
        promql=f"histogram_quantile({share:g}, sum by (le) ({buckets})) >= 0",
        flux=own + flux.group() + flux.quantiles(share),
    )


_IN_FLUX: Final = {"avg": "mean"}

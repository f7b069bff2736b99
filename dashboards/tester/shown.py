"""Panels over time of the usual size."""

from dashboards.panel import Panel, Query


def curves(
    title: str, description: str, unit: str, *queries: Query, width: int = 8, interval: str = "5m"
) -> Panel:
    """Curves from 0 on."""
    return Panel(
        title=title,
        description=description,
        kind="curves",
        unit=unit,
        width=width,
        height=7,
        interval=interval,
        least=0,
        queries=queries,
    )


def columns(title: str, description: str, *queries: Query, width: int = 8) -> Panel:
    """Stacked columns of counts, one for each quarter of an hour or more."""
    return Panel(
        title=title,
        description=description,
        kind="columns",
        unit="none",
        width=width,
        height=7,
        interval="15m",
        least=0,
        queries=queries,
    )

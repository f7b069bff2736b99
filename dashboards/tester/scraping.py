"""Whether Prometheus gets what the processes say, and what it makes of it."""

from typing import Final

from dashboards import promql
from dashboards.colours import BAD, GOOD
from dashboards.panel import Panel, Query, Row

_INSTEAD: Final = (
    "This is about Prometheus' scrapes. With InfluxDB the station writes by itself: see **Last "
    "heard of** and **Consumers** above."
)


def _of_jobs(metric: str, how: str) -> Query:
    return Query(
        promql=f"{how} by (job, instance) ({metric}{{{promql.TESTER}}})",
        by=("job", "instance"),
        flux="",
    )


_UP: Final = Panel(
    title="Station and probe answer",
    description="Whether each process answered each scrape: `livepeer-exporter` is the station, "
    "`livepeer-exporter-probe` the probe.",
    kind="timeline",
    unit="none",
    width=12,
    height=7,
    values=((0, "down", BAD), (1, "up", GOOD)),
    steps=((None, BAD), (1, GOOD)),
    queries=(_of_jobs("up", "min"),),
    instead=_INSTEAD,
)
_TOOK: Final = Panel(
    title="How long scrapes take",
    description="Duration of the scrapes of each process. A scrape that takes longer than "
    "`scrape_timeout` (10 s) fails.",
    kind="curves",
    unit="s",
    width=6,
    height=7,
    least=0,
    queries=(_of_jobs("scrape_duration_seconds", "max"),),
    instead=_INSTEAD,
)
_SAMPLES: Final = Panel(
    title="Samples of a scrape",
    description="How many samples each scrape has: about 25 for each target, region and tester.",
    kind="curves",
    unit="none",
    width=6,
    height=7,
    least=0,
    queries=(_of_jobs("scrape_samples_scraped", "max"),),
    instead=_INSTEAD,
)

ROW: Final = Row(title="Prometheus' scrapes", panels=(_UP, _TOOK, _SAMPLES), closed=True)

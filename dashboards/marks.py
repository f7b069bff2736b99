"""What is marked on every curve: spells of failures, and changes of the tester itself."""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, PURPLE
from dashboards.panel import Mark

SPELL: Final = 3
"""Consecutive failures from which on they are a spell; what the alert begins with, too."""

FAILING: Final = Mark(
    name="Consecutive failures",
    promql=f"livepeer_ai_job_consecutive_failures{{{promql.TARGET}}} >= {SPELL}",
    flux=f"""\
{flux.metric("job_consecutive_failures", *flux.TARGETS)}
    |> filter(fn: (r) => r._value >= {SPELL}.0)
    |> aggregateWindow(every: 5m, fn: max, createEmpty: false)
    |> map(
        fn: (r) => ({{
            _time: r._time,
            text: string(v: int(v: r._value)) + " failures in a row: " + r.model + " of "
                + r.orchestrator,
        }}),
    )""",
    title="{{model_name}} of {{orchestrator_address}} fails in a row",
    colour=BAD,
)

CONFIGURATION: Final = Mark(
    name="Configuration of the tester",
    promql=(
        'count by (digest) (livepeer_ai_tester_settings_info{job=~"livepeer-exporter.*"}) '
        'unless count by (digest) (livepeer_ai_tester_settings_info{job=~"livepeer-exporter.*"} '
        "offset 5m)"
    ),
    flux="""\
import "date"

from(bucket: "${bucket}")
    |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
    |> filter(fn: (r) => r._measurement == "ai_metric" and r._field == "tester_settings_digest")
    |> group(columns: ["tester", "region", "_value"])
    |> sort(columns: ["_time"])
    |> limit(n: 1)
    |> group()
    |> filter(fn: (r) => r._time > date.add(d: 6m, to: v.timeRangeStart))
    |> map(fn: (r) => ({_time: r._time, text: "New settings: " + r._value}))""",
    title="New settings: {{digest}}",
    colour=PURPLE,
)

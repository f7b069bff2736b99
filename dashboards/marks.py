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

_DIGEST: Final = f"livepeer_ai_tester_settings_info{{{promql.ANY_TESTER}}}"
_BEFORE: Final = f"last_over_time({_DIGEST}[1h] offset 5m)"
CONFIGURATION: Final = Mark(
    name="Configuration of the tester",
    # After a gap in the scrapes what is the same is not new, and nor is it where nothing is known.
    promql=f"count by (digest) ({_DIGEST}) unless count by (digest) ({_BEFORE}) "
    f"and on () count({_BEFORE})",
    flux="""\
from(bucket: "${bucket}")
    |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
    |> filter(fn: (r) => r._measurement == "ai_metric" and r._field == "tester_settings_digest")
    |> group(columns: ["tester", "region", "_value"])
    |> sort(columns: ["_time"])
    |> limit(n: 1)
    |> group(columns: ["tester", "region"])
    |> sort(columns: ["_time"])
    |> limit(n: 1000, offset: 1)
    |> group()
    |> map(fn: (r) => ({_time: r._time, text: "New settings: " + r._value}))""",
    title="New settings: {{digest}}",
    colour=PURPLE,
)

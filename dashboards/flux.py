"""Pieces that Flux queries are put together from."""

from typing import Final

TARGETS: Final = ("orchestrator", "pipeline", "model", "region", "tester")
"""Tags of `ai_job` that have a variable of the same name."""

_FRESH: Final = "15m"
"""How old the last value of `ai_metric` may be to be true now; it is written every 5 minutes."""


def chosen(*tags: str) -> str:
    """Keeps the rows of what is chosen in the variables of these names."""
    return "".join(f"\n    |> filter(fn: (r) => r.{tag} =~ /^${{{tag}:regex}}$/)" for tag in tags)


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
    |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
    |> filter(fn: (r) => {where}){narrowed}{further}"""


def metric(name: str, *tags: str) -> str:
    """A metric over the dashboard's range, of the chosen `tags`; without `livepeer_ai_`."""
    return f"""\
from(bucket: "${{bucket}}")
    |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
    |> filter(fn: (r) => r._measurement == "ai_metric" and r._field == "{name}"){chosen(*tags)}"""


def now(name: str, *tags: str) -> str:
    """The last value of a metric at the end of the range, if it is fresh; needs `import "date"`."""
    return f"""\
from(bucket: "${{bucket}}")
    |> range(start: date.sub(d: {_FRESH}, from: v.timeRangeStop), stop: v.timeRangeStop)
    |> filter(fn: (r) => r._measurement == "ai_metric" and r._field == "{name}"){chosen(*tags)}
    |> last()"""

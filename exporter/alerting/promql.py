"""Pieces that the rules' PromQL is made of: what is asked before anybody is alerted.

A restart of the exporter leaves its series without samples for a while. `last_over_time` bridges
that: a value that was told stands until there is a new one, or until it is too old.
"""

from typing import Final

from exporter.alerting.scope import Scope
from exporter.alerting.thresholds import HOUR, Thresholds

TARGET: Final = "orchestrator_address, pipeline, model_name, region, tester"
SERIES: Final = f"job, instance, {TARGET}"
VANTAGE: Final = "job, instance, region, tester"
INSTALLATION: Final = "job, instance"

_ATTEMPT: Final = "livepeer_ai_job_last_attempt_timestamp_seconds"
_MAINTENANCE: Final = "livepeer_ai_orchestrator_maintenance"
_OURS: Final = "livepeer_ai_tester_maintenance"
_REPORT: Final = 6 * HOUR
"""Seconds for which who reports about a target is remembered: after a restart that is unknown until
the next report."""


def duration(seconds: int) -> str:
    """Seconds as PromQL writes them, in the largest unit that fits."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def held(metric: str, seconds: int) -> str:
    """The last value of a metric, over gaps of so many seconds."""
    return f"last_over_time({metric}[{duration(seconds)}])"


def about_jobs(condition: str, at: Thresholds, scope: Scope, *, window: int = 0) -> str:
    """A condition on targets, if their results may alert, are fresh, and nobody is at work there.

    `window`: seconds over which the condition looks back; with them it holds only for windows
    without maintenance. Without, a target must have been tested since the maintenance.
    """
    return f"""\
{condition}
and on ({SERIES})
  {held("livepeer_ai_job_info" + scope.of(_origins(scope)), _report(at, scope))}
and on ({SERIES})
  (time() - {held(_ATTEMPT + scope.of(), at.gap)} < {at.target_stale})
and on ({VANTAGE})
  (time() - max by ({VANTAGE}) ({held(_ATTEMPT, at.gap)}) < {2 * at.untested})
{out_of_maintenance(at, window)}{"" if window else _tested_since(at, scope)}"""


def out_of_maintenance(at: Thresholds, window: int = 0) -> str:
    """That no maintenance of the orchestrator, or of the tester, is or was lately."""
    span = duration(max(window, at.gap))
    return f"""\
unless on (orchestrator_address)
  max_over_time({_MAINTENANCE}[{span}])
{not_ours(at, window)}"""


def not_ours(at: Thresholds, window: int = 0) -> str:
    """That the tester itself is not, and was not lately, under maintenance."""
    span = duration(max(window, at.gap))
    return f"""\
unless on (instance)
  (max_over_time({_OURS}[{span}]) == 1)"""


def _tested_since(at: Thresholds, scope: Scope) -> str:
    """That the target was tested after the last maintenance: a streak may be of that time."""
    attempt, span = held(_ATTEMPT + scope.of(), at.gap), duration(at.target_stale)
    return f"""
unless on ({SERIES})
  (
    {attempt}
    <= on (orchestrator_address) group_left ()
    max by (orchestrator_address) (max_over_time(timestamp({_MAINTENANCE})[{span}:1m]))
  )
unless on ({SERIES})
  (
    {attempt}
    <= on (instance) group_left ()
    max by (instance) (max_over_time(timestamp({_OURS} == 1)[{span}:1m]))
  )"""


def _origins(scope: Scope) -> str:
    return f'origin=~"{"|".join(scope.origins)}"'


def _report(at: Thresholds, scope: Scope) -> int:
    return at.gap if scope.origins == ("own",) else max(at.gap, _REPORT)

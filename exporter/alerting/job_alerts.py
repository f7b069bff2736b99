"""Alerts for orchestrators by what test jobs showed. Only jobs with their blame count."""

from collections.abc import Iterator

from exporter.alerting.promql import SERIES, about_jobs, duration, held
from exporter.alerting.rule import Alert, Audience, Group, Severity
from exporter.alerting.scope import Scope
from exporter.alerting.thresholds import Thresholds

_TARGET = "{{ $labels.model_name }} ({{ $labels.pipeline }}) of {{ $labels.orchestrator_address }}"
_FROM = "Measured from {{ $labels.region }} by {{ $labels.tester }}."
_WHY = (
    "Each failed job with its reason: /jobs?orchestrator={{ $labels.orchestrator_address }}"
    "&outcome=failed on the tester's station."
)


def job_alerts(at: Thresholds, scope: Scope) -> Iterator[Alert]:
    """In a row, by share, by latency."""
    for severity, failures in (
        (Severity.WARNING, at.consecutive_warning),
        (Severity.CRITICAL, at.consecutive_critical),
    ):
        yield _consecutive(severity, failures, at, scope)
    for severity, share in (
        (Severity.WARNING, at.success_warning),
        (Severity.CRITICAL, at.success_critical),
    ):
        yield _success(severity, share, at, scope)
    yield _slower_than_before(at, scope)
    yield _slower_than_others(at, scope)


def _consecutive(severity: Severity, failures: int, at: Thresholds, scope: Scope) -> Alert:
    streak = held(f"livepeer_ai_job_consecutive_failures{scope.of()}", at.gap)
    return Alert(
        name="LivepeerAiConsecutiveFailures",
        group=Group.JOBS,
        severity=severity,
        audience=Audience.ORCHESTRATOR,
        expr=about_jobs(f"{streak} >= {failures}", at, scope),
        summary=f"{_TARGET} failed {{{{ $value }}}} tests in a row",
        description=(
            "{{ $value }} test jobs in a row failed by the orchestrator's own doing; "
            f"{failures} or more is {severity}. {_FROM} Failures that were the gateway's, the "
            f"network's or the tester's are not among them. {_WHY}"
        ),
    )


def _success(severity: Severity, share: float, at: Thresholds, scope: Scope) -> Alert:
    span = duration(at.success_window)
    good = f"increase(livepeer_ai_job_successes_total{scope.of()}[{span}])"
    bad = f"increase(livepeer_ai_job_orchestrator_failures_total{scope.of()}[{span}])"
    condition = f"""\
(
  {good}
  / ({good} + {bad})
) < {share:g}
and
  ({good} + {bad} >= {at.success_samples})"""
    return Alert(
        name="LivepeerAiSuccessLow",
        group=Group.JOBS,
        severity=severity,
        audience=Audience.ORCHESTRATOR,
        expr=about_jobs(condition, at, scope, window=at.success_window),
        summary=f"Only {{{{ $value | humanizePercentage }}}} of the tests of {_TARGET} are good",
        description=(
            f"Of at least {at.success_samples} test jobs in {span}, {{{{ $value | "
            f"humanizePercentage }}}} were good; below {share:.0%} is {severity}. {_FROM} Only "
            f"failures by the orchestrator's own doing count. {_WHY}"
        ),
    )


def _latency(at: Thresholds, whose: str) -> str:
    """The median inference time of late, where there are enough good jobs.

    Inference alone: upload and download are the network's, too. `whose`: label matchers.
    """
    span = duration(at.latency_window)
    return f"""\
(
    quantile_over_time(0.5, livepeer_ai_job_last_inference_seconds{whose}[{span}])
    and on ({SERIES})
    (increase(livepeer_ai_job_successes_total{whose}[{span}]) >= {at.latency_samples})
  )"""


def _slower_than_before(at: Thresholds, scope: Scope) -> Alert:
    now, span = _latency(at, scope.of()), duration(at.latency_window)
    before = (
        f"quantile_over_time(0.5, livepeer_ai_job_last_inference_seconds{scope.of()}"
        f"[{duration(at.latency_past)}] offset {span})"
    )
    enough = (
        f"increase(livepeer_ai_job_successes_total{scope.of()}[{duration(at.latency_past)}] "
        f"offset {span}) >= {3 * at.latency_samples}"
    )
    condition = f"""\
(
  {now}
  / {before}
) > {at.latency_past_factor:g}
and on ({SERIES})
  ({now} - {before} > {at.latency_excess:g})
and on ({SERIES})
  ({enough})"""
    return Alert(
        name="LivepeerAiSlowerThanBefore",
        group=Group.LATENCY,
        severity=Severity.WARNING,
        audience=Audience.ORCHESTRATOR,
        expr=about_jobs(condition, at, scope, window=at.latency_window),
        pending=at.latency_for,
        summary=f'{_TARGET} takes {{{{ printf "%.1f" $value }}}} times as long as before',
        description=(
            f"The median inference time of the last {span} is {{{{ printf "
            f'"%.1f" $value }}}} times that of the {duration(at.latency_past)} before; more than '
            f"{at.latency_past_factor:g} is a warning. {_FROM} It ends by itself when this has "
            "become usual."
        ),
    )


def _slower_than_others(at: Thresholds, scope: Scope) -> Alert:
    mine, everybody = _latency(at, scope.of()), _latency(at, "")
    model = "pipeline, model_name, region, tester"
    span = duration(at.latency_window)
    condition = f"""\
(
  {mine}
  / on ({model}) group_left ()
  quantile by ({model}) (0.5, {everybody})
) > {at.latency_network_factor:g}
and on ({SERIES})
  (
  {mine}
  - on ({model}) group_left ()
  quantile by ({model}) (0.5, {everybody})
  > {at.latency_excess:g}
  )
and on ({model})
  (count by ({model}) ({everybody}) >= {at.latency_peers})"""
    return Alert(
        name="LivepeerAiSlowerThanOthers",
        group=Group.LATENCY,
        severity=Severity.WARNING,
        audience=Audience.ORCHESTRATOR,
        expr=about_jobs(condition, at, scope, window=at.latency_window),
        pending=at.latency_for,
        summary=(
            f'{_TARGET} takes {{{{ printf "%.1f" $value }}}} times as long as the network\'s median'
        ),
        description=(
            f"The median inference time of the last {span} is {{{{ printf "
            f'"%.1f" $value }}}} times the median of all orchestrators that the same tester tests '
            f"on this model from {{{{ $labels.region }}}}; more than "
            f"{at.latency_network_factor:g} is a warning. Tester: {{{{ $labels.tester }}}}."
        ),
    )

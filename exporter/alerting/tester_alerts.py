"""Alerts for the tester's operator: whether it tests, and on time."""

from collections.abc import Iterator
from typing import Final

from exporter.alerting.promql import INSTALLATION, VANTAGE, duration, held, not_ours
from exporter.alerting.rule import Alert, Audience, Group, Severity
from exporter.alerting.scope import Scope
from exporter.alerting.thresholds import Thresholds

_HERE: Final = "{{ $labels.instance }}"
IN_VAIN: Final = ("tester_errors", "elsewhere", "unknown")
"""What jobs came to that say nothing of orchestrators, as `last_round_jobs` has it."""
_LAG: Final = "{{ $value | humanizeDuration }}"


def operator_alert(
    name: str,
    severity: Severity,
    condition: str,
    at: Thresholds,
    *,
    group: Group = Group.TESTER,
    pending: int = 0,
    summary: str,
    description: str,
) -> Alert:
    """An alert for the operator, which a maintenance of the tester keeps quiet."""
    return Alert(
        name=name,
        group=group,
        severity=severity,
        audience=Audience.OPERATOR,
        expr=f"{condition}\n{not_ours(at)}",
        pending=pending,
        summary=summary,
        description=description,
    )


def tester_alerts(at: Thresholds, scope: Scope) -> Iterator[Alert]:
    """Down, blind, idle, late, or not to be trusted."""
    yield from _scraping(at, scope)
    yield _network(at)
    yield _nothing_tested(at)
    yield from _late(at)
    yield _timing(at)
    yield _in_vain(at)
    yield _series(at)


def _scraping(at: Thresholds, scope: Scope) -> Iterator[Alert]:
    yield operator_alert(
        "LivepeerAiTesterDown",
        Severity.CRITICAL,
        f'up{{job=~"{scope.job}"}} == 0',
        at,
        pending=at.down_for,
        summary=f"{{{{ $labels.job }}}} at {_HERE} does not answer",
        description=(
            "Prometheus gets no metrics from this process. Where it is the one that tests (the "
            "probe), nothing is measured; where it is the station, nobody sees what is."
        ),
    )
    yield Alert(
        name="LivepeerAiNotScraped",
        group=Group.TESTER,
        severity=Severity.WARNING,
        audience=Audience.OPERATOR,
        expr=f'absent(up{{job=~"{scope.job}"}})',
        pending=at.gap,
        summary="Prometheus scrapes no livepeer-exporter",
        description=(
            f"No scrape job has a name that matches {scope.job}: none of the other alerts can "
            "fire. Name the job so, or export the rules with --job."
        ),
    )


def _network(at: Thresholds) -> Alert:
    return operator_alert(
        "LivepeerAiNetworkDown",
        Severity.CRITICAL,
        f"{held('livepeer_ai_tester_network_up', at.down_for)} == 0",
        at,
        pending=at.network_for,
        summary=f"The tester's own network at {_HERE} is down",
        description=(
            "The connectivity check fails: jobs are left out, and nobody is blamed. All other "
            "alerts of this tester are muted meanwhile."
        ),
    )


def _nothing_tested(at: Thresholds) -> Alert:
    attempt = held("livepeer_ai_job_last_attempt_timestamp_seconds", at.gap)
    own = held('livepeer_ai_job_info{origin="own"}', at.gap)
    last = f"max by ({INSTALLATION}) ({attempt} and on ({VANTAGE}) {own})"
    supply, long = "livepeer_ai_tester_supply_timestamp_seconds", duration(at.untested)
    return operator_alert(
        "LivepeerAiNothingTested",
        Severity.CRITICAL,
        f"""\
(
  (time() - {last} > {at.untested})
  or
  (
    count by ({INSTALLATION}) (
      {held(supply, at.gap)} and last_over_time({supply}[{duration(at.gap)}] offset {long})
    )
    unless on ({INSTALLATION}) {last}
  )
)
and on ({INSTALLATION}) {held("livepeer_ai_tester_source_up", at.gap)}""",
        at,
        pending=at.gap,
        summary=f"{_HERE} has tested nobody lately",
        description=(
            "No test job has ended within the time that is allowed, or never. Orchestrators are "
            "not alerted meanwhile. /readyz of station and probe says what is in the way."
        ),
    )


def _late(at: Thresholds) -> Iterator[Alert]:
    late = "livepeer_ai_tester_cycle_lateness_seconds"
    lateness = held(late, at.gap)
    yield operator_alert(
        "LivepeerAiCyclesLate",
        Severity.WARNING,
        f"quantile by ({INSTALLATION}) (0.5, {lateness}) > {at.late}",
        at,
        pending=at.late_for,
        summary=f"Half of the cycles at {_HERE} begin {{{{ $value | humanizeDuration }}}} late",
        description=(
            "There are more jobs than lanes can run in the interval: the pace of the measurements "
            "is not what the settings say. More lanes, a longer interval, or fewer targets help."
        ),
    )
    missed = "livepeer_ai_tester_cycles_missed_total"
    yield operator_alert(
        "LivepeerAiCyclesMissed",
        Severity.WARNING,
        f"""\
(
  count by ({INSTALLATION}) (
    increase({missed}[1h]) > 0
    or
    ({missed} unless {missed} offset 1h and {late} offset 1h)
  )
  / count by ({INSTALLATION}) ({lateness})
) > {at.missed_share:g}""",
        at,
        pending=at.gap,
        summary=(
            f"{{{{ $value | humanizePercentage }}}} of the orchestrators at {_HERE} missed a cycle"
        ),
        description=(
            "Within an hour their cycle was left out since the one before was not done. One "
            "that hangs misses its own; when many do, lanes are too few, or the interval is short."
        ),
    )


def _timing(at: Thresholds) -> Alert:
    lag = "livepeer_ai_tester_job_loop_lag_seconds_bucket"
    return operator_alert(
        "LivepeerAiTimingBad",
        Severity.WARNING,
        f"histogram_quantile(0.9, sum by ({INSTALLATION}, le) (rate({lag}[1h]))) > {at.lag:g}",
        at,
        pending=at.late_for,
        summary=f"A tenth of the jobs at {_HERE} are timed no better than {_LAG}",
        description=(
            "In a tenth of the jobs of the last hour the probe's event loop was late by so much: "
            "times are no better than that. The machine is too busy, or too small."
        ),
    )


def _in_vain(at: Thresholds) -> Alert:
    jobs = "livepeer_ai_tester_last_round_jobs"
    vain = f'{jobs}{{state=~"{"|".join(IN_VAIN)}"}}'
    return operator_alert(
        "LivepeerAiTestsInVain",
        Severity.WARNING,
        f"""\
(
  sum by ({INSTALLATION}) ({held(vain, at.gap)})
  / sum by ({INSTALLATION}) ({held(f'{jobs}{{state="done"}}', at.gap)})
) > {at.errors_share:g}""",
        at,
        pending=at.gap,
        summary=f"{{{{ $value | humanizePercentage }}}} of the jobs at {_HERE} say nothing",
        description=(
            "In the round that ended last, so many jobs failed by the tester's, the gateway's or "
            "the network's doing, or nobody knows by whose. They blame nobody, and tell nothing."
        ),
    )


def _series(at: Thresholds) -> Alert:
    own = "increase(livepeer_ai_tester_targets_refused_total[1h])"
    reported = "increase(livepeer_ai_tester_reported_targets_refused_total[1h])"
    return operator_alert(
        "LivepeerAiSeriesLimit",
        Severity.WARNING,
        f"({own} > 0 or {reported} > 0)",
        at,
        summary=f"{_HERE} has too many targets for its metrics",
        description=(
            "Targets, or results that others report, have no series: neither dashboards nor "
            "alerts know of them. Everything is still measured and stored."
        ),
    )

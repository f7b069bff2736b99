"""Questions about what test jobs showed, as `job_alerts` has them for Prometheus."""

from collections.abc import Iterator
from typing import Final

from exporter.alerting.flux import GAP, LAST, NOW, TARGET, TESTER, Question, Source, grouped, joined
from exporter.alerting.flux import listed as names
from exporter.alerting.rule import Severity
from exporter.alerting.thresholds import MINUTE, Thresholds

_LIVING: Final = "\n    |> filter(fn: (r) => contains(value: r.tester, set: alive))"
"""Of the testers that `_alive` found."""
_UNSEEN: Final = 6 * MINUTE
"""Seconds by which a maintenance may end later than its last point."""


def job_questions(at: Thresholds, source: Source) -> Iterator[Question]:
    """In a row, by share, by latency."""
    yield from _consecutive(at, source)
    yield from _success(at, source)
    yield _slower_than_before(at, source)
    yield _slower_than_others(at, source)


def _alive(at: Thresholds, source: Source) -> str:
    """The testers that tested anybody lately: what others say is of a time that is past."""
    return f"""\
alive = {source.metric("job_last_attempt_timestamp_seconds", GAP)}
    |> {grouped(TESTER)}
    |> max()
    |> filter(fn: (r) => {NOW} - r._value < {at.untested}.0)
    |> group()
    |> findColumn(fn: (key) => true, column: "tester")
"""


def _since_maintenance(at: Thresholds, source: Source) -> str:
    """When each target was `tested`, and those that were not since a maintenance (`untried`)."""
    target = "(r) => " + ' + "|" + '.join(f"r.{tag}" for tag in TARGET)
    return f"""\
target = {target}
tested = {source.jobs("started_at", at.target_stale)}
    |> {grouped(TARGET)}
    |> max()
    |> group()
    |> keep(columns: [{names(TARGET)}, "_value"])
lastServiced = {_over(source.metric("orchestrator_maintenance", at.target_stale), "orchestrator")}
rested = {_over(source.metric("tester_maintenance", at.target_stale), "tester")}
resters = rested |> findColumn(fn: (key) => true, column: "tester")
{source.followed("resters", "resterHosts")}\
lastResting = union(tables: [rested, {_followed_rested(source)}])
{_untried("Serviced", "orchestrator")}{_untried("Resting", "tester")}"""


def _over(maintenance: str, tag: str) -> str:
    """When the last maintenance of each was over, Unix nanoseconds."""
    return f"""\
{maintenance}
    |> filter(fn: (r) => r._value == 1.0)
    |> group(columns: ["{tag}"])
    |> {LAST}
    |> map(fn: (r) => ({{{tag}: r.{tag}, _value: int(v: r._time) + {_UNSEEN}000000000}}))
    |> group()"""


def _followed_rested(source: Source) -> str:
    """The same of leaderboards: the first moment at which any of their followers was back."""
    return f"""\
join(tables: {{who: {source.follows()}, work: rested}}, on: ["tester"])
    |> filter(fn: (r) => contains(value: r.source, set: resterHosts))
    |> map(fn: (r) => ({{tester: r.source, _value: r._value_work}}))
    |> group(columns: ["tester"])
    |> min()
    |> group()"""


def _untried(name: str, tag: str) -> str:
    return f"""\
untried{name} = join(tables: {{job: tested, work: last{name}}}, on: ["{tag}"])
    |> filter(fn: (r) => r._value_job <= r._value_work)
    |> map(fn: (r) => ({{target: target(r: r)}}))
    |> findColumn(fn: (key) => true, column: "target")
"""


def _consecutive(at: Thresholds, source: Source) -> Iterator[Question]:
    streak = source.now("job_consecutive_failures", TARGET)
    flux = f"""\
{_alive(at, source)}{_since_maintenance(at, source)}
{joined(TARGET, "r._value_streak", streak=streak, tested="tested")}
    |> filter(fn: (r) => not contains(value: target(r: r), set: untriedServiced))
    |> filter(fn: (r) => not contains(value: target(r: r), set: untriedResting)){_LIVING}"""
    for severity, failures in (
        (Severity.WARNING, at.consecutive_warning),
        (Severity.CRITICAL, at.consecutive_critical),
    ):
        yield Question(
            name="LivepeerAiConsecutiveFailures",
            severity=severity,
            tags=TARGET,
            flux=flux,
            above=failures - 0.5,
        )


def _success(at: Thresholds, source: Source) -> Iterator[Question]:
    flux = f"""\
{_alive(at, source)}
{source.jobs("scored_success", at.success_window)}
    |> filter(fn: (r) => r._value >= 0.0)
    |> {grouped(TARGET)}
    |> reduce(
        identity: {{n: 0, sum: 0.0}},
        fn: (r, accumulator) => ({{n: accumulator.n + 1, sum: accumulator.sum + r._value}}),
    )
    |> filter(fn: (r) => r.n >= {at.success_samples})
    |> map(fn: (r) => ({{r with _value: r.sum / float(v: r.n)}})){_LIVING}"""
    for severity, share in (
        (Severity.WARNING, at.success_warning),
        (Severity.CRITICAL, at.success_critical),
    ):
        yield Question(
            name="LivepeerAiSuccessLow",
            severity=severity,
            tags=TARGET,
            flux=flux,
            below=share,
            window=at.success_window,
        )


def _times(source: Source, seconds: int, until: int = 0) -> str:
    """Inference times of good jobs. Upload and download are the network's, too."""
    return (
        f"{source.jobs('inference_time', seconds, until)}\n"
        '    |> filter(fn: (r) => r.outcome == "ok")\n'
        f"    |> {grouped(TARGET)}"
    )


def _present(at: Thresholds, source: Source) -> str:
    """The median of late (`here`), and the targets with enough jobs for one (`known`)."""
    return (
        f"{_alive(at, source)}"
        f"present = () => {_times(source, at.latency_window)}\n"
        f"known = present() |> count() |> filter(fn: (r) => r._value >= "
        f"{at.latency_samples}) |> group()\n"
        'here = () => present() |> quantile(q: 0.5, method: "exact_mean") |> group()\n'
    )


def _slower_than_before(at: Thresholds, source: Source) -> Question:
    window = at.latency_window
    flux = f"""\
{_present(at, source)}past = () => {_times(source, window + at.latency_past, window)}
plenty = past() |> count() |> filter(fn: (r) => r._value >= {3 * at.latency_samples})
there = past() |> quantile(q: 0.5, method: "exact_mean") |> group()

union(
    tables: [
        known |> toFloat() |> set(key: "is", value: "known"),
        plenty |> group() |> toFloat() |> set(key: "is", value: "plenty"),
        here() |> set(key: "is", value: "here"),
        there |> set(key: "is", value: "there"),
    ],
)
    |> pivot(rowKey: [{names(TARGET)}], columnKey: ["is"], valueColumn: "_value")
    |> filter(fn: (r) => exists r.known and exists r.plenty)
    |> filter(fn: (r) => exists r.here and exists r.there)
    |> filter(fn: (r) => r.here - r.there > {at.latency_excess})
    |> map(fn: (r) => ({{r with _value: r.here / r.there}})){_LIVING}"""
    return Question(
        name="LivepeerAiSlowerThanBefore",
        severity=Severity.WARNING,
        tags=TARGET,
        flux=flux,
        above=at.latency_past_factor,
        window=window,
    )


def _slower_than_others(at: Thresholds, source: Source) -> Question:
    same = ("pipeline", "model", "region", "tester")
    flux = f"""\
{_present(at, source)}mine = {joined(TARGET, "r._value_here", here="here()", known="known")}
all = () => mine |> {grouped(same)}
there = all() |> quantile(q: 0.5, method: "exact_mean")
peers = all() |> count() |> filter(fn: (r) => r._value >= {at.latency_peers})
network = {joined(same, "r._value_there", there="there", peers="peers")}

join(tables: {{mine: mine, network: network}}, on: [{names(same)}])
    |> filter(fn: (r) => r._value_mine - r._value_network > {at.latency_excess})
    |> map(fn: (r) => ({{r with _value: r._value_mine / r._value_network}})){_LIVING}"""
    return Question(
        name="LivepeerAiSlowerThanOthers",
        severity=Severity.WARNING,
        tags=TARGET,
        flux=flux,
        above=at.latency_network_factor,
        window=at.latency_window,
    )

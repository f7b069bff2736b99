"""Questions about whether the tester tests, and on time, as `tester_alerts` has them."""

from collections.abc import Iterator
from typing import Final

from exporter.alerting.flux import (
    AGE,
    GAP,
    NOW,
    TESTER,
    Question,
    Source,
    any_of,
    grouped,
    joined,
    listed,
)
from exporter.alerting.flux_surroundings import budget_reached
from exporter.alerting.rule import Severity
from exporter.alerting.tester_alerts import IN_VAIN
from exporter.alerting.thresholds import DAY, HOUR, Thresholds

_WHO: Final = (*TESTER, "orchestrator")


def tester_questions(at: Thresholds, source: Source) -> Iterator[Question]:
    """Down, blind, idle, late, or not to be trusted."""
    yield _down(at, source)
    yield _network(source)
    yield _nothing_tested(at, source)
    yield _late(at, source)
    yield _missed(at, source)
    yield _timing(at, source)
    yield _in_vain(at, source)
    yield _series(source)


def _down(at: Thresholds, source: Source) -> Question:
    flux = f"""\
{source.resting()}
{source.now("tester_targets", TESTER, DAY)}
    |> map(fn: (r) => ({{r with _value: {NOW} - float(v: int(v: r._time)) / 1000000000.0}}))
    |> map(fn: (r) => ({{r with
        _value: if contains(value: r.tester, set: resting) then 0.0 else r._value,
    }}))"""
    return Question(
        name="LivepeerAiTesterDown",
        severity=Severity.CRITICAL,
        tags=TESTER,
        flux=flux,
        above=float(at.down_for),
        muted=False,
        local=True,
        no_data="Alerting",
        pending=0,
        summary="The station of {{ $labels.tester }} writes nothing into InfluxDB",
        description=(
            "Its metrics are as old as that. Either the station does not run, or InfluxDB takes "
            "nothing from it; its log and /readyz say which. Orchestrators are not alerted "
            "meanwhile."
        ),
    )


def _network(source: Source) -> Question:
    return Question(
        name="LivepeerAiNetworkDown",
        severity=Severity.CRITICAL,
        tags=TESTER,
        flux=source.now("tester_network_up", TESTER),
        below=0.5,
        local=True,
    )


def _nothing_tested(at: Thresholds, source: Source) -> Question:
    """Of the testers that look for targets; who is followed, or posts, does not do so here."""
    supply = "tester_supply_timestamp_seconds"
    flux = f"""\
looking = {source.testers("tester_source_up")}
{budget_reached(source)}
spent = reached
    |> filter(fn: (r) => r._value >= 1.0)
    |> group()
    |> findColumn(fn: (key) => true, column: "tester")
latest = {source.metric("job_last_attempt_timestamp_seconds", GAP)}
    |> {grouped(TESTER)}
    |> max(){AGE}
    |> keep(columns: [{listed(TESTER)}, "_value"])
    |> group()
tested = latest |> findColumn(fn: (key) => true, column: "tester")
long = {source.testers(supply, seconds=at.untested + GAP, until=at.untested)}
never = {source.now(supply, TESTER)}
    |> filter(fn: (r) => contains(value: r.tester, set: long))
    |> filter(fn: (r) => not contains(value: r.tester, set: tested))
    |> map(fn: (r) => ({{tester: r.tester, region: r.region, _value: {at.untested + 1}.0}}))
    |> group()

union(tables: [latest, never])
    |> filter(fn: (r) => contains(value: r.tester, set: looking))
    |> filter(fn: (r) => not contains(value: r.tester, set: spent))"""
    return Question(
        name="LivepeerAiNothingTested",
        severity=Severity.CRITICAL,
        tags=TESTER,
        flux=flux,
        above=float(at.untested),
    )


def _late(at: Thresholds, source: Source) -> Question:
    late = source.now("tester_cycle_lateness_seconds", _WHO)
    return Question(
        name="LivepeerAiCyclesLate",
        severity=Severity.WARNING,
        tags=TESTER,
        flux=f'{late}\n    |> {grouped(TESTER)}\n    |> quantile(q: 0.5, method: "exact_mean")',
        above=float(at.late),
    )


def _missed(at: Thresholds, source: Source) -> Question:
    """A counter that begins within the hour began at the first cycle that was missed."""
    missed, late = "tester_cycles_missed_total", "tester_cycle_lateness_seconds"
    who = "(r) => " + ' + "|" + '.join(f"r.{tag}" for tag in _WHO)
    flux = f"""\
who = {who}
counted = {source.metric(missed, HOUR + GAP, HOUR)}
    |> map(fn: (r) => ({{who: who(r: r)}}))
    |> group()
    |> findColumn(fn: (key) => true, column: "who")
there = {source.metric(late, HOUR + GAP, HOUR)}
    |> map(fn: (r) => ({{who: who(r: r)}}))
    |> group()
    |> findColumn(fn: (key) => true, column: "who")
grew = {source.grown(missed, _WHO, HOUR)}
    |> filter(fn: (r) => r._value > 0.0)
began = {source.now(missed, _WHO)}
    |> filter(fn: (r) => r._value > 0.0)
    |> filter(fn: (r) => contains(value: who(r: r), set: there))
    |> filter(fn: (r) => not contains(value: who(r: r), set: counted))
all = {source.now(late, _WHO)}
    |> {grouped(TESTER)}
    |> count()
    |> toFloat()
few = union(tables: [grew |> group(), began |> group()])
    |> keep(columns: [{listed(_WHO)}, "_value"])
    |> {grouped(TESTER)}
    |> unique(column: "orchestrator")
    |> count()
    |> toFloat()

{joined(TESTER, "r._value_few / r._value_all", few="few", all="all")}"""
    return Question(
        name="LivepeerAiCyclesMissed",
        severity=Severity.WARNING,
        tags=TESTER,
        flux=flux,
        above=at.missed_share,
    )


def _timing(at: Thresholds, source: Source) -> Question:
    lag = source.own_jobs("timing_quality", HOUR)
    return Question(
        name="LivepeerAiTimingBad",
        severity=Severity.WARNING,
        tags=TESTER,
        flux=f'{lag}\n    |> {grouped(TESTER)}\n    |> quantile(q: 0.9, method: "exact_mean")',
        above=at.lag,
    )


def _in_vain(at: Thresholds, source: Source) -> Question:
    jobs = source.now("tester_last_round_jobs", (*TESTER, "state"))

    def those(condition: str) -> str:
        chosen = f"{jobs}\n    |> filter(fn: (r) => {condition})"
        return f"{chosen}\n    |> {grouped(TESTER)}\n    |> sum()"

    share = joined(
        TESTER,
        "r._value_vain / r._value_done",
        vain=those(any_of("state", IN_VAIN)),
        done=f"{those(any_of('state', ('done',)))} |> filter(fn: (r) => r._value > 0.0)",
    )
    return Question(
        name="LivepeerAiTestsInVain",
        severity=Severity.WARNING,
        tags=TESTER,
        flux=share,
        above=at.errors_share,
    )


def _series(source: Source) -> Question:
    refused = ("tester_targets_refused_total", "tester_reported_targets_refused_total")
    return Question(
        name="LivepeerAiSeriesLimit",
        severity=Severity.WARNING,
        tags=TESTER,
        flux=source.grown_together(refused, TESTER, HOUR),
        above=0.0,
    )

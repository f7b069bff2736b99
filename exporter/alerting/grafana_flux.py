"""What Grafana-managed rules ask an InfluxDB, for those who have no Prometheus."""

from exporter.alerting.flux import TARGET, Question, Source, grouped, listed, quoted
from exporter.alerting.flux_delivery import delivery_questions
from exporter.alerting.flux_jobs import job_questions
from exporter.alerting.flux_offers import offer_questions
from exporter.alerting.flux_surroundings import surrounding_questions
from exporter.alerting.flux_tester import tester_questions
from exporter.alerting.rule import Alert
from exporter.alerting.scope import Scope
from exporter.alerting.thresholds import Thresholds
from exporter.model import normal_orchestrator


def questions(thresholds: Thresholds, bucket: str, scope: Scope | None = None) -> list[Question]:
    """All rules that can be asked of InfluxDB; of a scope its origins."""
    source = Source(bucket, (scope or Scope()).origins)
    return [
        *job_questions(thresholds, source),
        *offer_questions(thresholds, source),
        *tester_questions(thresholds, source),
        *delivery_questions(thresholds, source),
        *surrounding_questions(thresholds, source),
    ]


def whole(question: Question, bucket: str, scope: Scope | None = None) -> str:
    """The Flux that is asked: without what is muted, one table for each thing, at this moment.

    Of a scope its orchestrators.
    """
    before, kept = _quiet(question, Source(bucket))
    if scope is not None and scope.orchestrators and "orchestrator" in question.tags:
        chosen = ", ".join(quoted(normal_orchestrator(one)) for one in scope.orchestrators)
        kept.append(f"contains(value: r.orchestrator, set: [{chosen}])")
    filters = "".join(f"\n    |> filter(fn: (r) => {one})" for one in kept)
    return (
        f"{''.join(before)}\n{question.flux}{filters}\n"
        f"    |> map(fn: (r) => ({{r with _time: now()}}))\n"
        f"    |> {grouped(question.tags)}\n"
        f'    |> keep(columns: [{listed(question.tags)}, "_time", "_value"])'
    )


def _quiet(question: Question, source: Source) -> tuple[list[str], list[str]]:
    """What is asked to know who is to be left alone, and the conditions that follow."""
    before, kept = [], []
    quiet = []
    if question.muted:
        before.append(source.resting(question.window))
        quiet.append("resting")
    if not question.local:
        before.append(source.cut_off())
        quiet.append("cutOff")
    if question.tags == TARGET:
        before += [source.followed(testers, f"{testers}Hosts") for testers in quiet]
        quiet += [f"{testers}Hosts" for testers in quiet]
    kept += [f"not contains(value: r.tester, set: {testers})" for testers in quiet]
    if "orchestrator" in question.tags:
        before.append(source.serviced(question.window))
        kept.append("not contains(value: r.orchestrator, set: serviced)")
    return before, kept


def alert_of(question: Question, alerts: list[Alert]) -> Alert:
    """The alert of Prometheus' rules that says the same. Raises `KeyError`."""
    return {alert.key: alert for alert in alerts}[question.name, question.severity]

"""The families about jobs: per target, and per model over all orchestrators."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import Metric as Family

from exporter.delivery.families import clean, counter, gauge, histogram, info, summary
from exporter.delivery.metric_list import TARGET
from exporter.delivery.model_histograms import UNIT_BOUNDS, Model, ModelUnit
from exporter.delivery.target_series import PHASES, PhaseSeries, TargetSeries
from exporter.histogram import Histogram
from exporter.model import NANOSECONDS, Origin, Supply, seconds

Labels = tuple[str, ...]
Rows = list[tuple[Labels, TargetSeries]]


def job_families(
    series: Sequence[TargetSeries], supply: Supply | None, display: Callable[[str], str]
) -> Iterator[Family]:
    """What is known about each target; a value that is not known has no sample."""
    rows = [(_labels(one, display), one) for one in series]
    yield _info(rows, supply)
    yield from _counters(rows)
    yield _failures(rows)
    yield _last_failures(rows)
    yield from _streaks(rows)
    for phase in PHASES:
        yield _last(rows, phase)
        yield _sums(rows, phase)


def model_families(
    histograms: Mapping[Model, Mapping[str, Histogram]], buckets: tuple[float, ...], region: str
) -> Iterator[Family]:
    """The histograms of each model."""
    for phase in PHASES:
        family = histogram(f"livepeer_ai_job_model_{phase}_seconds")
        for (pipeline, model), phases in sorted(histograms.items()):
            found = phases.get(phase)
            if found is not None:
                labels = (clean(pipeline), clean(model), region)
                family.add_metric(labels, found.cumulative(buckets), found.sum)
        yield family


def unit_families(units: Mapping[ModelUnit, Histogram], region: str) -> Iterator[Family]:
    """The histograms of what a unit of work takes, of each model."""
    family = histogram("livepeer_ai_job_model_latency_per_unit_seconds")
    for (pipeline, model, unit), found in sorted(units.items()):
        labels = (clean(pipeline), clean(model), region, unit)
        family.add_metric(labels, found.cumulative(UNIT_BOUNDS), found.sum)
    yield family


def _labels(series: TargetSeries, display: Callable[[str], str]) -> Labels:
    return (
        clean(display(series.target.orchestrator)),
        clean(series.target.pipeline),
        clean(series.target.model),
        clean(series.region),
        clean(series.tester),
    )


def _info(rows: Rows, supply: Supply | None) -> Family:
    """Own targets while they are tested; reported ones whether or not the supply has them."""
    family = info("livepeer_ai_job_info")
    tested = {offer.target: offer.service_uri or "" for offer in supply.tested} if supply else {}
    offered = {offer.target: offer.service_uri or "" for offer in supply.offers} if supply else {}
    known = offered | tested
    for labels, series in rows:
        own = series.origin is Origin.OWN
        uri = tested.get(series.target) if own else known.get(series.target, "")
        if uri is not None:
            named = dict(zip(TARGET, labels, strict=True))
            origin = series.origin.value if series.origin is not None else ""
            family.add_metric((), {**named, "orchestrator_uri": clean(uri), "origin": origin})
    return family


def _counters(rows: Rows) -> Iterator[Family]:
    """Each begins at 0 with the target, so that the first of anything is seen as a rise."""
    attempts = counter("livepeer_ai_job_attempts_total")
    successes = counter("livepeer_ai_job_successes_total")
    blamed = counter("livepeer_ai_job_orchestrator_failures_total")
    for labels, series in rows:
        attempts.add_metric(labels, series.attempts)
        successes.add_metric(labels, series.successes)
        blamed.add_metric(labels, series.orchestrator_failures)
    yield from (attempts, successes, blamed)


def _failures(rows: Rows) -> Family:
    family = counter("livepeer_ai_job_failures_total")
    for labels, series in rows:
        for (outcome, blame), count in sorted(series.failures.items()):
            family.add_metric((*labels, outcome, blame), count)
    return family


def _last_failures(rows: Rows) -> Family:
    family = gauge("livepeer_ai_job_last_failure_timestamp_seconds")
    for labels, series in rows:
        last = series.last_failure
        if last is not None:
            family.add_metric((*labels, last.outcome, last.blame), last.started_at / NANOSECONDS)
    return family


def _streaks(rows: Rows) -> Iterator[Family]:
    failures = gauge("livepeer_ai_job_consecutive_failures")
    success = gauge("livepeer_ai_job_last_success_timestamp_seconds")
    attempt = gauge("livepeer_ai_job_last_attempt_timestamp_seconds")
    for labels, series in rows:
        for family, value in (
            (failures, series.consecutive_failures),
            (success, seconds(series.last_success)),
            (attempt, seconds(series.last_attempt)),
        ):
            if value is not None:
                family.add_metric(labels, value)
    yield from (failures, success, attempt)


def _last(rows: Rows, phase: str) -> Family:
    family = gauge(f"livepeer_ai_job_last_{phase}_seconds")
    for labels, series in rows:
        found = series.phases.get(phase)
        if found is not None and found.last is not None:
            family.add_metric(labels, found.last)
    return family


def _sums(rows: Rows, phase: str) -> Family:
    """From 0 on, as counters: what `increase` does not see begin would be missing in means."""
    family = summary(f"livepeer_ai_job_{phase}_seconds")
    for labels, series in rows:
        found = series.phases.get(phase, PhaseSeries())
        family.add_metric(labels, found.count, found.sum)
    return family

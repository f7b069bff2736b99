"""The families about jobs: per target, and per model over all orchestrators."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import Metric as Family

from exporter.delivery.families import clean, counter, gauge, histogram, info, summary
from exporter.delivery.metric_list import TARGET
from exporter.delivery.model_histograms import Histogram, Model
from exporter.delivery.target_series import PHASES, TargetSeries
from exporter.model import Supply, Target, seconds

Labels = tuple[str, ...]
Rows = list[tuple[Labels, TargetSeries]]


def job_families(
    series: Mapping[Target, TargetSeries],
    supply: Supply | None,
    region: str,
    display: Callable[[str], str],
) -> Iterator[Family]:
    """What is known about each target; a value that is not known has no sample."""
    labels = {target: _labels(target, region, display) for target in series}
    rows = [(labels[target], one) for target, one in series.items()]
    yield _info(labels, supply)
    yield _attempts(rows)
    yield _failures(rows)
    yield from _streaks(rows)
    for phase in PHASES:
        yield _last(rows, phase)
        yield _sums(rows, phase)


def model_families(
    histograms: Mapping[Model, Mapping[str, Histogram]], buckets: tuple[float, ...], region: str
) -> Iterator[Family]:
    """The histograms of each model."""
    bounds = (*(repr(float(bound)) for bound in buckets), "+Inf")
    for phase in PHASES:
        family = histogram(f"livepeer_ai_job_model_{phase}_seconds")
        for (pipeline, model), phases in sorted(histograms.items()):
            found = phases.get(phase)
            if found is not None:
                labels = (clean(pipeline), clean(model), region)
                family.add_metric(labels, _cumulative(bounds, found), found.sum)
        yield family


def _labels(target: Target, region: str, display: Callable[[str], str]) -> Labels:
    return (
        clean(display(target.orchestrator)),
        clean(target.pipeline),
        clean(target.model),
        region,
    )


def _info(labels: Mapping[Target, Labels], supply: Supply | None) -> Family:
    family = info("livepeer_ai_job_info")
    uris = {offer.target: offer.service_uri or "" for offer in supply.tested} if supply else {}
    for target, values in labels.items():
        if target in uris:
            named = dict(zip(TARGET, values, strict=True))
            family.add_metric((), {**named, "orchestrator_uri": clean(uris[target])})
    return family


def _attempts(rows: Rows) -> Family:
    family = counter("livepeer_ai_job_attempts_total")
    for labels, series in rows:
        family.add_metric(labels, series.attempts)
    return family


def _failures(rows: Rows) -> Family:
    family = counter("livepeer_ai_job_failures_total")
    for labels, series in rows:
        for (outcome, blame), count in sorted(series.failures.items()):
            family.add_metric((*labels, outcome, blame), count)
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
    family = summary(f"livepeer_ai_job_{phase}_seconds")
    for labels, series in rows:
        found = series.phases.get(phase)
        if found is not None and found.count:
            family.add_metric(labels, found.count, found.sum)
    return family


def _cumulative(bounds: tuple[str, ...], found: Histogram) -> list[tuple[str, float]]:
    total = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip(bounds, found.counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets

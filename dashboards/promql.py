"""Pieces that PromQL queries are put together from.

Counters of jobs are asked by a prefix of their names that is a hidden variable (`choices`): they
are the scraped ones, or those that recording rules keep (`exporter.alerting.kept`).
"""

from typing import Final

from exporter.alerting.kept import WITHIN

ORCHESTRATOR: Final = "orchestrator_address=~`${orchestrator:regex}`"
"""Matches the chosen orchestrators, also where but one can be chosen.

Grafana escapes no regular expression by itself then, and doubles no backslash where a format is
named: so the format, and a string in which a backslash is one. No label has a backtick (`clean`).
"""
TARGET: Final = (
    f'{ORCHESTRATOR},pipeline=~"$pipeline",model_name=~"$model",region=~"$region",tester=~"$tester"'
)
"""Matches what is chosen of targets."""
NETWORK: Final = 'pipeline=~"$pipeline",model_name=~"$model",region=~"$region",tester=~"$tester"'
"""Matches the same models in the same regions, whoever serves them."""
OFFER: Final = f'{ORCHESTRATOR},pipeline=~"$pipeline",model_name=~"$model"'
"""Matches what is chosen of offers, which have neither tester nor region."""

SUPPLY: Final = 'pipeline=~"$pipeline",model_name=~"$model"'
"""Matches offers of the chosen models, whoever makes them."""
MODELS: Final = f'{SUPPLY},region=~"$region"'
"""Matches what is told of models alone: this installation's own jobs."""
TESTER: Final = 'job=~"livepeer-exporter.*",instance=~"$installation"'
"""Matches what station and probe of the chosen installations say of themselves."""
ANY_TESTER: Final = 'job=~"livepeer-exporter.*"'
"""Matches what any installation says of itself."""


def success_ratio(by: str, span: str, match: str = TARGET) -> str:
    """Part of the jobs that count that were good, 0 to 1; no value where none counted.

    `by` are labels, separated by commas.
    """
    good = _increase("job_successes_total", by, span, match)
    bad = _increase("job_orchestrator_failures_total", by, span, match)
    # Each is asked but once, for that is what costs; 0 / 0 is no number, which is not >= 0.
    return f"1 / (1 + {bad} / {good}) >= 0"


def counted(by: str, span: str, match: str = TARGET) -> str:
    """Number of jobs that count: good ones, and failures with blame orchestrator."""
    good = _increase("job_successes_total", by, span, match)
    bad = _increase("job_orchestrator_failures_total", by, span, match)
    return f"{good} + {bad}"


def failures(by: str, span: str, match: str = TARGET) -> str:
    """Number of jobs that did not succeed; no value where there was none."""
    return f"sum by ({by}) ({_failures(span, match)}) > 0"


def _failures(span: str, match: str) -> str:
    """The same by series.

    They begin at 1, which `increase` does not count: it is added to those that were not there when
    the span began.
    """
    name = f"{_prefix(span)}_job_failures_total{{{match}}}"
    grown = f"increase({name}[{span}])"
    begun = f"clamp_max(min_over_time({name}[{span}]), 1) unless ({_before(name, span, match)})"
    apart = f'label_replace(({begun}), "begun", "1", "", "")'
    return f"{grown} or {apart}"


def _before(name: str, span: str, match: str) -> str:
    """What was there when a span began; what is kept was written down at some time before."""
    kept = f'__name__=~"kept:.+",__name__="{_prefix(span)}_job_failures_total",{match}'
    return f"{name} offset {span} or last_over_time({{{kept}}}[{WITHIN}] offset {span})"


def busy_ratio(by: str, span: str, match: str = TARGET) -> str:
    """Part of the jobs that found no free capacity, 0 to 1, of these and those that count."""
    good, bad = (
        f"increase({_prefix(span)}_job_{name}_total{{{match}}}[{span}])"
        for name in ("successes", "orchestrator_failures")
    )
    busy = _failures(span, f'{match},outcome="no_capacity"')
    unblamed = _failures(span, f'{match},outcome="no_capacity",blame!="orchestrator"')
    # All in one sum, for each is asked but once so, and that is what costs.
    jobs = f'{good} or label_replace({bad}, "counted", "bad", "", "") or {unblamed}'
    return f"sum by ({by}) ({busy} or 0 * {good}) / (sum by ({by}) ({jobs}) > 0)"


def mean_seconds(phase: str, by: str, span: str, match: str = TARGET) -> str:
    """Mean of a phase (`upload`, `inference`, `download`, `round_trip`) over good jobs, seconds."""
    name = f"job_{phase}_seconds"
    total = _increase(f"{name}_sum", by, span, match)
    count = _increase(f"{name}_count", by, span, match)
    return f"{total} / ({count} > 0)"


def quantile(share: float, name: str, by: str, span: str, match: str = MODELS) -> str:
    """A quantile of a histogram of models, by its buckets: interpolated within one."""
    buckets = _increase(f"job_model_{name}_bucket", f"{by}, le", span, match)
    return f"histogram_quantile({share:g}, {buckets}) >= 0"


def _increase(name: str, by: str, span: str, match: str) -> str:
    return f"sum by ({by}) (increase({_prefix(span)}_{name}{{{match}}}[{span}]))"


def _prefix(span: str) -> str:
    return "${series}" if span == "$__range" else "${curves}"

"""Pieces that PromQL queries are put together from."""

from typing import Final

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
    good = _increase("livepeer_ai_job_successes_total", by, span, match)
    bad = _increase("livepeer_ai_job_orchestrator_failures_total", by, span, match)
    # Each is asked but once, for that is what costs; 0 / 0 is no number, which is not >= 0.
    return f"1 / (1 + {bad} / {good}) >= 0"


def counted(by: str, span: str, match: str = TARGET) -> str:
    """Number of jobs that count: good ones, and failures with blame orchestrator."""
    good = _increase("livepeer_ai_job_successes_total", by, span, match)
    bad = _increase("livepeer_ai_job_orchestrator_failures_total", by, span, match)
    return f"{good} + {bad}"


def failures(by: str, span: str, match: str = TARGET) -> str:
    """Number of jobs that did not succeed; no value where there was none.

    Their series begin at 1, which `increase` does not count: it is added to those that were not
    there when the span began.
    """
    name = f"livepeer_ai_job_failures_total{{{match}}}"
    grown = f"increase({name}[{span}])"
    begun = f"clamp_max({name}, 1) unless {name} offset {span}"
    apart = f'label_replace(({begun}), "begun", "1", "", "")'
    return f"sum by ({by}) ({grown} or {apart}) > 0"


def busy_ratio(by: str, span: str, match: str = TARGET) -> str:
    """Part of the jobs that found no free capacity, 0 to 1, of these and those that count."""
    jobs = f"({counted(by, span, match)})"
    busy = failures(by, span, f'{match},outcome="no_capacity"')
    unblamed = failures(by, span, f'{match},outcome="no_capacity",blame!="orchestrator"')
    # Each is asked as seldom as can be, for that is what costs.
    part = f"({busy}) / ({jobs} + ({unblamed} or 0 * {jobs}))"
    return f"{part} or 0 * ({jobs} > 0)"


def mean_seconds(phase: str, by: str, span: str, match: str = TARGET) -> str:
    """Mean of a phase (`upload`, `inference`, `download`, `round_trip`) over good jobs, seconds."""
    name = f"livepeer_ai_job_{phase}_seconds"
    total = _increase(f"{name}_sum", by, span, match)
    count = _increase(f"{name}_count", by, span, match)
    return f"{total} / ({count} > 0)"


def quantile(share: float, name: str, by: str, span: str, match: str = MODELS) -> str:
    """A quantile of a histogram of models, by its buckets: interpolated within one."""
    buckets = _increase(f"livepeer_ai_job_model_{name}_bucket", f"{by}, le", span, match)
    return f"histogram_quantile({share:g}, {buckets}) >= 0"


def _increase(name: str, by: str, span: str, match: str) -> str:
    return f"sum by ({by}) (increase({name}{{{match}}}[{span}]))"

"""The variables that dashboards share; each takes only what fits those before it."""

from typing import Final

from dashboards.panel import Choice
from dashboards.promql import ANY_TESTER
from dashboards.promql import ORCHESTRATOR as ONE_OF
from exporter.alerting.kept import KEPT, PACE, RECORDED, WITHIN
from exporter.alerting.kept import SERIES as SCRAPED

_INFO: Final = 'livepeer_ai_job_info{origin=~"$origin"'


def _tag_values(tag: str, *before: str) -> str:
    kept = "".join(f" and r.{name} =~ /^${{{name}:regex}}$/" for name in ("origin", *before))
    return f"""\
import "influxdata/influxdb/schema"

schema.tagValues(
    bucket: "${{bucket}}",
    tag: "{tag}",
    predicate: (r) => r._measurement == "ai_job"{kept},
    start: v.timeRangeStart,
    stop: v.timeRangeStop,
)"""


ORIGIN: Final = Choice(
    name="origin",
    label="Results",
    description="Whose results: this station's own, or what others posted here or it follows.",
    fixed=("own", "posted", "followed"),
    multi=False,
)
TESTER: Final = Choice(
    name="tester",
    label="Tester",
    description="Who measured. Numbers of several testers are added up where all are chosen.",
    promql=f"label_values({_INFO}}}, tester)",
    flux=_tag_values("tester"),
)
REGION: Final = Choice(
    name="region",
    label="Region",
    description="Where the tester runs.",
    promql=f'label_values({_INFO},tester=~"$tester"}}, region)',
    flux=_tag_values("region", "tester"),
)
ORCHESTRATOR: Final = Choice(
    name="orchestrator",
    label="Orchestrator",
    description="Your ETH address, or the id of an endpoint without one.",
    promql=f'label_values({_INFO},tester=~"$tester"}}, orchestrator_address)',
    flux=_tag_values("orchestrator", "tester"),
    multi=False,
)
ORCHESTRATORS: Final = Choice(
    name="orchestrator",
    label="Orchestrator",
    description="ETH addresses, or ids of endpoints without one.",
    promql=ORCHESTRATOR.promql,
    flux=ORCHESTRATOR.flux,
)
PIPELINE: Final = Choice(
    name="pipeline",
    label="Pipeline",
    description="Kind of job.",
    promql=(f'label_values({_INFO},tester=~"$tester",{ONE_OF}}}, pipeline)'),
    flux=_tag_values("pipeline", "tester", "orchestrator"),
)
MODEL: Final = Choice(
    name="model",
    label="Model",
    description="Model id.",
    promql=(
        f'label_values({_INFO},tester=~"$tester",{ONE_OF},pipeline=~"$pipeline"}}, model_name)'
    ),
    flux=_tag_values("model", "tester", "orchestrator", "pipeline"),
)


def _known_values(tag: str, *before: str) -> str:
    """Values of a tag in results or in offers: who offers need not be tested."""
    kept = "".join(f" and r.{name} =~ /^${{{name}:regex}}$/" for name in before)
    known = '(r._measurement == "ai_job" or r._measurement == "ai_metric")'
    return f"""\
import "influxdata/influxdb/schema"

schema.tagValues(
    bucket: "${{bucket}}",
    tag: "{tag}",
    predicate: (r) => {known}{kept},
    start: v.timeRangeStart,
    stop: v.timeRangeStop,
)"""


_KNOWN: Final = '{__name__=~"livepeer_ai_job_info|livepeer_ai_tester_offer_tested"'
KNOWN_PIPELINE: Final = Choice(
    name="pipeline",
    label="Pipeline",
    description="Kind of job, also what is offered and not tested.",
    promql=f"label_values({_KNOWN}}}, pipeline)",
    flux=_known_values("pipeline"),
)
KNOWN_MODEL: Final = Choice(
    name="model",
    label="Model",
    description="Model id, also of models that are offered and not tested.",
    promql=f'label_values({_KNOWN},pipeline=~"$pipeline"}}, model_name)',
    flux=_known_values("model", "pipeline"),
)
INSTALLATION: Final = Choice(
    name="installation",
    label="Installation",
    description="Whose tester: by its host in Prometheus, by its name in InfluxDB.",
    promql=f"label_values(livepeer_ai_tester_build_info{{{ANY_TESTER}}}, instance)",
    flux="""\
import "influxdata/influxdb/schema"

schema.tagValues(
    bucket: "${bucket}",
    tag: "tester",
    predicate: (r) => r._measurement == "ai_metric" and r._field == "tester_targets",
    start: v.timeRangeStart,
    stop: v.timeRangeStop,
)""",
)

_INSTALLED: Final = f"livepeer_ai_tester_build_info{{{ANY_TESTER}}}"
_SINCE: Final = f"min(min_over_time((time() + 0 * {_INSTALLED})[$__range:5m]))"
"""Not by `timestamp()`, which takes a hundred times as long for each step of a sub-query."""
_KEPT_SINCE: Final = f"min(min_over_time({RECORDED}[$__range]))"
_GAPS: Final = 0.005
_FEW: Final = 6
"""Part of the evaluations, and number besides, that the rules may lack where there were scrapes:
each restart of Prometheus costs one or two."""
_STEPS: Final = f"count_over_time(count({_INSTALLED})[$__range:{PACE // 60}m])"
_KEPT_STEPS: Final = f"min(count_over_time({RECORDED}[$__range]))"
_KEPT_NOW: Final = f"min(last_over_time({RECORDED}[{WITHIN}]))"


def _prefix(name: str, days: int, what: str) -> Choice:
    """What is kept where the range is so long and it covers it, else what is scraped."""

    def told(value: str) -> str:
        return f'label_replace(vector(1), "prefix", "{value}", "", "")'

    long = f"vector($__range_s) >= {days * 86_400}"
    covered = f"{_KEPT_SINCE} <= {2 * PACE} + {_SINCE}"
    whole = f"{_KEPT_STEPS} + {_FEW} >= {1 - _GAPS} * {_STEPS}"
    return Choice(
        name=name,
        label=name.title(),
        description=f"Which series are asked for {what}: those that are scraped, or, of {days} "
        "days and more, those that the recording rules keep.",
        promql=f"query_result({told(KEPT)} and on () ({long}) and on () ({covered}) and on () "
        f"({whole}) and on () {_KEPT_NOW} or on () {told(SCRAPED)})",
        regex='/prefix="([^"]+)"/',
        multi=False,
        hidden=True,
    )


SERIES: Final = _prefix("series", 3, "numbers of the whole range")
CURVES: Final = _prefix("curves", 5, "curves")
"""Later: what is kept has a gap between two steps of a curve, and long steps make it small."""

_KEPT: Final = (SERIES, CURVES)
WHOLE_NETWORK: Final = (ORIGIN, TESTER, KNOWN_PIPELINE, KNOWN_MODEL, REGION, *_KEPT)
ONE_ORCHESTRATOR: Final = (ORIGIN, TESTER, ORCHESTRATOR, PIPELINE, MODEL, REGION, *_KEPT)
ALL_TARGETS: Final = (ORIGIN, TESTER, ORCHESTRATORS, PIPELINE, MODEL, REGION, SERIES)

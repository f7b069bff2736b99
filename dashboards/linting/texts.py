"""Rules about the queries themselves."""

import re
from collections.abc import Iterator
from typing import Final

from dashboards.edition import Edition
from dashboards.linting.document import OVER_TIME, Document, Node, text, title
from dashboards.linting.rule import Found, OfDocument
from exporter.delivery.metric_list import METRICS
from exporter.probe_server import METRICS as PROBE_METRICS

_ABOUT_TESTERS: Final = "livepeer_ai_tester_"
_OF_SCRAPES: Final = ("up", "scrape_duration_seconds", "scrape_samples_scraped")
_PARTS: Final = re.compile(r"_(bucket|sum|count)$")
_JOB: Final = re.compile(r'\bjob=~"livepeer-exporter')
_METRIC: Final = re.compile(r"(?<![\w:$\"])([a-z_][\w:]*)\s*(\{[^}]*\})?")
_SPAN: Final = re.compile(r"\[([^\]]*)\]|\boffset\s+([^\s(),]+)")
_SPANS: Final = ("$__rate_interval", "$__range")
_FLUX_DURATION: Final = re.compile(r"(?<![\w.\"])(\d+(?:ns|us|ms|s|m|h|d|w|mo|y))\b")
_RANGE: Final = re.compile(r"\brange\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_CALLED: Final = re.compile(r"\bsteps\(([^()]*)\)")
_BUCKET: Final = re.compile(r"\bbucket:\s*([^,)\s]+)")
_PLACES: Final = re.compile(
    r"https?://|\blocalhost\b|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b0x[0-9a-fA-F]{40}\b"
)
_INVENTED: Final = (
    (re.compile(r"\bvector\("), "vector() makes a number of nothing"),
    (re.compile(r"\babsent(_over_time)?\("), "absent() makes a number of nothing"),
    (re.compile(r"\bfill\("), "fill() makes a number of nothing"),
    (re.compile(r"fn: (?:count|sum_or_0)[^)]*createEmpty: true"), "counts 0 in empty steps"),
)
_UNBOUNDED: Final = {"orchestrator_address": "orchestrator", "model_name": "model"}
_LIMITED: Final = re.compile(r"\b(topk|bottomk|limitk)\s*\(|\b(top|bottom|limit)\(n:")
FIXED: Final = {
    "15m": "how old the last point of ai_metric may be to be true now (flux.now)",
    "5m": "from which moment on a digest of the settings is another one; spells in marks (marks)",
    "10m": "within which time there is surely a sample of what is kept (promql)",
    "1h": "how long a digest of the settings may not have been scraped and is no news (marks)",
}
"""Durations that do not follow the dashboard's range, and why."""


def _labels() -> dict[str, tuple[str, ...]]:
    station = {one.name: tuple(one.labels) for one in METRICS}
    return station | {name: tuple(labels) for name, _, labels, _ in PROBE_METRICS}


def tester_metrics_have_job_matchers(document: Document) -> Iterator[Found]:
    """What a tester says of itself is asked of the scrape jobs of this program, by name."""
    if document.edition is not Edition.PROMETHEUS:
        return
    known = _labels()
    for question in document.questions:
        for name, matchers in _METRIC.findall(question.text):
            labels = known.get(name) or known.get(_PARTS.sub("", name), ())
            of_target = {"orchestrator_address", "model_name"} & set(labels)
            asked = name.startswith(_ABOUT_TESTERS) and not of_target
            if (asked or name in _OF_SCRAPES) and not _JOB.search(matchers):
                yield Found(question.where, f"{name} has no matcher of its job")


def spans_follow_the_range(document: Document) -> Iterator[Found]:
    """Rates are over `$__rate_interval` or `$__range`, and steps are `v.windowPeriod`.

    A fixed span shows too little of a long range. Those that do not follow it are listed, with a
    reason.
    """
    for question in [*document.of_panels, *document.of_annotations]:
        for span in _fixed(question.text, document.edition):
            if span not in FIXED:
                yield Found(question.where, f"has the fixed span {span}")


def _fixed(query: str, edition: Edition) -> Iterator[str]:
    if edition is Edition.INFLUXDB:
        yield from _FLUX_DURATION.findall(query)
        return
    for inside, offset in _SPAN.findall(query):
        span = (inside or offset).strip()
        if span not in _SPANS:
            yield span


def flux_follows_the_range(document: Document) -> Iterator[Found]:
    """Every Flux reads the chosen bucket in the time that is chosen above, and nothing else."""
    if document.edition is not Edition.INFLUXDB:
        return
    for question in document.questions:
        for bucket in _BUCKET.findall(question.text):
            if bucket != '"${bucket}"':
                yield Found(question.where, f"reads the bucket {bucket}")
        for inside in _ranges(question.text):
            if "v.timeRange" not in inside or "stop: v.timeRange" not in inside:
                yield Found(question.where, f"has the range {inside}")
        if question.text.count("from(bucket:") > len(_RANGE.findall(question.text)):
            yield Found(question.where, "reads without a range")


def _ranges(query: str) -> Iterator[str]:
    """What is said in each `range`; of one within a function, where it is called."""
    for inside in _RANGE.findall(query):
        if inside == "start: start, stop: stop" and "steps = (start, stop) => from(" in query:
            yield ", ".join(_CALLED.findall(query))
        else:
            yield inside


def no_fixed_places(document: Document) -> Iterator[Found]:
    """No host, address or orchestrator of ours stands in what others import."""
    for question in document.questions:
        for place in _PLACES.findall(question.text):
            yield Found(question.where, f"names {place}")


def no_inventions(document: Document) -> Iterator[Found]:
    """No query shows a number where there is none: no data is neither 0 nor a failure."""
    for question in [*document.of_panels, *document.of_annotations]:
        for pattern, why in _INVENTED:
            if pattern.search(question.text):
                yield Found(question.where, why)


def legends_are_bounded(document: Document) -> Iterator[Found]:
    """Curves and bars are of few things.

    Of orchestrators or models only so many are shown, or those of the one orchestrator that is
    chosen.
    """
    one_orchestrator = not document.variables.get("orchestrator", {}).get("multi", True)
    for panel in document.asking:
        if panel["type"] not in (*OVER_TIME, "bargauge", "stat"):
            continue
        for target in panel.get("targets", []):
            wide = _told_apart_by(panel, target) & set(_UNBOUNDED.values())
            if one_orchestrator:
                wide = wide - {"model"}
            if wide and not _LIMITED.search(text(target)):
                yield Found(title(panel), f"shows one for each {' and '.join(sorted(wide))}")


def _told_apart_by(panel: Node, target: Node) -> set[str]:
    """Labels in the names of what a query gives, by InfluxDB's names."""
    named = re.findall(r"\{\{\s*(\w+)\s*\}\}", target.get("legendFormat", ""))
    for override in panel.get("fieldConfig", {}).get("overrides", []):
        matcher = override["matcher"]
        if matcher["id"] == "byFrameRefID" and matcher["options"] == target.get("refId"):
            for one in override["properties"]:
                named += re.findall(r"__field\.labels\.(\w+)", str(one.get("value", "")))
    return {_UNBOUNDED.get(name, name) for name in named}


RULES: Final[tuple[OfDocument, ...]] = (
    tester_metrics_have_job_matchers,
    spans_follow_the_range,
    flux_follows_the_range,
    no_fixed_places,
    no_inventions,
    legends_are_bounded,
)

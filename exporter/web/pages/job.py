"""The page of one job: what happened, when, and why it is what it is."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

import msgspec

from exporter.kept_answers.record import Kept
from exporter.leaderboard.display import shown
from exporter.model import Check, Measurement, pipeline_display, seconds
from exporter.shown import asked_for, first_contact, found, result
from exporter.web.job_document import iso_time
from exporter.web.pages.kept_answer import kept_answer
from exporter.web.pages.layout import (
    Page,
    cell,
    duration,
    facts,
    heading,
    outcome_badge,
    page,
    table,
)
from exporter.web.pages.markup import Markup, element, join
from exporter.web.pages.waterfall import waterfall


def job_page(
    job: Measurement,
    *,
    first: Measurement | None = None,
    repeats: Sequence[Measurement] = (),
    kept: Kept | None = None,
    why_not_kept: str | None = None,
) -> Page:
    """The page; `first` is the job that it repeats, if that is still known, `repeats` its own.

    `kept` is what is kept of the answer, or `why_not_kept` says why nothing is.
    """
    return page(
        f"Job {job.id}",
        element("h1", f"{pipeline_display(job.pipeline)} · {job.model}"),
        element("p", outcome_badge(job), " ", job.message),
        facts(_facts(job, first)),
        _repeated(repeats),
        _phases(job),
        _evidence(job),
        _proof(job),
        kept_answer(kept, why_not_kept),
        _steps(job),
        _text("Request", job.request),
        _text("Response", job.response),
        _text("Lines of the gateway's log that are unknown to the tester", "\n".join(job.lane_log)),
    )


def _facts(job: Measurement, first: Measurement | None) -> list[tuple[str, str | None]]:
    others = urlencode({"orchestrator": job.orchestrator})
    return [
        ("Orchestrator", element("a", shown(job.orchestrator), href=f"/jobs?{others}")),
        ("Service URI", job.service_uri),
        ("Connected to", job.address),
        ("Blame", None if job.blame is None else job.blame.value),
        ("Started", iso_time(job.started_at)),
        ("Region, tester", f"{job.region}, {job.tester}"),
        ("Lane", _lane(job)),
        ("Gateway version", job.lane_version),
        ("Attempts of the gateway", None if job.attempts is None else str(job.attempts)),
        ("Warm", {True: "yes", False: "no", None: None}[job.model_is_warm]),
        ("HTTP status", None if job.http_status is None else str(job.http_status)),
        ("GPU", job.gpu),
        ("Node version", job.node_version),
        ("Network round trip", _optional(job.network_rtt)),
        ("Waited in the queue", _optional(job.queue_time)),
        ("Worst loop lag", _optional(job.loop_lag)),
        ("Latency per unit", _latency(job)),
        ("Expected fee", None if job.fee is None else f"{job.fee:,.15g} wei"),
        (
            "Tickets sent",
            None if job.ticket_value is None else f"{job.ticket_value:,.15g} wei on average",
        ),
        ("Sent, received", _sizes(job)),
        ("Repeats", _first(job, first)),
        ("Id", job.id),
    ]


def _first(job: Measurement, first: Measurement | None) -> str | None:
    if job.repeats is None:
        return None
    return f"{job.repeats} (no longer kept)" if first is None else _link(first)


def _link(job: Measurement) -> Markup:
    return element("a", job.id, href=f"/jobs/{quote(job.id, safe='')}")


def _repeated(repeats: Sequence[Measurement]) -> Markup:
    if not repeats:
        return Markup()
    items = (
        element("li", _link(job), " ", outcome_badge(job), " ", iso_time(job.started_at))
        for job in repeats
    )
    return join((element("h2", "Repeated by"), element("ul", *items)))


def _lane(job: Measurement) -> str | None:
    if job.lane is None:
        return None
    return job.lane.value if job.lane_name is None else f"{job.lane.value} ({job.lane_name})"


def _optional(nanoseconds: int | None) -> str | None:
    return None if nanoseconds is None else duration(seconds(nanoseconds))


def _latency(job: Measurement) -> str | None:
    if job.latency_per_unit is None or job.unit is None:
        return None
    return f"{duration(job.latency_per_unit)} per {job.unit}"


def _sizes(job: Measurement) -> str | None:
    if job.request_bytes is None and job.response_bytes is None:
        return None
    sizes = (job.request_bytes, job.response_bytes)
    return ", ".join("unknown" if size is None else f"{size:,} bytes" for size in sizes)


def _phases(job: Measurement) -> Markup:
    contact = first_contact(job, duration)
    said = element("p", _inference(job), contact, class_="soft") if contact else Markup()
    picture = waterfall(job.phases)
    if picture is None:
        return join((element("p", "No phase of the job was completed.", class_="soft"), said))
    total = seconds(job.phases.round_trip)
    caption = "" if total is None else f"Round trip: {duration(total)}"
    return join((element("h2", "Phases"), picture, said, element("p", caption, class_="soft")))


def _inference(job: Measurement) -> str:
    length = seconds(job.phases.inference)
    return "" if length is None else f"Inference: {duration(length)}, "


def _evidence(job: Measurement) -> Markup:
    if not job.evidence:
        return Markup()
    items = (element("li", item) for item in job.evidence)
    return join((element("h2", "Evidence"), element("ul", *items)))


def _steps(job: Measurement) -> Markup:
    if not job.steps:
        return Markup()
    rows = [
        element(
            "tr", cell(f"{step.at / 1e6:,.3f} ms", kind="num"), cell(step.text, kind="text mono")
        )
        for step in job.steps
    ]
    head = (heading("since start", number=True), heading("step"))
    return join((element("h2", "Step log"), table(head, rows)))


def _proof(job: Measurement) -> Markup:
    parts = [element("h2", "Proof")]
    if job.proof:
        head = (heading("check"), heading("found", number=True), heading("asked for"))
        parts.append(table((*head, heading("result")), [_check(check) for check in job.proof]))
    pairs: list[tuple[str, str | None]] = []
    for artefact in job.artefacts:
        known = msgspec.to_builtins(artefact)
        kind = known.pop("kind")
        pairs.append((kind, ", ".join(f"{key} {known[key]}" for key in known)))
    if pairs:
        parts.append(facts(pairs))
    return join(parts) if len(parts) > 1 else Markup()


def _check(check: Check) -> Markup:
    came = result(check)
    tone = {"passed": "badge ok", "failed": "badge bad", "reported only": "soft"}
    return element(
        "tr",
        cell(check.name, kind="nowrap"),
        cell(found(check), kind="num"),
        cell(asked_for(check), kind="nowrap"),
        cell(element("span", came, class_=tone.get(came, "badge warn"))),
    )


def _text(title: str, text: str) -> Markup:
    return join((element("h2", title), element("pre", text))) if text else Markup()

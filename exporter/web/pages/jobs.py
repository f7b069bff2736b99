"""The page of recent jobs."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from exporter.model import Measurement, Outcome, seconds
from exporter.stores.schema import exempt_checks
from exporter.web.job_document import iso_time
from exporter.web.job_filter import JobFilter
from exporter.web.pages.layout import (
    Page,
    cell,
    duration,
    heading,
    orchestrator_name,
    outcome_badge,
    page,
    table,
)
from exporter.web.pages.markup import Markup, element, join

_HEAD: Final = (
    heading("started"),
    heading("orchestrator"),
    heading("pipeline"),
    heading("model"),
    heading("outcome"),
    heading("round trip", number=True),
    heading("message"),
)


def jobs_page(jobs: Iterable[Measurement], wanted: JobFilter, *, kept: int) -> Page:
    """The page."""
    rows = [_row(job) for job in jobs]
    text = f"{len(rows)} shown of {kept} recent jobs, the one that started last first."
    found = element("p", text, class_="soft")
    content = table(_HEAD, rows) if rows else element("p", "No job matches.")
    return page("Jobs", element("h1", "Recent jobs"), _form(wanted), found, content)


def _form(wanted: JobFilter) -> Markup:
    return element(
        "form",
        element("label", "outcome", _outcomes(wanted.outcome)),
        _field("orchestrator", wanted.orchestrator),
        _field("pipeline", wanted.pipeline),
        _field("model", wanted.model),
        element("button", "Show"),
        action="/jobs",
        method="get",
    )


def _field(name: str, value: str | None) -> Markup:
    return element("label", name, element("input", name_=name, value=value))


def _outcomes(chosen: str | None) -> Markup:
    options = ("", "failed", *(outcome.value for outcome in Outcome))
    return element(
        "select",
        *(
            element("option", option or "any", value=option, selected=option == (chosen or ""))
            for option in options
        ),
        name_="outcome",
    )


def _time(job: Measurement) -> str:
    return iso_time(job.started_at)[:19].replace("T", " ")


def _exempt(job: Measurement) -> Markup:
    names = exempt_checks(job)
    if not names:
        return Markup()
    title = f"exempt by the settings: {', '.join(names)}"
    return join((" ", element("span", "exempt", class_="badge warn", title=title)))


def _row(job: Measurement) -> Markup:
    link = element("a", _time(job), href=f"/jobs/{quote(job.id, safe='')}")
    return element(
        "tr",
        cell(link, kind="nowrap"),
        cell(orchestrator_name(job.orchestrator), kind="nowrap"),
        cell(job.pipeline, kind="nowrap"),
        cell(job.model, kind="text"),
        cell(outcome_badge(job), _exempt(job)),
        cell(duration(seconds(job.phases.round_trip)), kind="num"),
        cell(job.message, kind="text"),
    )

"""`/jobs` and `/jobs/ID`: what was tested lately, and why it failed; as JSON or as a page."""

from itertools import islice
from typing import Final

from aiohttp import web

from exporter.delivery.recent import RecentJobs
from exporter.model import Measurement
from exporter.web.answers import json_answer, json_error, page_answer, wants_html
from exporter.web.artefact_route import kept_of
from exporter.web.context import context
from exporter.web.job_document import document, kept_document, summary
from exporter.web.job_filter import PARAMETERS, read_filter
from exporter.web.not_kept import why_not_kept
from exporter.web.pages.job import job_page
from exporter.web.pages.jobs import jobs_page
from exporter.web.pages.layout import message_page
from exporter.web.parameters import Parameters, raw_query

_MOST_REPEATS: Final = 20


async def jobs(request: web.Request) -> web.Response:
    """The recent jobs, the one that started last first."""
    here = context(request)
    wanted = read_filter(Parameters(raw_query(request.raw_path), PARAMETERS))
    matching = filter(wanted.matches, here.recent.newest_first())
    found = sorted(matching, key=lambda job: job.started_at, reverse=True)[: wanted.limit]
    if wants_html(request):
        return page_answer(jobs_page(found, wanted, kept=len(here.recent)))
    return json_answer({"kept": len(here.recent), "jobs": [summary(job) for job in found]})


async def job(request: web.Request) -> web.Response:
    """One job with everything that is known about it."""
    Parameters(raw_query(request.raw_path), ())
    found = context(request).recent.get(request.match_info["id"])
    if found is None:
        text = "no such job among the recent ones"
        if wants_html(request):
            return page_answer(message_page("Not found", text), 404)
        return json_error(text, 404)
    recent = context(request).recent
    repeats = _repeats(found, recent)
    kept = await kept_of(found.id, found, context(request).answers)
    why_not = None if kept is not None else why_not_kept(found, context(request).settings.answers)
    if wants_html(request):
        first = None if found.repeats is None else recent.get(found.repeats)
        page = job_page(found, first=first, repeats=repeats, kept=kept, why_not_kept=why_not)
        return page_answer(page, shows_media=kept is not None)
    repeated = {"repeated_by": [one.id for one in repeats]}
    return json_answer(document(found) | repeated | kept_document(kept, why_not))


def _repeats(job: Measurement, recent: RecentJobs) -> list[Measurement]:
    """The recent jobs that repeat this one, newest first."""
    found = (one for one in recent.newest_first() if one.repeats == job.id)
    return list(islice(found, _MOST_REPEATS))

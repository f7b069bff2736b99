"""`/jobs/ID/artefact`: the files of a kept answer, handed out so that they can harm nobody."""

import asyncio
from pathlib import Path
from typing import Final

from aiohttp import web

from exporter.kept_answers.reading import KeptAnswers
from exporter.kept_answers.record import ANSWER, Kept, KeptFile
from exporter.model import Measurement, Origin
from exporter.web.answers import json_error, page_answer, wants_html
from exporter.web.context import context
from exporter.web.not_kept import why_not_kept
from exporter.web.pages.layout import message_page
from exporter.web.parameters import Parameters, raw_query
from exporter.web.safe_media import headers_for

PARAMETERS: Final = ("file",)
FIRST_MEDIA: Final = "1"


async def artefact(request: web.Request) -> web.StreamResponse:
    """One file of a kept answer: the first media, the body if there is none, or the one asked for.

    Parts of it (`Range`) can be asked for, as players of sound and film do.
    """
    here = context(request)
    wanted = Parameters(raw_query(request.raw_path), PARAMETERS).text("file")
    identity = request.match_info["id"]
    job = here.recent.get(identity)
    kept = await kept_of(identity, job, here.answers)
    if kept is None:
        return _not_there(request, why_not_kept(job, here.settings.answers))
    file = _chosen(kept, wanted)
    if file is None:
        names = ", ".join(file.name for file in kept.files)
        return _not_there(request, f"the answer has no such file; it has: {names}")
    if file.left_out is not None:
        return _not_there(request, f"the file of {file.bytes} bytes was left out: {file.left_out}")
    path: Path | None = await asyncio.to_thread(here.answers.path, kept, file)
    if path is None:
        return _not_there(request, "the file was cleared since, or is damaged")
    return web.FileResponse(path, headers=headers_for(kept, file))


async def kept_of(identity: str, job: Measurement | None, answers: KeptAnswers) -> Kept | None:
    """What is kept of a job's answer; a job of somebody else has nothing, whatever its id."""
    if job is not None and job.origin is not Origin.OWN:
        return None
    return await asyncio.to_thread(answers.find, identity)


def _chosen(kept: Kept, wanted: str | None) -> KeptFile | None:
    if wanted is not None:
        return kept.file(wanted)
    return kept.file(FIRST_MEDIA) or kept.file(ANSWER)


def _not_there(request: web.Request, why: str) -> web.Response:
    if wants_html(request):
        return page_answer(message_page("Not found", why), 404)
    return json_error(why, 404)

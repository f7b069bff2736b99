"""Job requests as a node reads them from a gateway."""

from typing import Final

import msgspec
from aiohttp import web
from aiohttp.web_request import FileField

from exporter.simulation.journal import VIA_HEADER
from exporter.simulation.requests import Refusal
from exporter.simulation.serving import text_answer
from exporter.simulation.workload import Job

_FORMS: Final = frozenset(
    {
        "image-to-image",
        "image-to-video",
        "upscale",
        "audio-to-text",
        "image-to-text",
        "segment-anything-2",
    }
)
_MEASURED: Final = frozenset({"image-to-image", "upscale", "image-to-text", "segment-anything-2"})
_PICTURES: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8")


async def read_job(request: web.Request, pipeline: str) -> Job:
    """Read a job's fields and files. Raises `Refusal` with status 400."""
    fields: dict[str, object]
    files: dict[str, bytes] = {}
    if pipeline in _FORMS:
        fields, files = await _form(request)
    else:
        fields = _json(await request.read())
    return Job(
        pipeline=pipeline,
        model=str(fields.get("model" if pipeline == "llm" else "model_id") or ""),
        fields=fields,
        files=files,
        via=request.headers.get(VIA_HEADER, "direct"),
    )


def check_input(job: Job) -> None:
    """Do what the node does to know what a job costs. Raises `Refusal` with status 400."""
    if job.pipeline in _MEASURED and not job.files.get("image", b"").startswith(_PICTURES):
        raise _refused("image: unknown format")
    if job.pipeline == "audio-to-text" and not job.files.get("audio"):
        raise _refused("Unable to calculate duration")
    if job.pipeline == "llm" and job.fields.get("max_tokens") is None:
        raise _refused("MaxTokens not specified")


def _json(body: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError) as error:
        raise _refused("unexpected EOF" if body else "EOF") from error


async def _form(request: web.Request) -> tuple[dict[str, object], dict[str, bytes]]:
    if request.content_type != "multipart/form-data":
        raise _refused("request Content-Type isn't multipart/form-data")
    try:
        form = await request.post()
    except ValueError as error:
        raise _refused("multipart: NextPart: EOF") from error
    files = {key: value.file.read() for key, value in form.items() if isinstance(value, FileField)}
    return {key: value for key, value in form.items() if isinstance(value, str)}, files


def _refused(text: str) -> Refusal:
    return Refusal(text_answer(text, 400))

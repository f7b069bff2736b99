"""Job requests as the gateway decodes them, with Go's words for what it cannot read."""

import io
import json
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp.web_request import FileField

from exporter.simulation.gateway.pipelines import Answer, Pipeline

_PICTURE_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")
_JSON_BYTES: Final = 16 * 2**20


class BadRequest(Exception):
    """The request cannot be read; the client gets the text with status 400."""


class Upload(msgspec.Struct, frozen=True):
    """A file of a form."""

    name: str
    data: bytes
    kind: str


class Job(msgspec.Struct, kw_only=True):
    """A decoded request: plain fields, and the file of a multipart one (empty when missing)."""

    pipeline: Pipeline
    model: str
    fields: dict[str, Any]
    file: Upload

    @property
    def prompt(self) -> str:
        """The prompt; an empty one is accepted."""
        return str(self.fields.get("prompt") or "")

    def whole(self, name: str, default: int) -> int:
        """A whole number of the fields, or the default where it is missing or none."""
        try:
            return int(self.fields.get(name) or default)
        except (TypeError, ValueError):
            return default


async def decode(request: web.Request, pipeline: Pipeline) -> Job:
    """Read a request. Raises `BadRequest`."""
    file = Upload("", b"", "application/octet-stream")
    if pipeline.multipart:
        fields, file = await _form(request, pipeline)
    else:
        fields = _json(await request.read(), pipeline)
    if pipeline.answer is Answer.LANGUAGE:
        wanted = ("model", "messages", "stream", "max_tokens")
        if any(fields.get(name) is None for name in wanted) or not fields["messages"]:
            raise BadRequest("missing required fields")
    model = fields.get(pipeline.model_field)
    return Job(
        pipeline=pipeline,
        model=pipeline.default_model if model is None else str(model),
        fields=fields,
        file=file,
    )


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height, or `None` where the bytes are no picture."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_PICTURE_FORMATS) as picture:
            return picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _json(body: bytes, pipeline: Pipeline) -> dict[str, Any]:
    text = body.decode("utf-8", "replace").lstrip()
    if not text:
        raise BadRequest("EOF")
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        rest = text[error.pos :].strip()
        if not rest or "Unterminated" in error.msg:
            raise BadRequest("unexpected EOF") from None
        raise BadRequest(f"invalid character '{rest[0]}' looking for beginning of value") from None
    except RecursionError:
        raise BadRequest("exceeded max depth") from None
    if not isinstance(value, dict):
        raise BadRequest(f"json: cannot unmarshal {_kind(value)} into Go value")
    return _known(value, pipeline)


def _known(value: dict[str, Any], pipeline: Pipeline) -> dict[str, Any]:
    """Only what the gateway knows goes on, and only with the right kind of value."""
    fields: dict[str, Any] = {}
    for word in pipeline.fields.split():
        name, whole = word.rstrip("*"), word.endswith("*")
        if value.get(name) is None:
            continue
        found = value[name]
        if whole and (isinstance(found, bool) or not isinstance(found, int)):
            raise BadRequest(_mismatch(found, name, "int"))
        if name in ("prompt", "text", "model", "model_id") and not isinstance(found, str):
            raise BadRequest(_mismatch(found, name, "string"))
        if name == "stream" and not isinstance(found, bool):
            raise BadRequest(_mismatch(found, name, "bool"))
        if name == "messages" and not isinstance(found, list):
            raise BadRequest(_mismatch(found, name, "[]worker.LLMMessage"))
        fields[name] = found
    return fields


async def _form(request: web.Request, pipeline: Pipeline) -> tuple[dict[str, Any], Upload]:
    if request.content_type != "multipart/form-data":
        raise BadRequest("request Content-Type isn't multipart/form-data")
    if "boundary=" not in request.headers.get("Content-Type", ""):
        raise BadRequest("no multipart boundary param in Content-Type")
    try:
        form = await request.post()
    except (ValueError, AssertionError) as error:
        raise BadRequest("multipart: NextPart: EOF") from error
    fields: dict[str, Any] = {}
    file = Upload("", b"", "application/octet-stream")
    names = {word.rstrip("*") for word in pipeline.fields.split()}
    for name, value in form.items():
        if isinstance(value, FileField):
            if name == pipeline.file:
                file = Upload(value.filename, value.file.read(), value.content_type)
        elif name in names:
            fields[name] = value if isinstance(value, str) else bytes(value).decode()
    return fields, file


def _mismatch(found: object, name: str, kind: str) -> str:
    return f"json: cannot unmarshal {_kind(found)} into Go struct field .{name} of type {kind}"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object" if value is not None else "null"

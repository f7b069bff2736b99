"""Jobs that send a file: forms as the network's gateways read them."""

import hashlib
from collections.abc import Mapping

import httpx
import msgspec

from exporter.pipelines.job import Request, SentFile

_NOWHERE = "http://nowhere.invalid"


def form_request(
    pipeline: str,
    fields: Mapping[str, str | float | bool],
    file: tuple[str, str, bytes, str],
) -> Request:
    """Make a request with text fields and one file: its field, name, content and media type."""
    field, name, content, media_type = file
    texts = {key: _text(value) for key, value in fields.items()}
    # Of the content, so that the same job is the same bytes; no file can hold its own hash.
    boundary = hashlib.sha256(content).hexdigest()[:32]
    form = httpx.Request(
        "POST",
        _NOWHERE,
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        data=texts,
        files={field: (name, content, media_type)},
    )
    body = form.read()
    return Request(
        path=f"/{pipeline}",
        headers={"Content-Type": form.headers["Content-Type"], "Accept": "application/json"},
        body=body,
        file=SentFile(start=body.index(content), bytes=len(content), media_type=media_type),
        summary=msgspec.json.encode(
            {**fields, field: f"{media_type}, {len(content)} bytes"}
        ).decode(),
    )


def _text(value: str | float | bool) -> str:  # noqa: FBT001 - a field of a form
    return str(value).lower() if isinstance(value, bool) else str(value)

"""Jobs that the simulation's crafts do, without a network between."""

from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP
from random import Random

import msgspec

from exporter.pipelines import Answer, Media, Request
from exporter.simulation.craft.product import Maker, Product
from exporter.simulation.workload import Job

TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
}


def job_of(request: Request) -> Job:
    """The job as a runner gets it."""
    pipeline = request.path.removeprefix("/")
    fields, files = read(request)
    model = fields.get("model" if pipeline == "llm" else "model_id")
    return Job(pipeline=pipeline, model=str(model), fields=fields, files=files, via="direct")


def read(request: Request) -> tuple[dict[str, object], dict[str, bytes]]:
    """The text fields and the files of a request."""
    kind = request.headers["Content-Type"]
    if kind == "application/json":
        return msgspec.json.decode(request.body, type=dict[str, object]), {}
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    fields: dict[str, object] = {}
    files: dict[str, bytes] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + request.body).iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is None:
            fields[name] = content.decode()
        else:
            files[name] = content
    return fields, files


def answer_of(product: Product) -> Answer:
    """What the tester is handed, with the media fetched."""
    media = tuple(
        Media(
            url=f"/stream/0/0.{one.suffix}",
            content_type=TYPES.get(one.suffix, "application/octet-stream"),
            body=one.data,
        )
        for one in product.media
    )
    if product.events:
        return Answer(body=b"".join(product.events))
    document = _with_urls(product.document, iter([one.url for one in media]))
    return Answer(body=msgspec.json.encode(document), media=media)


def _with_urls(value: object, urls: Iterator[str]) -> object:
    """The document with the places of its media filled in, in order."""
    if isinstance(value, dict):
        return {
            key: next(urls) if (key, item) == ("url", "") else _with_urls(item, urls)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_with_urls(item, urls) for item in value]
    return value


def answered(request: Request, maker: Maker, rng: Random) -> Answer:
    """The answer that a craft gives to a request."""
    return answer_of(maker(job_of(request), rng))

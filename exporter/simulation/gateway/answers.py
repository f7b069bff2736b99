"""Answers as Go's HTTP server sends them: counted while they are small, in chunks above that."""

from typing import Final

import msgspec
from aiohttp import web

_COUNTED_BYTES: Final = 2048
_HIDDEN: Final = {500: "Internal Server Error", 503: "Service Unavailable Error"}


def job_answer(value: object, status: int = 200) -> web.Response:
    """JSON with the newline that Go's encoder puts at its end."""
    return plain_json(msgspec.json.encode(value) + b"\n", status)


def cli_answer(value: object) -> web.Response:
    """JSON without a newline, as the CLI port sends it."""
    return plain_json(msgspec.json.encode(value))


def error_answer(status: int, cause: str) -> web.Response:
    """Only a 400 tells its cause; the client of others never learns it."""
    return job_answer({"error": {"message": _HIDDEN.get(status, cause)}}, status)


def plain_json(body: bytes, status: int = 200) -> web.Response:
    """Encoded JSON, with a length only while Go would know it."""
    answer = web.Response(body=body, status=status, content_type="application/json")
    if len(body) > _COUNTED_BYTES:
        answer.enable_chunked_encoding()
    return answer

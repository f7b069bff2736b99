"""What holds for every request: no trace to strangers, headers that tie a browser's hands."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from exporter.stores import StoreError
from exporter.web.answers import json_error, plain_error
from exporter.web.legacy_answers import PATHS, READ_PATHS, busy
from exporter.web.parameters import BadParameterError

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SLASHES: Final = re.compile("/{2,}")
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Server": "livepeer-exporter",
}


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong into a short answer; what was not foreseen is logged."""
    try:
        return await handler(request)
    except BadParameterError as error:
        return json_error(str(error), 400)
    except web.HTTPException as error:
        return _moved(request) or _refused(error)
    except StoreError as error:
        log.warning("the store cannot be asked", extra={"path": request.path, "why": str(error)})
        if request.path in READ_PATHS:
            return busy("the store cannot be asked at the moment; try again later")
        return plain_error("503 the store cannot be asked at the moment, try again later", 503)
    except Exception:
        log.exception("a request failed", extra={"path": request.path, "method": request.method})
        return plain_error("500 internal server error", 500)


def _refused(error: web.HTTPException) -> web.Response:
    if error.status == web.HTTPNotFound.status_code:
        return plain_error("404 page not found", error.status)
    answer = plain_error(f"{error.status} {error.reason.lower()}", error.status)
    if isinstance(error, web.HTTPMethodNotAllowed):
        answer.headers["Allow"] = ",".join(sorted(error.allowed_methods))
    return answer


def _moved(request: web.Request) -> web.Response | None:
    """A path with double slashes is that with single ones, as in the original."""
    path, question_mark, query = request.raw_path.partition("?")
    if "//" not in path or not path.startswith("/"):
        return None
    path = _SLASHES.sub("/", path).replace("\\", "%5C")  # some take a backslash for a slash
    return web.Response(
        status=web.HTTPTemporaryRedirect.status_code,
        headers={"Location": path + question_mark + query},
    )


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add what every answer carries (a signal handler for `on_response_prepare`).

    Answers of the leaderboard API have the headers of the original alone.
    """
    if request.path in PATHS:
        response.headers.popall("Server", None)
    else:
        response.headers.update(_HEADERS)

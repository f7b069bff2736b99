"""The relay's HTTP: who may ask, how much, and JSON-RPC taken apart and put together."""

import asyncio
import logging
import secrets
from typing import Any, Final

import msgspec
from aiohttp import web

from exporter.ethereum.relay import answers
from exporter.ethereum.relay.relay import Relay

BODY_LIMIT: Final = 256 * 1024
BATCH_LIMIT: Final = 100
NESTED_LIMIT: Final = 2000
"""Lists and objects in a body at most: a decoder that goes down too far may end the process."""
AT_ONCE: Final = 1000
"""Calls under way at the same time at most."""
BODY_TIMEOUT: Final = 10.0
"""Seconds within which a body has to be there."""

_JSON: Final = "application/json"

log = logging.getLogger(__name__)


def new_token() -> str:
    """What only those who may ask know."""
    return secrets.token_urlsafe(24)


def relay_app(relay: Relay, token: str) -> web.Application:
    """The application: JSON-RPC by POST at `/TOKEN`, and nothing else anywhere."""
    desk = _Desk(relay, f"/{token}")
    app = web.Application(client_max_size=BODY_LIMIT)
    app.router.add_route("*", "/{path:.*}", desk.handle)
    return app


class _Desk:
    """Takes requests."""

    def __init__(self, relay: Relay, path: str) -> None:
        self._relay = relay
        self._path = path.encode()
        self._under_way = 0

    async def handle(self, request: web.Request) -> web.Response:
        if not secrets.compare_digest(request.raw_path.encode("utf-8", "replace"), self._path):
            return web.Response(status=404, text="not found\n")
        if request.method != "POST":
            return web.Response(status=405, text="JSON-RPC by POST\n", headers={"Allow": "POST"})
        return await self._answered(request)

    async def _answered(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _wrong(answers.NO_REQUEST, f"more than {BODY_LIMIT} bytes", status=413)
        except TimeoutError:
            return _wrong(answers.NO_REQUEST, "the body did not come in time", status=408)
        try:
            text = await self._answer(body)
        except Exception:
            log.exception("the relay could not handle a call")
            return _wrong(answers.FAILED, "the relay could not handle this")
        status = 200 if text is not None else 204
        return web.Response(status=status, body=text, content_type=_JSON)

    async def _answer(self, body: bytes) -> bytes | None:
        if body.count(b"[") + body.count(b"{") > NESTED_LIMIT:
            message = f"more than {NESTED_LIMIT} lists and objects"
            return answers.response(None, answers.error(answers.NO_REQUEST, message))
        try:
            document = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return answers.response(None, answers.error(answers.NO_JSON, "that is no JSON"))
        if not isinstance(document, list):
            return await self._one(document)
        if not 0 < len(document) <= BATCH_LIMIT:
            message = f"a batch of 1 to {BATCH_LIMIT} calls is expected, found {len(document)}"
            return answers.response(None, answers.error(answers.NO_REQUEST, message))
        found = await asyncio.gather(*map(self._one, document))
        texts = [text for text in found if text is not None]
        return b"[" + b",".join(texts) + b"]" if texts else None

    async def _one(self, call: object) -> bytes | None:
        """The response to one call; `None` to a notification, which gets none."""
        if not isinstance(call, dict):
            return _no_request(None, "an object with `method` and `params` is expected")
        method, params, identity = call.get("method"), call.get("params", []), call.get("id")
        if identity is not None and not isinstance(identity, int | float | str):
            return _no_request(None, "an id that is a number or a text is expected")
        if not isinstance(method, str):
            return _no_request(identity, "the name of a method is expected")
        if not isinstance(params, list | type(None)):
            return _no_request(identity, "a list of parameters is expected")
        if self._under_way >= AT_ONCE:
            message = f"more than {AT_ONCE} calls at the same time"
            return answers.response(identity, answers.error(answers.TOO_MANY, message))
        self._under_way += 1
        try:
            member = await self._relay.answer(method, params or [])
        finally:
            self._under_way -= 1
        return answers.response(identity, member) if "id" in call else None


def _no_request(identity: Any, message: str) -> bytes:  # noqa: ANN401 - JSON
    return answers.response(identity, answers.error(answers.NO_REQUEST, message))


def _wrong(code: int, message: str, *, status: int = 200) -> web.Response:
    text = answers.response(None, answers.error(code, message))
    return web.Response(status=status, body=text, content_type=_JSON)

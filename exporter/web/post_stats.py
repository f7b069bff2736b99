"""`POST /api/post_stats`: results of others, committed to the outbox before they are confirmed."""

import asyncio
import hmac
import logging
import re
import uuid
from collections.abc import Sequence
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from exporter.leaderboard.go_json_reader import GoJsonError, PostedStat, read_stat
from exporter.leaderboard.posting import UnstorableError, job_type, measurement
from exporter.model import Measurement, encode, pipeline_uri
from exporter.outbox import OutboxError
from exporter.settings import PostSecret
from exporter.web.context import Context
from exporter.web.known_regions import known_regions
from exporter.web.legacy_answers import error_line
from exporter.web.new_targets import NewTargets

log = logging.getLogger(__name__)

PATIENCE: Final = 60.0
"""Seconds that a body may take to arrive."""
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")
_QUICK: Final = 64 * 2**10
"""Bytes of a body that is read without a thread."""
ROOM: Final = 128 * 2**20
"""Bytes that all bodies of more than `_QUICK` may have while nobody knows yet who sends them."""
_PREFLIGHT: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS, PUT, DELETE",
    "Access-Control-Allow-Headers": "Accept, Content-Type, Content-Length, Accept-Encoding, "
    "X-CSRF-Token, Authorization",
}


class RefusedError(Exception):
    """A post is not taken: what is said, with which status, and the name under which it counts."""

    def __init__(self, text: str, status: int, result: str) -> None:
        super().__init__(text)
        self.status = status
        self.result = result


class PostStats:
    """The route of one application."""

    def __init__(self, here: Context) -> None:
        self._here = here
        self._secrets: Sequence[PostSecret] = here.settings.leaderboard.secrets
        self._new_targets = NewTargets(here.settings.leaderboard.new_targets)
        self._warned: set[tuple[str, str]] = set()
        self._arriving = 0
        """Bytes of bodies that are not whole yet."""

    async def handle(self, request: web.Request) -> web.Response:
        """Take a post, by any method, in the original's order of checks."""
        poster = ""
        try:
            body = await self._body(request)
            secret = self._who_signed(body, request.headers.get("Authorization", ""))
            poster = secret.name
            stat = await _read(body)
            result = await self._take(stat, secret)
            answer = web.Response(text="ok", content_type="text/plain", charset="utf-8")
        except RefusedError as error:
            result = error.result
            answer = web.Response(
                text=error_line(str(error)),
                status=error.status,
                content_type="text/plain",
                charset="utf-8",
                headers={"X-Content-Type-Options": "nosniff"},
            )
        self._here.counts.posts[poster, result] += 1
        return _preflight(answer) if request.method == "OPTIONS" else answer

    async def _body(self, request: web.Request) -> bytes:
        limit = self._here.settings.leaderboard.post_limit
        if not _SIGNATURE.fullmatch(request.headers.get("Authorization", "")):
            raise _unauthenticated()  # whatever the body is
        too_large = RefusedError(f"a post may have at most {limit} bytes", 413, "too large")
        if (request.content_length or 0) > limit:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(PATIENCE):
                async for part in request.content.iter_any():
                    body += part
                    self._arriving += len(part)
                    if len(body) > limit:
                        raise too_large
                    if len(body) > _QUICK and self._arriving > ROOM:
                        said = "too many large posts are coming in, try again later"
                        raise RefusedError(said, 503, "not stored")
        except TimeoutError:
            raise RefusedError("the body did not arrive in time", 408, "too slow") from None
        except (ConnectionError, web.RequestPayloadError, HttpProcessingError):
            raise RefusedError("the body broke off", 400, "broken off") from None
        finally:
            self._arriving -= len(body)
        return bytes(body)

    def _who_signed(self, body: bytes, signature: str) -> PostSecret:
        """Whose secret the body is signed with; every one is tried, whichever fits."""
        given = signature.encode()
        found: PostSecret | None = None
        for secret in self._secrets:
            key = secret.secret.get_secret_value().encode()
            expected = hmac.new(key, body, "sha256").hexdigest().encode()
            if hmac.compare_digest(expected, given):
                found = secret
        if found is None:
            raise _unauthenticated()
        return found

    async def _take(self, stat: PostedStat, secret: PostSecret) -> str:
        """Commit a stat; gives the name under which it counts. Raises `RefusedError`."""
        regions = {(one["id"], one["type"]) for one in known_regions(self._here)}
        if stat.region not in {id_ for id_, _ in regions}:
            raise RefusedError("invalid region", 400, "invalid region")
        if secret.regions and stat.region not in secret.regions:
            said = f"this secret may not post for {stat.region}"
            raise RefusedError(said, 403, "region not allowed")
        if (stat.region, job_type(stat)) not in regions:
            self._warn(secret, stat)
            return "region without type"
        await self._commit(self._measurement(stat, secret))
        return "stored"

    def _measurement(self, stat: PostedStat, secret: PostSecret) -> Measurement:
        here = self._here
        try:
            made = measurement(
                stat, id_=str(uuid.uuid4()), tester=secret.name, received_at=here.now()
            )
        except UnstorableError as error:
            raise RefusedError(str(error), 400, "cannot be stored") from error
        if len(encode(made)) > here.store.largest:
            said = f"the store takes at most {here.store.largest} bytes of one stat"
            raise RefusedError(said, 413, "too large")
        known = here.prepared.snapshot.targets if here.prepared.snapshot is not None else ()
        # As the store keeps them apart: of transcoding, a pipeline has one spelling there.
        pipeline = stat.pipeline if job_type(stat) == "ai" else pipeline_uri(stat.pipeline)
        target = (stat.orchestrator, pipeline, stat.model)
        if not self._new_targets.allow(secret.name, target, known=known, now=here.now()):
            raise RefusedError(
                "this secret has brought up too many new orchestrators, pipelines and models today",
                400,
                "too many new targets",
            )
        return made

    async def _commit(self, made: Measurement) -> None:
        try:
            await self._here.outbox.put(made)
        except OutboxError as error:
            log.warning("a post could not be stored", extra={"why": str(error)})
            raise RefusedError(
                "it cannot be stored at the moment, try again later", 503, "not stored"
            ) from error

    def _warn(self, secret: PostSecret, stat: PostedStat) -> None:
        """Say once for each region what the sender is not told."""
        about = (secret.name, stat.region)
        if about not in self._warned:
            self._warned.add(about)
            log.warning(
                "posts are left out, since their region has no such type (leaderboard.regions); "
                "the sender is told ok, as the original does",
                extra={"tester": secret.name, "region": stat.region, "type": job_type(stat)},
            )


async def _read(body: bytes) -> PostedStat:
    try:
        if len(body) <= _QUICK:
            return read_stat(body)
        return await asyncio.to_thread(read_stat, body)
    except GoJsonError as error:
        raise RefusedError(str(error), 400, "malformed") from error


def _unauthenticated() -> RefusedError:
    return RefusedError("request can not be authenticated", 403, "not authenticated")


def _preflight(answer: web.Response) -> web.Response:
    """A browser's question before it posts: always 200, with the text of what would be said."""
    return web.Response(
        text=answer.text, content_type="text/plain", charset="utf-8", headers=_PREFLIGHT
    )

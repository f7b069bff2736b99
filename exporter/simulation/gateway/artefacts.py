"""Pictures, videos and sound: fetched from the orchestrator, kept in memory, served from there."""

import base64
import binascii
from random import Random
from typing import Final

from aiohttp import web

from exporter.simulation.gateway import messages
from exporter.simulation.gateway.clock import Clock
from exporter.simulation.gateway.durations import SECOND, show_duration
from exporter.simulation.gateway.glog import GatewayLog, RequestLog, quote
from exporter.simulation.gateway.orchestrators import FETCH_SECONDS, NotFetched, Orchestrators
from exporter.simulation.gateway.results import Audio, Images
from exporter.simulation.gateway.tweaks import GatewayTweaks
from exporter.simulation.serving import text_answer

STORE_BYTES: Final = 512 * 2**20
_KINDS: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "mp4": "video/mp4",
    "wav": "audio/wav",
    "json": "application/json",
}
_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Length",
    "Cache-Control": "max-age=5",
}


class Artefacts:
    """The memory store of a gateway. The real one is never cleared; this one has a bound."""

    def __init__(
        self, orchestrators: Orchestrators, clock: Clock, tweaks: GatewayTweaks, rng: Random
    ) -> None:
        self._orchestrators = orchestrators
        self._clock = clock
        self._tweaks = tweaks
        self._rng = rng
        self._kept: dict[str, bytes] = {}
        self.size = 0
        """Bytes kept."""

    async def take(
        self,
        log: RequestLog,
        result: Images | Audio,
        url: str,
        request_id: str,
    ) -> None:
        """Fetch what a result names, and let it name our own copy. Raises `SubmitFailed`."""
        if isinstance(result, Audio):
            result.audio.url = await self._one(log, result.audio.url, url, request_id)
            return
        result.images = result.images or []
        for media in result.images:
            media.url = await self._one(log, media.url, url, request_id)

    def serve(self, request: web.Request, log: GatewayLog) -> web.Response:
        """Answer a GET or HEAD under `/stream/`."""
        path = request.path
        log.say(messages.MEDIA_ASKED, path=path)
        data = self._kept.get(path)
        if data is None:
            log.say(messages.MEDIA_MISSING, path=path)
            missing = text_answer("ErrNotFound", 404)
            missing.headers.update(_HEADERS)
            return missing
        kind = _KINDS.get(path.rpartition(".")[2], "application/octet-stream")
        headers = _HEADERS | {"Connection": "keep-alive"}
        return web.Response(body=data, content_type=kind, headers=headers)

    async def _one(self, log: RequestLog, source: str, url: str, request_id: str) -> str:
        data = _inline(source)
        if data is not None:
            name = f"{self._rng.randbytes(4).hex()}.png"
        else:
            name = source.rpartition("/")[2]
            data = await self._fetch(log, source if "://" in source else url + source)
        return self._keep(f"/stream/{request_id}/{name}", data)

    async def _fetch(self, log: RequestLog, uri: str) -> bytes:
        log.say(messages.DOWNLOADING, uri=uri)
        started = self._clock.now()
        limit = 0.0 if self._tweaks.artefacts_fail else FETCH_SECONDS
        try:
            data = await self._orchestrators.fetch(uri, limit)
        except NotFetched as error:
            quoted = quote(error)
            if error.status is not None:
                log.say(messages.DOWNLOAD_REFUSED, status=error.status, uri=uri)
            elif error.begun:
                log.say(messages.DOWNLOAD_CUT, uri=uri, error=quoted)
            else:
                log.say(messages.NOT_DOWNLOADED, uri=uri, error=quoted)
            raise
        took = show_duration(int((self._clock.now() - started) * SECOND))
        log.say(messages.DOWNLOADED, uri=uri, took=took, size=len(data))
        return data

    def _keep(self, path: str, data: bytes) -> str:
        self.size += len(data) - len(self._kept.pop(path, b""))
        self._kept[path] = data
        while self.size > STORE_BYTES:
            oldest = next(iter(self._kept))
            self.size -= len(self._kept.pop(oldest))
        return path


def _inline(source: str) -> bytes | None:
    head, comma, data = source.partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        return None
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None

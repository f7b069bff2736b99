"""What is asked of a gateway's CLI port: whether it lives, and whom it is pinned to."""

from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import msgspec

from exporter.discovery.fetch import get, trust
from exporter.discovery.listing import SourceError

STATUS_LIMIT: Final = 4 * 2**20


class Status(msgspec.Struct, frozen=True, rename="pascal"):
    """The part of `GET /status` that matters."""

    orchestrator_pool: list[str] | None = None

    def pinned_to(self, uri: str) -> bool:
        """Whether the pool is this one orchestrator and nobody else."""
        pool = self.orchestrator_pool or []
        return len(pool) == 1 and _normal(pool[0]) == _normal(uri)


async def status(cli_url: str, *, timeout: float) -> Status | None:
    """Ask a gateway how it is; `None` if it does not answer as a gateway within the timeout."""
    try:
        reply = await get(
            f"{cli_url}/status", timeout=timeout, tls=trust(cli_url), limit=STATUS_LIMIT
        )
    except SourceError:
        return None
    if reply.status != HTTPStatus.OK:
        return None
    try:
        return msgspec.json.decode(reply.body, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _normal(uri: str) -> tuple[str, str, int | None, str] | str:
    try:
        parts = urlsplit(uri)
        return parts.scheme, (parts.hostname or "").lower(), parts.port, parts.path.rstrip("/")
    except ValueError:
        return uri

"""The rows of a store that a running station has open, asked of its API."""

from types import TracebackType
from typing import Final, Self, TypeVar

import httpx
import msgspec

from exporter.model import decode
from exporter.moments import seconds_text
from exporter.moving import MovingError
from exporter.settings import Settings
from exporter.shown import printable
from exporter.stores import Place, Row, Where, Window

T = TypeVar("T")

_TIMEOUT: Final = 120.0
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}  # noqa: S104


class _Row(msgspec.Struct):
    outbox: str
    seq: int
    payload: msgspec.Raw


class _Page(msgspec.Struct):
    rows: list[_Row]


class _Store(msgspec.Struct):
    measurements: int | None


class _Status(msgspec.Struct):
    tester: str
    region: str
    store: _Store


class StationRows:
    """A `Source` that asks a station. Every method raises `MovingError`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT)

    async def check(self, settings: Settings) -> None:
        """Make sure that it is the station of these settings."""
        status = await self._status()
        if (status.tester, status.region) != (settings.tester, settings.region):
            raise MovingError(
                f"the station at {self._url} is of tester {status.tester}, region "
                f"{status.region}, and not of these settings; see station.listen"
            )

    async def count(self) -> int:
        """How many measurements its store has."""
        return (await self._status()).store.measurements or 0

    async def rows(
        self, window: Window, where: Where, *, after: Place | None, limit: int
    ) -> list[Row]:
        """See `Store.rows`; gives fewer than `limit` where they are large, none at the end."""
        asked = {
            "since": seconds_text(window.since),
            "until": seconds_text(window.until),
            "orchestrator": where.orchestrator,
            "region": where.region,
            "pipeline": where.pipeline,
            "model": where.model,
            "after_time": None if after is None else str(after.started_at),
            "after_id": None if after is None else after.id,
            "limit": str(limit),
        }
        given = {name: value for name, value in asked.items() if value is not None}
        page = await self._get("measurements", _Page, given)
        try:
            return [Row(row.outbox, row.seq, decode(bytes(row.payload))) for row in page.rows]
        except (msgspec.MsgspecError, ValueError, TypeError) as error:
            raise MovingError(
                f"the station at {self._url} gives measurements that this version cannot read: "
                f"{error}"
            ) from error

    async def _status(self) -> _Status:
        return await self._get("status", _Status, {})

    async def _get(self, route: str, kind: type[T], asked: dict[str, str]) -> T:
        try:
            response = await self._client.get(f"{self._url}/api/v1/{route}", params=asked)
        except httpx.HTTPError as error:
            raise MovingError(
                f"no station answers at {self._url}: {str(error) or type(error).__name__}"
            ) from error
        if response.status_code != httpx.codes.OK:
            said = printable(response.text.strip()[:300])
            raise MovingError(
                f"the station at {self._url} refused with status {response.status_code}: {said}"
            )
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.MsgspecError as error:
            raise MovingError(f"what answers at {self._url} is no station: {error}") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()


def address(settings: Settings) -> str:
    """The base URL of the station of these settings."""
    host, _, port = settings.station.listen.rpartition(":")
    return f"http://{_EVERYWHERE.get(host, host)}:{port}"

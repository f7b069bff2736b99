"""The other leaderboard, which is not trusted: what it is asked, and what its answers mean."""

import asyncio
import hashlib
import hmac
from typing import Annotated, Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from exporter.delivery.feed import DeliveryError
from exporter.leaderboard.stat import Stat
from exporter.model import normal_orchestrator
from exporter.reply import Reply, ReplyError, trust, whole
from exporter.settings.leaderboard import PostTarget

T = TypeVar("T")

_OK: Final = 200
_REDIRECTS: Final = range(300, 400)
_BAD: Final = 400
_TIMED_OUT: Final = 408
_ABOUT_THE_STAT: Final = (_BAD, 413, 422)
_SERVER_ERRORS: Final = 500
_KEPT_ALIVE: Final = 2.0
"""Seconds that an idle connection is used again: servers close theirs after 5 s and more, and a
post that meets the end of one has to be looked up."""
_POST_LIMIT: Final = 64 * 2**10
_REGIONS_LIMIT: Final = 2**20
_STATS_LIMIT: Final = 32 * 2**20
_MOST_REGIONS: Final = 2000


class NotSentError(DeliveryError):
    """The leaderboard was not reached: it does not have the stat."""


class UnclearError(DeliveryError):
    """Nobody knows whether the leaderboard has the stat."""


class NoRegionError(DeliveryError):
    """The leaderboard does not know the region: it does not have the stat."""


class StatRefusedError(Exception):
    """The leaderboard will never take the stat; the message says why."""


class Seen(msgspec.Struct, frozen=True):
    """What an answer about stats had in it."""

    equal: int
    """Stats that are the one that was looked for."""
    age: int
    """Seconds that the answer was kept by a cache on the way."""


class _Region(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(max_length=100)]
    type: Annotated[str, msgspec.Meta(max_length=100)]


class _Regions(msgspec.Struct):
    regions: Annotated[list[_Region], msgspec.Meta(max_length=_MOST_REGIONS)]


class Remote:
    """One leaderboard of `leaderboard.post_to`. Every method raises `DeliveryError`.

    No request is repeated here, and no redirect followed.
    """

    def __init__(self, target: PostTarget) -> None:
        self.url = target.url
        self._secret = target.secret
        self._timeout = target.timeout
        self._client = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=target.timeout,
            verify=trust(target.url),
            limits=httpx.Limits(keepalive_expiry=_KEPT_ALIVE),
            headers={"Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        """Close its connection."""
        await self._client.aclose()

    async def check_region(self, region: str) -> None:
        """Make sure that it keeps AI results of a region; it would say `ok` and drop them.

        Raises `NoRegionError`.
        """
        found = await self._ask("regions", "", _REGIONS_LIMIT, _Regions)
        there = sorted({one.id for one in found[0].regions if one.type == "ai"})
        if region not in there:
            has = ", ".join(map(ascii, there[:20])) or "none"
            raise NoRegionError(
                f"{self.url} has no region {region!a} for AI results (it has {has}) and would "
                "not keep ours: nothing is posted; have the region added there, or set `region` "
                "to one of those"
            )

    async def look(self, stat: Stat, since: float) -> Seen:
        """How many stats equal to this one it stored after a moment (Unix seconds, its clock)."""
        asked = {
            "orchestrator": stat.orchestrator,
            "pipeline": stat.pipeline,
            "model": stat.model,
            "region": stat.region,
            "job_type": "ai",
            "since": f"{max(since, 0.0):.6f}",
        }
        query = "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
        found, age = await self._ask("raw_stats", query, _STATS_LIMIT, dict[str, list[msgspec.Raw]])
        return Seen(await asyncio.to_thread(_count, found, stat), age)

    async def post(self, body: bytes) -> None:
        """Post a stat; without an exception the leaderboard says that it has it.

        Raises `UnclearError` where it may have it, `StatRefusedError` where it never will, and
        another `DeliveryError` where it certainly does not have it now.
        """
        key = self._secret.get_secret_value().encode()
        headers = {
            "Content-Type": "application/json",
            "Authorization": hmac.new(key, body, hashlib.sha256).hexdigest(),
        }
        reply = await self._exchange("POST", "post_stats", _POST_LIMIT, headers, body)
        if reply.status == _OK and reply.body.strip() == b"ok":
            return
        status = reply.status
        said = f"POST {self.url}/api/post_stats: status {status}: {reply.line}"
        if status >= _SERVER_ERRORS or status < _REDIRECTS.start or status == _TIMED_OUT:
            raise UnclearError(
                f"{said}; whether it has the result is looked up before it is sent again"
            )
        if status == _BAD and "invalid region" in reply.line:
            raise NoRegionError(f"{said}; have the region added there")
        if status in _ABOUT_THE_STAT:
            raise StatRefusedError(f"status {status}: {reply.line}")
        raise DeliveryError(f"{said}; {_advice(status)}; it is tried again")

    async def _ask(self, route: str, query: str, limit: int, kind: type[T]) -> tuple[T, int]:
        # A cache on the way shall ask the server itself.
        headers = {"Accept": "application/json", "Cache-Control": "no-cache"}
        reply = await self._exchange("GET", route + query, limit, headers)
        said = f"GET {self.url}/api/{route}"
        if reply.status != _OK:
            raise DeliveryError(f"{said}: status {reply.status}: {reply.line}")
        try:
            found = await asyncio.to_thread(msgspec.json.decode, reply.body, type=kind)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise DeliveryError(f"{said}: is no answer of a leaderboard: {error}") from None
        return found, reply.age

    async def _exchange(
        self, method: str, path: str, limit: int, headers: dict[str, str], body: bytes | None = None
    ) -> Reply:
        began = False

        async def trace(event: str, _: object) -> None:
            nonlocal began
            began = began or event.endswith("send_request_headers.started")

        url = f"{self.url}/api/{path}"
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._client.stream(
                    method, url, content=body, headers=headers, extensions={"trace": trace}
                ) as response,
            ):
                return await whole(response, limit)
        except (TimeoutError, httpx.TimeoutException):
            why = f"no whole answer within {self._timeout:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ReplyError) as error:
            why = str(error) or type(error).__name__
        failure = UnclearError if began else NotSentError
        raise failure(f"{method} {self.url}/api/{path.partition('?')[0]}: {why}")


def _advice(status: int) -> str:
    if status in (401, 403):
        return "see whether `leaderboard.post_to` has the secret that it knows us by"
    if status in (404, 405) or status in _REDIRECTS:
        return "see whether `leaderboard.post_to` has its base URL"
    return "it takes nothing now"


def _count(found: dict[str, list[msgspec.Raw]], stat: Stat) -> int:
    looked_for = _plain(stat)
    return sum(_read(one) == looked_for for of_region in found.values() for one in of_region)


def _read(raw: msgspec.Raw) -> Stat | None:
    """A stat; `None` for what is not of our shape, and so not ours."""
    try:
        return _plain(msgspec.json.decode(raw, type=Stat))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _plain(stat: Stat) -> Stat:
    """What leaderboards may write in two ways, in one."""
    orchestrator = normal_orchestrator(stat.orchestrator)
    return msgspec.structs.replace(stat, orchestrator=orchestrator, errors=stat.errors or [])

"""Asking another leaderboard, which is not trusted: bounded, nothing followed, strictly decoded."""

import re
from collections.abc import AsyncGenerator, Callable
from email.utils import parsedate_to_datetime
from typing import Annotated, Final, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from exporter.discovery.fetch import Reply, TooLargeError, get, trust
from exporter.discovery.listing import SourceError
from exporter.leaderboard.stat import Stat
from exporter.model import is_eth_address, normal_orchestrator, pipeline_uri
from exporter.moving import MovingError
from exporter.shown import printable

T = TypeVar("T")

CAP: Final = 10_000
"""Stats of one answer at which it may be cut off: then it is asked for by shorter windows."""
BODY_LIMIT: Final = 32 * 2**20
_TIMEOUT: Final = 60.0
_OK: Final = 200
_MOST_MODELS: Final = 2000

_Name = Annotated[str, msgspec.Meta(max_length=300)]
_Models = Annotated[list[_Name], msgspec.Meta(max_length=_MOST_MODELS)]


_LONGEST_DELAY: Final = 10**6


class RefusedError(MovingError):
    """The leaderboard answered with another status than 200.

    `retry_after` are the seconds for which it wants to be left alone, if it says so.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Span(NamedTuple):
    """Whole Unix seconds from `since`, before `until`."""

    since: int
    until: int

    def halves(self) -> "tuple[Span, Span]":
        """The two halves, that no moment lies in both of."""
        middle = (self.since + self.until) // 2
        return Span(self.since, middle), Span(middle, self.until)

    def asked(self) -> dict[str, str]:
        """Both ends of a window are inclusive, and whole microseconds.

        The last one is asked for by its middle: its begin, as a double, may lie in the one before.
        """
        return {"since": str(self.since), "until": f"{self.until - 1}.9999995"}


class Model(NamedTuple):
    """An AI model of a leaderboard, both names in its spelling; empty ones mean transcoding."""

    pipeline: str
    model: str

    def asked(self) -> dict[str, str]:
        """How its results are asked for."""
        if not self.pipeline:
            return {"job_type": "transcoding"}
        return {"pipeline": self.pipeline, "model": self.model, "job_type": "ai"}

    def covers(self, stat: Stat) -> bool:
        """Whether a stat is what was asked for."""
        if not self.pipeline:
            return not (stat.pipeline and stat.model)
        asked = pipeline_uri(self.pipeline), self.model
        return (pipeline_uri(stat.pipeline), stat.model) == asked

    def __str__(self) -> str:
        return f"{pipeline_uri(self.pipeline)} {self.model}".strip() or "transcoding"


class EveryModel:
    """All AI models at once."""

    def asked(self) -> dict[str, str]:
        """How their results are asked for."""
        return {"job_type": "ai"}

    def covers(self, stat: Stat) -> bool:
        """Whether a stat is of an AI job."""
        return bool(stat.pipeline and stat.model)

    def __str__(self) -> str:
        return "AI jobs"


TRANSCODING: Final = Model("", "")
EVERY_MODEL: Final = EveryModel()
Unreadable = Callable[[bytes], None]
"""Is told each stat that is none."""


class _Pipeline(msgspec.Struct):
    id: _Name
    models: _Models


class _Pipelines(msgspec.Struct):
    pipelines: Annotated[list[_Pipeline], msgspec.Meta(max_length=_MOST_MODELS)]


class Leaderboard:
    """Another leaderboard. Every method raises `MovingError`."""

    def __init__(self, url: str, *, timeout: float = _TIMEOUT, limit: int = BODY_LIMIT) -> None:
        self.base = _base(url)
        self.host = urlsplit(url).hostname or ""  # as the settings tell it
        self._timeout = timeout
        self._limit = limit
        self._tls = trust(self.base)

    async def models(self, span: Span) -> list[Model]:
        """What it has results of."""
        found = await self._ask("pipelines", span.asked(), _Pipelines)
        return [Model(one.id, model) for one in found.pipelines for model in one.models]

    async def orchestrators(self, model: Model, span: Span) -> list[str]:
        """Whom it has results of: lower-case addresses; other keys are left out."""
        asked = {**model.asked(), **span.asked()}
        found = await self._ask("aggregated_stats", asked, dict[str, msgspec.Raw])
        return sorted({normal_orchestrator(key) for key in found if is_eth_address(key)})

    async def clock(self) -> float:
        """Unix seconds by its own clock, as of when it answered, or when a cache of it did."""
        reply = await self._get("regions", {})
        try:
            return parsedate_to_datetime(reply.date).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            raise MovingError(f"{self.base}: does not tell the time with its answers") from None

    async def stats(
        self,
        orchestrator: str,
        model: Model | EveryModel,
        span: Span,
        *,
        unreadable: Unreadable | None = None,
    ) -> AsyncGenerator[list[Stat], None]:
        """Its stats of an orchestrator, by windows that answers are not too large for.

        A stat that cannot be read makes the whole answer invalid, unless `unreadable` takes it.
        """
        if span.until <= span.since:
            return
        asked = {"orchestrator": orchestrator, **model.asked(), **span.asked()}
        raws, why_not = await self._raws(asked)
        if not why_not:
            stats = self._read(raws, unreadable)
            self._check(stats, orchestrator, model)
            yield stats
            return
        if span.until - span.since == 1:
            raise MovingError(f"{why_not}, which it has in one second alone")
        for half in span.halves():
            async for part in self.stats(orchestrator, model, half, unreadable=unreadable):
                yield part

    async def _raws(self, asked: dict[str, str]) -> tuple[list[msgspec.Raw], str]:
        """All stats of one answer; or none, and why it is too large.

        Nothing of what is too large outlives this: there are as many such answers as halvings.
        """
        try:
            found = await self._ask("raw_stats", asked, dict[str, list[msgspec.Raw]])
        except _TooMuchError as error:
            return [], str(error)
        raws = [raw for of_region in found.values() for raw in of_region]
        if len(raws) >= CAP:
            return [], f"{self.base}: gives no more than {len(raws)} stats"
        return raws, ""

    def _read(self, raws: list[msgspec.Raw], unreadable: Unreadable | None) -> list[Stat]:
        stats = []
        for number, raw in enumerate(raws):
            try:
                stats.append(msgspec.json.decode(raw, type=Stat))
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                if unreadable is None:
                    raise MovingError(
                        f"{self.base}: stat {number} is none of a leaderboard: {error}"
                    ) from error
                unreadable(bytes(raw))
        return stats

    def _check(self, stats: list[Stat], orchestrator: str, model: Model | EveryModel) -> None:
        """Nobody may slip in what was not asked for."""
        for stat in stats:
            if normal_orchestrator(stat.orchestrator) != normal_orchestrator(
                orchestrator
            ) or not model.covers(stat):
                told = f"{stat.orchestrator} {pipeline_uri(stat.pipeline)} {stat.model}"
                raise MovingError(
                    f"{self.base}: was asked about {normal_orchestrator(orchestrator)} {model} "
                    f"and answers about {printable(told.strip())[:300]}"
                )

    async def _ask(self, route: str, asked: dict[str, str], kind: type[T]) -> T:
        reply = await self._get(route, asked)
        try:
            return msgspec.json.decode(reply.body, type=kind)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise MovingError(
                f"GET {self._url(route, asked)}: is no answer of a leaderboard: {error}"
            ) from error

    async def _get(self, route: str, asked: dict[str, str]) -> Reply:
        url = self._url(route, asked)
        try:
            reply = await get(url, timeout=self._timeout, tls=self._tls, limit=self._limit)
        except TooLargeError as error:
            raise _TooMuchError(str(error)) from error
        except SourceError as error:
            raise MovingError(str(error)) from error
        if reply.status != _OK:
            raise RefusedError(
                f"GET {url}: status {reply.status}: {reply.line}", _delay(reply.retry_after)
            )
        return reply

    def _url(self, route: str, asked: dict[str, str]) -> str:
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
        return f"{self.base}/api/{route}{'?' * bool(query)}{query}"


class _TooMuchError(MovingError):
    pass


def _delay(text: str) -> float | None:
    """The seconds of a `Retry-After`; `None` for none, or for one that is a date."""
    return float(min(int(text), _LONGEST_DELAY)) if re.fullmatch("[0-9]{1,9}", text) else None


def _base(text: str) -> str:
    """The URL without `/` at its end. Raises `MovingError`."""
    try:
        url = httpx.URL(text)
        host = url.host  # which is decoded only now
    except (httpx.InvalidURL, ValueError) as error:
        raise MovingError(f"the URL of the leaderboard is none ({error})") from error
    if url.scheme not in ("http", "https") or not host:
        raise MovingError("the leaderboard: expected a URL such as https://leaderboard.example.org")
    if url.userinfo or url.query or url.fragment:
        raise MovingError("the leaderboard: expected a URL without user, query and fragment")
    return str(url).rstrip("/")

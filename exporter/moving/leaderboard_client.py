"""Asking another leaderboard, which is not trusted: bounded, nothing followed, strictly decoded."""

from collections.abc import AsyncIterator
from typing import Annotated, Final, NamedTuple, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from exporter.discovery.fetch import TooLargeError, get, trust
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


class RefusedError(MovingError):
    """The leaderboard answered with another status than 200."""


class Span(NamedTuple):
    """Whole Unix seconds from `since`, before `until`."""

    since: int
    until: int

    def halves(self) -> "tuple[Span, Span]":
        """The two halves, that no moment lies in both of."""
        middle = (self.since + self.until) // 2
        return Span(self.since, middle), Span(middle, self.until)

    def asked(self) -> dict[str, str]:
        """Both ends of a window are inclusive, and whole microseconds."""
        return {"since": str(self.since), "until": f"{self.until - 1}.999999"}


class Model(NamedTuple):
    """An AI model of a leaderboard, both names in its spelling; empty ones mean transcoding."""

    pipeline: str
    model: str

    def asked(self) -> dict[str, str]:
        """How its results are asked for."""
        if not self.pipeline:
            return {"job_type": "transcoding"}
        return {"pipeline": self.pipeline, "model": self.model, "job_type": "ai"}


TRANSCODING: Final = Model("", "")


class _Pipeline(msgspec.Struct):
    id: _Name
    models: _Models


class _Pipelines(msgspec.Struct):
    pipelines: Annotated[list[_Pipeline], msgspec.Meta(max_length=_MOST_MODELS)]


class Leaderboard:
    """Another leaderboard. Every method raises `MovingError`."""

    def __init__(self, url: str, *, timeout: float = _TIMEOUT, limit: int = BODY_LIMIT) -> None:
        self.base = _base(url)
        self.host = httpx.URL(self.base).host
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

    async def stats(self, orchestrator: str, model: Model, span: Span) -> AsyncIterator[list[Stat]]:
        """Its stats of an orchestrator, by windows that answers are not too large for."""
        if span.until <= span.since:
            return
        asked = {"orchestrator": orchestrator, **model.asked(), **span.asked()}
        try:
            found = await self._ask("raw_stats", asked, dict[str, list[Stat]])
        except _TooMuchError as error:
            too_many: MovingError | None = error
        else:
            stats = [stat for of_region in found.values() for stat in of_region]
            too_many = None
            if len(stats) >= CAP:
                too_many = MovingError(f"{self.base}: gives no more than {len(stats)} stats")
        if too_many is None:
            self._check(stats, orchestrator, model)
            yield stats
            return
        if span.until - span.since == 1:
            raise MovingError(f"{too_many}, which it has in one second alone")
        for half in span.halves():
            async for part in self.stats(orchestrator, model, half):
                yield part

    def _check(self, stats: list[Stat], orchestrator: str, model: Model) -> None:
        """Nobody may slip in what was not asked for."""
        for stat in stats:
            asked = normal_orchestrator(orchestrator), pipeline_uri(model.pipeline), model.model
            told = normal_orchestrator(stat.orchestrator), pipeline_uri(stat.pipeline), stat.model
            transcoding = model == TRANSCODING and not (stat.pipeline and stat.model)
            if told[0] != asked[0] or not (transcoding or told == asked):
                raise MovingError(
                    f"{self.base}: was asked about {' '.join(asked).strip()} and answers about "
                    f"{printable(' '.join(told).strip())[:300]}"
                )

    async def _ask(self, route: str, asked: dict[str, str], kind: type[T]) -> T:
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
        url = f"{self.base}/api/{route}?{query}"
        try:
            reply = await get(url, timeout=self._timeout, tls=self._tls, limit=self._limit)
        except TooLargeError as error:
            raise _TooMuchError(str(error)) from error
        except SourceError as error:
            raise MovingError(str(error)) from error
        if reply.status != _OK:
            raise RefusedError(f"GET {url}: status {reply.status}: {reply.line}")
        try:
            return msgspec.json.decode(reply.body, type=kind)
        except (msgspec.MsgspecError, ValueError) as error:
            raise MovingError(f"GET {url}: is no answer of a leaderboard: {error}") from error


class _TooMuchError(MovingError):
    pass


def _base(text: str) -> str:
    """The URL without `/` at its end. Raises `MovingError`."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise MovingError(f"--from-leaderboard: is no URL ({error})") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise MovingError(
            "--from-leaderboard: expected a URL such as https://leaderboard.example.org"
        )
    if url.userinfo or url.query or url.fragment:
        raise MovingError("--from-leaderboard: expected a URL without user, query and fragment")
    return str(url).rstrip("/")

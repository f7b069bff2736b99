"""The query of the legacy read routes: defaults, and checks in the original's order."""

import math
from collections.abc import Callable
from typing import Final

import msgspec

from exporter.model import NANOSECONDS, normal_orchestrator, pipeline_uri
from exporter.stores import Where, Window, recent
from exporter.web.go_float import GoFloatError, parse_float
from exporter.web.parameters import split_query

_MICROSECOND: Final = 1000
_FARTHEST: Final = 9_000_000_000 * NANOSECONDS
"""About the year 2255: what is beyond it does not fit into 64 bits of nanoseconds."""


NAMES: Final = ("since", "until", "orchestrator", "region", "pipeline", "model", "job_type")


class LegacyQueryError(ValueError):
    """The query is refused with status 400; the message is the original's."""


class LegacyQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What the legacy routes are asked. Empty texts mean any."""

    window: Window
    by_default: bool
    """Whether the window is the default one, for neither of its ends was given."""
    orchestrator: str
    """Lower-case, to be compared with how orchestrators are spelled."""
    region: str
    pipeline: str
    model: str
    ai: bool
    """Whether AI jobs are asked for, and not transcoding."""

    @property
    def key(self) -> tuple[object, ...]:
        """What equal questions have in common: of default windows not the moment."""
        window = None if self.by_default else (self.window.since, self.window.until)
        return (window, self.orchestrator, self.region, self.pipeline, self.model, self.ai)

    @property
    def where(self) -> Where:
        """The rows that the query is about, but for its orchestrator."""
        return Where(
            region=self.region or None,
            pipeline=pipeline_uri(self.pipeline) if self.pipeline else None,
            model=self.model or None,
            addresses_only=True,
        )

    @property
    def where_orchestrator(self) -> Where:
        """These rows, of its orchestrator alone, in whatever spelling."""
        if not self.orchestrator:
            return self.where
        orchestrator = normal_orchestrator(self.orchestrator)
        return msgspec.structs.replace(self.where, orchestrator=orchestrator)


def read_query(raw: str, *, now: int, look_back: float) -> LegacyQuery:
    """Read and check a raw query string.

    `now` is Unix nanoseconds, `look_back` the seconds of the window where `since` is absent.
    Raises `LegacyQueryError`.
    """
    values, as_sent = split_query(raw), split_query(raw, "surrogateescape")
    by_default = recent(now, look_back)
    since = _moment(as_sent.get("since", ""), by_default.since)
    until = _moment(as_sent.get("until", ""), by_default.until)
    pipeline, model = values.get("pipeline", ""), values.get("model", "")
    if model and not pipeline:
        raise LegacyQueryError("pipeline required")
    if pipeline and not model:
        raise LegacyQueryError("model required")
    job_type = values.get("job_type", "")
    if job_type not in ("ai", "transcoding"):
        job_type = "ai" if pipeline and model else "transcoding"
    return LegacyQuery(
        window=Window(since=since, until=until + _MICROSECOND - 1),
        by_default=not values.get("since") and not values.get("until"),
        orchestrator=_each(str.lower, values.get("orchestrator", "")),
        region=_each(str.upper, values.get("region", "")),
        pipeline=pipeline,
        model=model,
        ai=job_type == "ai",
    )


def _each(change: Callable[[str], str], text: str) -> str:
    """The text with each letter changed, as Go does it: a letter never becomes two."""
    return "".join(new if len(new := change(letter)) == 1 else letter for letter in text)


def _moment(text: str, default: int) -> int:
    """Unix nanoseconds at whole microseconds; the end of a window takes its microsecond whole."""
    if not text:
        return default // _MICROSECOND * _MICROSECOND
    try:
        number = parse_float(text)
    except GoFloatError as error:
        raise LegacyQueryError(str(error)) from error
    if not math.isfinite(number):
        return -_FARTHEST
    if abs(number) * NANOSECONDS >= _FARTHEST:
        return int(math.copysign(_FARTHEST, number))
    whole = math.trunc(number)
    nanoseconds = whole * NANOSECONDS + math.trunc((number - whole) * NANOSECONDS)
    return nanoseconds // _MICROSECOND * _MICROSECOND

"""The query of the legacy read routes: defaults, and checks in the original's order."""

import math
from typing import Final

import msgspec

from exporter.model import NANOSECONDS, pipeline_uri
from exporter.stores import Where, Window, recent
from exporter.web.go_float import GoFloatError, parse_float
from exporter.web.parameters import TEXT_LIMIT, split_query

_MICROSECOND: Final = 1000
_FARTHEST: Final = 9_000_000_000 * NANOSECONDS
"""About the year 2255: what is beyond it does not fit into 64 bits of nanoseconds."""
NAMES: Final = ("since", "until", "orchestrator", "region", "pipeline", "model", "job_type")


class LegacyQueryError(ValueError):
    """The query is refused with status 400; the message is the original's."""


class LegacyQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What the legacy routes are asked. Empty texts mean any."""

    window: Window
    orchestrator: str
    region: str
    pipeline: str
    model: str
    ai: bool
    """Whether AI jobs are asked for, and not transcoding."""

    def where(self, *, orchestrator: bool) -> Where:
        """The rows that the query is about, with or without its orchestrator."""
        return Where(
            orchestrator=self.orchestrator or None if orchestrator else None,
            region=self.region or None,
            pipeline=pipeline_uri(self.pipeline) or None,
            model=self.model or None,
            addresses_only=True,
        )


def read_query(raw: str, *, now: int, look_back: float) -> LegacyQuery:
    """Read and check a raw query string.

    `now` is Unix nanoseconds, `look_back` the seconds of the window where `since` is absent.
    Raises `LegacyQueryError`.
    """
    values = split_query(raw)
    for name in NAMES:
        if len(values.get(name, "")) > TEXT_LIMIT:
            raise LegacyQueryError(f"{name} is longer than {TEXT_LIMIT} characters")
    by_default = recent(now, look_back)
    since = _moment(values.get("since", ""), by_default.since)
    until = _moment(values.get("until", ""), by_default.until)
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
        orchestrator=values.get("orchestrator", "").lower(),
        region=values.get("region", "").upper(),
        pipeline=pipeline,
        model=model,
        ai=job_type == "ai",
    )


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

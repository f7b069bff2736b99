"""The columns of a stored measurement: one list for every store.

Tags are what stores index and group by; they are bounded in number. Everything else is a field of
one fixed type. Durations are float seconds. A value that is not known is `None`.
"""

import math
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from exporter.model import (
    Blame,
    Check,
    Measurement,
    Origin,
    Reported,
    Tokens,
    pipeline_display,
    seconds,
)

MEASUREMENT: Final = "ai_job"
"""Name of the series, and of the table."""
TRANSCODING: Final = "transcoding_job"
"""The same for what others report about transcoding."""

Kind = Literal["text", "float", "integer", "boolean"]
Value = str | float | int | bool | None

PROOF_LIMIT: Final = 4096
"""Characters of the column `proof`; checks that go beyond are left out, from the last one on."""
EXEMPT_LIMIT: Final = 500
"""Characters of the column `exempt`."""

INT64: Final = range(-(2**63), 2**63)
"""Integers that every store can hold."""
_MARGIN: Final = 3_000_000_000
TIMES: Final = range(-(2**63) + _MARGIN, 2**63 - _MARGIN)
"""Moments that every store can hold, Unix nanoseconds."""
OUT_OF_RANGE: Final = "its time is outside of the years 1678 to 2262, which no store can hold"

PHASES: Final = (
    *("dns_time", "connect_time", "tls_time", "upload_time", "inference_time", "download_time"),
    *("tester_time", "round_trip_time"),
)
"""Columns that `Store.phases` is about; a phase that did not happen is absent."""


class Field(msgspec.Struct, frozen=True):
    """One column: its name, its type, and how a measurement gives its value."""

    name: str
    kind: Kind
    get: Callable[[Measurement], Value]
    tag: bool = False
    optional: bool = False
    """Whether a tag may be missing, because most rows have none; every other tag has a value."""

    def value(self, measurement: Measurement) -> Value:
        """The value to store; `None` for a number that no store can hold."""
        value = self.get(measurement)
        if self.kind == "float" and value is not None:
            value = float(value)
            return value if math.isfinite(value) else None
        if isinstance(value, int) and value not in INT64:
            return None
        return value


def storable(measurement: Measurement) -> bool:
    """Whether its time is one that every store can hold, years 1678 to 2262."""
    return measurement.started_at in TIMES


def counts(measurement: Measurement) -> bool:
    """Whether it enters rates, means and medians: what counts, and what others report."""
    return measurement.counts or measurement.origin is not Origin.OWN


def succeeded(measurement: Measurement) -> bool:
    """Whether it ends a streak of failures."""
    return measurement.ok and measurement.blame is None


def failed(measurement: Measurement) -> bool:
    """Whether it makes a streak of failures longer."""
    return not measurement.ok and measurement.blame is Blame.ORCHESTRATOR


def _round_trip_time(measurement: Measurement) -> float | None:
    if measurement.origin is Origin.OWN:
        return seconds(measurement.phases.round_trip) if measurement.ok else None
    reported = measurement.reported
    if reported is not None and reported.round_trip_time is not None:
        return reported.round_trip_time
    return seconds(measurement.phases.round_trip)


def comparable_time(measurement: Measurement) -> float | None:
    """The round trip that scores compare, seconds: without the gateway's first contact.

    Of a job that is not our own it is the round trip as reported; a failed one of ours has none.
    """
    if measurement.origin is not Origin.OWN:
        return _round_trip_time(measurement)
    return seconds(measurement.scored_time) if measurement.ok else None


def _scored_success(measurement: Measurement) -> float | None:
    return measurement.success_rate if counts(measurement) else None


def _scored_time(measurement: Measurement) -> float | None:
    return comparable_time(measurement) if counts(measurement) else None


def _median_time(measurement: Measurement) -> float | None:
    if measurement.success_rate != 1:
        return None
    return _scored_time(measurement) or None


def _succeeded_at(measurement: Measurement) -> int | None:
    return measurement.started_at if succeeded(measurement) else None


def check_document(check: Check) -> dict[str, str | float | bool | None]:
    """A check as JSON shows it; a bound that it has not is left out.

    `passed` is `None` for a score that is only reported.
    """
    bounds = {"at_least": check.at_least, "at_most": check.at_most}
    asked = {name: bound for name, bound in bounds.items() if bound is not None}
    return {
        "name": check.name,
        "score": check.score,
        **asked,
        "exempt": check.exempt,
        "passed": check.passed if asked else None,
    }


def exempt_checks(measurement: Measurement) -> tuple[str, ...]:
    """The checks that were made and decided nothing, since the settings exempt the model."""
    return tuple(check.name for check in measurement.proof if check.exempt)


def _proof(measurement: Measurement) -> str | None:
    if not measurement.proof:
        return None
    parts: list[str] = []
    length = 1
    for check in measurement.proof:
        part = msgspec.json.encode(check_document(check)).decode()
        length += len(part) + 1
        if length > PROOF_LIMIT:
            break
        parts.append(part)
    return f"[{','.join(parts)}]"


def _exempt(measurement: Measurement) -> str | None:
    return ",".join(exempt_checks(measurement))[:EXEMPT_LIMIT] or None


def _error_message(measurement: Measurement) -> str | None:
    return None if measurement.ok else measurement.message or None


def _artefact_bytes(measurement: Measurement) -> int | None:
    if not measurement.artefacts:
        return None
    return sum(artefact.bytes for artefact in measurement.artefacts)


def _tokens(measurement: Measurement) -> Tokens:
    return measurement.tokens or Tokens()


def _tag(name: str) -> Field:
    return Field(name, "text", lambda measurement: str(getattr(measurement, name)), tag=True)


def _fact(name: str, kind: Kind) -> Field:
    return Field(name, kind, lambda measurement: getattr(measurement, name))


def _phase(name: str) -> Field:
    return Field(
        f"{name}_time", "float", lambda measurement: seconds(getattr(measurement.phases, name))
    )


def _reported(name: str, kind: Kind) -> Field:
    return Field(name, kind, lambda measurement: getattr(measurement.reported or Reported(), name))


def _or_zero(get: Callable[[Measurement], float | None]) -> Callable[[Measurement], float]:
    return lambda measurement: get(measurement) or 0.0


def _spelled_orchestrator(measurement: Measurement) -> str | None:
    """The orchestrator as somebody else spelled it; `None` where that is how we do."""
    spelled = measurement.reported.orchestrator if measurement.reported is not None else None
    return None if spelled == measurement.orchestrator else spelled


def spelled_pipeline(measurement: Measurement) -> str | None:
    """The pipeline as somebody else spelled it; `None` where that is its display form.

    In a stat of a leaderboard every spelling is meant; who writes the URI form into a file, or is
    one of us, means the pipeline.
    """
    reported = measurement.reported
    if reported is None or measurement.transcoding:
        return None
    spelled = reported.pipeline
    if spelled is None and reported.timestamp is not None:
        spelled = measurement.pipeline
    return None if spelled == pipeline_display(measurement.pipeline) else spelled


_TAGS: Final = (
    _tag("orchestrator"),
    _tag("region"),
    _tag("pipeline"),
    _tag("model"),
    _tag("outcome"),
    _tag("tester"),
    _tag("origin"),
    Field("spelled_orchestrator", "text", _spelled_orchestrator, tag=True, optional=True),
    Field("spelled_pipeline", "text", spelled_pipeline, tag=True, optional=True),
)

FIELDS: Final = (
    *_TAGS,
    Field("job_id", "text", lambda measurement: measurement.id),
    _fact("success_rate", "float"),
    Field("round_trip_time", "float", _round_trip_time),
    # What questions add up, apart for rows that count: neither store has to look at other columns.
    Field("scored_success", "float", _scored_success),
    Field("scored_time", "float", _scored_time),
    Field("median_time", "float", _median_time),
    Field("succeeded_at", "integer", _succeeded_at),
    _phase("dns"),
    _phase("connect"),
    _phase("tls"),
    _phase("upload"),
    _phase("inference"),
    _phase("download"),
    _phase("tester"),
    Field("queue_time", "float", lambda measurement: seconds(measurement.queue_time)),
    Field(
        "session_setup_time",
        "float",
        lambda measurement: seconds(measurement.session_setup_time),
    ),
    Field("network_rtt", "float", lambda measurement: seconds(measurement.network_rtt)),
    Field("timing_quality", "float", lambda measurement: seconds(measurement.loop_lag)),
    _fact("latency_per_unit", "float"),
    _fact("units", "float"),
    _fact("unit", "text"),
    Field(
        "time_to_first_token",
        "float",
        lambda measurement: seconds(_tokens(measurement).time_to_first),
    ),
    Field(
        "inter_token_latency",
        "float",
        lambda measurement: seconds(_tokens(measurement).inter_token),
    ),
    Field("tokens_per_second", "float", lambda measurement: _tokens(measurement).per_second),
    Field("tokens", "integer", lambda measurement: _tokens(measurement).completion),
    _fact("blame", "text"),
    Field("error_message", "text", _error_message),
    _fact("http_status", "integer"),
    _fact("attempts", "integer"),
    _fact("request_bytes", "integer"),
    _fact("response_bytes", "integer"),
    Field("artefact_bytes", "integer", _artefact_bytes),
    _fact("model_is_warm", "boolean"),
    _fact("price_per_unit", "float"),
    _fact("fee", "float"),
    _fact("gpu", "text"),
    _fact("node_version", "text"),
    _fact("lane", "text"),
    _fact("lane_version", "text"),
    _fact("service_uri", "text"),
    _fact("round", "integer"),
    _fact("repeats", "text"),
    Field("proof", "text", _proof),
    Field("exempt", "text", _exempt),
)
"""Every column but time."""

TRANSCODING_FIELDS: Final = (
    *_TAGS,
    Field("job_id", "text", lambda measurement: measurement.id),
    _fact("success_rate", "float"),
    # In scores of transcoding a time that was not reported counts as 0, as in the original.
    Field("round_trip_time", "float", _or_zero(_round_trip_time)),
    Field(
        "seg_duration",
        "float",
        _or_zero(lambda measurement: (measurement.reported or Reported()).seg_duration),
    ),
    _reported("upload_time", "float"),
    _reported("download_time", "float"),
    _reported("transcode_time", "float"),
    _reported("segments_sent", "integer"),
    _reported("segments_received", "integer"),
    Field("error_message", "text", _error_message),
)
"""Every column of a result of transcoding but time."""


def fields_of(measurement: Measurement) -> tuple[str, tuple[Field, ...]]:
    """Name of the series that it belongs to, and its columns."""
    if measurement.transcoding:
        return TRANSCODING, TRANSCODING_FIELDS
    return MEASUREMENT, FIELDS

"""The columns of a stored measurement: one list for every store.

Tags are what stores index and group by; they are bounded in number. Everything else is a field of
one fixed type. Durations are float seconds. A value that is not known is `None`.
"""

import math
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from exporter.model import Check, Measurement, Origin, Tokens, seconds

MEASUREMENT: Final = "ai_job"
"""Name of the series, and of the table."""

Kind = Literal["text", "float", "integer", "boolean"]
Value = str | float | int | bool | None

PROOF_LIMIT: Final = 4096
"""Characters of the column `proof`; checks that go beyond are left out, from the last one on."""
EXEMPT_LIMIT: Final = 500
"""Characters of the column `exempt`."""

_INT64: Final = range(-(2**63), 2**63)


class Field(msgspec.Struct, frozen=True):
    """One column: its name, its type, and how a measurement gives its value."""

    name: str
    kind: Kind
    get: Callable[[Measurement], Value]
    tag: bool = False

    def value(self, measurement: Measurement) -> Value:
        """The value to store; `None` for a number that no store can hold."""
        value = self.get(measurement)
        if self.kind == "float" and value is not None:
            value = float(value)
            return value if math.isfinite(value) else None
        if isinstance(value, int) and value not in _INT64:
            return None
        return value


def storable(measurement: Measurement) -> bool:
    """Whether its time fits into 64 bits of nanoseconds, as stores keep it."""
    return measurement.started_at in _INT64


def _success_rate(measurement: Measurement) -> float:
    return 1.0 if measurement.ok else 0.0


def _round_trip_time(measurement: Measurement) -> float | None:
    if measurement.origin is Origin.OWN and not measurement.ok:
        return None
    return seconds(measurement.phases.round_trip)


def scored_time(measurement: Measurement) -> float | None:
    """The round trip that scores compare, seconds: without the gateway's first contact.

    Of a job that is not our own it is the round trip as reported; a failed one of ours has none.
    """
    if measurement.origin is not Origin.OWN:
        return _round_trip_time(measurement)
    return seconds(measurement.scored_time) if measurement.ok else None


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


FIELDS: Final = (
    _tag("orchestrator"),
    _tag("region"),
    _tag("pipeline"),
    _tag("model"),
    _tag("outcome"),
    _tag("tester"),
    _tag("origin"),
    Field("job_id", "text", lambda measurement: measurement.id),
    Field("success_rate", "float", _success_rate),
    Field("round_trip_time", "float", _round_trip_time),
    Field("scored_time", "float", scored_time),
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

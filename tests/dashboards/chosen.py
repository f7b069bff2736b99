"""Queries as Grafana asks them: with what the reader chose in the place of the variables."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

Choices = Mapping[str, tuple[str, ...] | None]
"""Values of the variables; `None`: all."""

STEP = 1800


def flux(query: str, choices: Choices, start: int, stop: int, bucket: str) -> str:
    """A Flux query; `start` and `stop` in Unix seconds."""
    for name, values in choices.items():
        query = query.replace(f"${{{name}:regex}}", _any(values))
    query = query.replace("${bucket}", bucket)
    for name, moment in (("v.timeRangeStart", start), ("v.timeRangeStop", stop)):
        query = query.replace(name, datetime.fromtimestamp(moment, UTC).isoformat()[:-6] + "Z")
    query = query.replace("v.windowPeriod", f"{STEP}s")
    assert "${" not in query, query
    return query


def promql(query: str, choices: Choices, seconds: int) -> str:
    """A PromQL query about a range of so many seconds."""
    for macro, value in (
        ("$__range_s", str(seconds)),
        ("$__range", f"{seconds}s"),
        ("$__rate_interval", f"{STEP + 30}s"),
        ("$__interval", f"{STEP}s"),
    ):
        query = query.replace(macro, value)
    for name, values in choices.items():
        query = query.replace(f"${{{name}:regex}}", _any(values))
        query = query.replace(f"${name}", _any(values).replace("\\", "\\\\").replace('"', '\\"'))
    assert "$" not in query, query
    return query


def _any(values: tuple[str, ...] | None) -> str:
    if values is None:
        return ".*"
    escaped = [re.sub(r"[\\^$*+?.()|[\]{}/]", r"\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"

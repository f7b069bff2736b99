"""Why a gateway did not come up, by its own words."""

from collections.abc import Iterable, Sequence

from exporter.probing.lane_log.line import LogLine
from exporter.probing.lane_log.table import Kind, of_process

_PROBLEMS = {
    Kind.PORT_TAKEN: "a port is taken",
    Kind.START_FAILED: "the gateway says",
    Kind.NEW_ACCOUNT: "the keystore does not hold the account",
    Kind.NO_DISCOVERY: "no orchestrator was given",
}
_SHOWN = 5
_LENGTH = 300


def problems(lines: Iterable[LogLine], version: str) -> tuple[str, ...]:
    """What the lines of a start name as its failure, in order, each once; at most five."""
    found: dict[str, None] = {}
    for line in lines:
        known = of_process(line, version)
        if known is not None and known.kind in _PROBLEMS and line.severity is not None:
            found[f"{_PROBLEMS[known.kind]}: {line.text}"[:_LENGTH]] = None
    return tuple(found)[:_SHOWN]


def node_version(lines: Sequence[LogLine]) -> str | None:
    """The version that the gateway says it is; `None` if it did not say."""
    for line in lines:
        known = of_process(line, "")
        if known is not None and known.kind is Kind.VERSION:
            return known.parts["version"][:100]
    return None

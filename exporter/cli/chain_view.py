"""What `chain` shows: a row for each orchestrator that is registered."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from exporter.leaderboard.display import shown
from exporter.model import NANOSECONDS, Certificate, ChainState, Reachability, Registration

Row = tuple[str, ...]

HEAD: Row = (
    "orchestrator",
    "name",
    "stake, LPT",
    "share",
    "active",
    "from",
    "until",
    "AI service URI",
    "service URI",
    "reachable",
    "certificate",
)
UNKNOWN = "-"


def rows(registered: Sequence[Registration]) -> list[Row]:
    """The most stake first."""
    return [_row(one) for one in sorted(registered, key=lambda one: -one.stake)]


def headline(state: ChainState, registered: Sequence[Registration]) -> str:
    """Which moment of which chain it is."""
    active = sum(one.active for one in registered)
    began = "" if state.round_initialized else ", which nobody has initialized yet"
    return (
        f"Chain {state.chain_id}, block {state.block} of {_moment(state.block_time)}: round "
        f"{state.round}{began}; {active} active, {state.pool_size} of {state.pool_limit} in the "
        f"pool for the next round, {state.total_active_stake:.10g} LPT active"
    )


def _row(one: Registration) -> Row:
    return (
        shown(one.orchestrator),
        one.name or UNKNOWN,
        f"{one.stake:.10g}",
        UNKNOWN if one.share is None else f"{100 * one.share:.2f} %",
        "yes" if one.active else "no",
        _number(one.activation_round),
        _number(one.deactivation_round),
        _uri(one.ai_service_uri, one.ai_uri_refused),
        _uri(one.service_uri, one.uri_refused),
        _joined(_reached(look) for look in one.reachability),
        _joined(_certificate(look.certificate) for look in one.reachability if look.certificate),
    )


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts)) or UNKNOWN


def _number(number: int | None) -> str:
    return UNKNOWN if number is None else str(number)


def _uri(uri: str | None, refused: str | None) -> str:
    if uri is not None:
        return uri
    return UNKNOWN if refused is None else f"refused: {refused}"


def _reached(look: Reachability) -> str:
    if look.reached is None:
        return f"unknown ({look.error})" if look.error else "unknown"
    if look.reached:
        return "yes"
    return f"no, {look.stage}: {look.error}"


def _certificate(certificate: Certificate) -> str:
    until = "" if certificate.not_after is None else f"until {_day(certificate.not_after)}"
    whose = "self-signed" if certificate.self_signed else certificate.issuer or ""
    names = ", ".join(certificate.names[:2])
    other = "not for this host" if certificate.matches_host is False else ""
    return ", ".join(part for part in (until, names, whose, other) if part)


def _moment(nanoseconds: int) -> str:
    return f"{_utc(nanoseconds):%Y-%m-%d %H:%M:%S} UTC"


def _day(nanoseconds: int) -> str:
    return f"{_utc(nanoseconds):%Y-%m-%d}"


def _utc(nanoseconds: int) -> datetime:
    latest = 253402300799  # the end of the year 9999, to which certificates may be made out
    return datetime.fromtimestamp(max(0, min(nanoseconds // NANOSECONDS, latest)), UTC)
